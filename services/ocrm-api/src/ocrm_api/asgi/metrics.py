"""Prometheus metrics of this process: requests by route template, never by path."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: As web servers count it; nobody receives it.
CLIENT_WENT_AWAY = 499


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ocrm_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "ocrm_request_seconds",
            "Time to the end of the answer.",
            ("method", "route"),
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.timekeeper_faults = Counter(
            "ocrm_timekeeper_faults_total",
            "Turns of the timekeeper of reminders that failed and are tried again.",
            registry=self.registry,
        )
        self.holidays_unknown_from = Gauge(
            "ocrm_holidays_unknown_from_timestamp_seconds",
            "Beginning, at the bank, of the first year without a file of public holidays, as this"
            " process has them.",
            registry=self.registry,
        )
        self.streams = Gauge("ocrm_open_streams", "Open event streams.", registry=self.registry)
        self.published = Gauge(
            "ocrm_published_business_date_timestamp_seconds",
            "Beginning, at the bank, of the last published business date; 0: none.",
            registry=self.registry,
        )
        self.intake_heartbeat = Gauge(
            "ocrm_intake_heartbeat_timestamp_seconds",
            "Newest heartbeat of the intake of reminders; 0: none runs.",
            registry=self.registry,
        )
        self.intake_lag = Gauge(
            "ocrm_intake_lag_records",
            "Reminders of the topic that the intake has not taken in.",
            registry=self.registry,
        )
        self.intake_dead_letters = Gauge(
            "ocrm_intake_dead_letters",
            "Messages that the intake could not use and nobody has settled.",
            registry=self.registry,
        )
        self.intake_missing = Gauge(
            "ocrm_intake_missing_records",
            "Records that were deleted from the topic before the intake came to them, ever.",
            registry=self.registry,
        )
        self.intake_missing_at = Gauge(
            "ocrm_intake_missing_timestamp_seconds",
            "When the intake last came upon records that were missing; 0: never.",
            registry=self.registry,
        )
        self.intake_canary_at = Gauge(
            "ocrm_intake_canary_timestamp_seconds",
            "When alerting sent the newest canary that was taken in, of the partition where that is"
            " longest ago; 0: none came.",
            registry=self.registry,
        )
        self.reminders = Gauge(
            "ocrm_live_reminders",
            "Reminders that are new, seen, acknowledged or snoozed, of the whole bank.",
            ("status",),
            registry=self.registry,
        )
        self.overdue = Gauge(
            "ocrm_overdue_reminders",
            "Open reminders, not snoozed, whose due date has passed.",
            registry=self.registry,
        )
        self.unrouted = Gauge(
            "ocrm_unrouted_reminders",
            "Open or snoozed reminders for which no branch was found, so that only operations see"
            " them.",
            registry=self.registry,
        )


class Measure:
    """Counts and times what passes."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = CLIENT_WENT_AWAY  # unless an answer begins
        begun = time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self.metrics.requests.labels(scope["method"], route, str(status)).inc()
            self.metrics.seconds.labels(scope["method"], route).observe(time.perf_counter() - begun)
