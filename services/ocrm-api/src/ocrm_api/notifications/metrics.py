"""What operations measure of the notifier: Prometheus metrics of its process."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from ocrm_api.settings import ChannelName


class NotifierMetrics:
    """The metrics of one notifier."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.attempts = Counter(
            "ocrm_notification_attempts_total",
            "Notifications tried, by what became of them: sent, put_off, failed, dropped.",
            ("channel", "outcome"),
            registry=self.registry,
        )
        self.waiting = Gauge(
            "ocrm_notifications_waiting", "Notifications not sent yet.", registry=self.registry
        )
        self.failed = Gauge(
            "ocrm_notifications_failed",
            "Notifications given up, which an operator can retry.",
            registry=self.registry,
        )
        self.put_off = Counter(
            "ocrm_notifier_put_off_total",
            "Turns put off as PostgreSQL failed.",
            registry=self.registry,
        )
        self.turned_at = Gauge(
            "ocrm_notifier_last_turn_timestamp_seconds",
            "When the notifier last looked and found PostgreSQL there.",
            registry=self.registry,
        )

    def count(self, channel: ChannelName, outcome: str) -> None:
        """Add an attempt."""
        self.attempts.labels(channel, outcome).inc()
