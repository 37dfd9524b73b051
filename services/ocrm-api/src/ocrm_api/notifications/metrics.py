"""What operations measure of the notifier: Prometheus metrics of its process."""

from collections.abc import Mapping
from datetime import timedelta
from typing import get_args

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
            "ocrm_notifications_waiting", "Notifications not sent yet.", ("channel",),
            registry=self.registry,
        )  # fmt: skip
        self.oldest = Gauge(
            "ocrm_notifications_oldest_seconds",
            "Age of the oldest notification that is not sent yet; 0: none, or a quiet hour.",
            ("channel",),
            registry=self.registry,
        )
        self.failed = Gauge(
            "ocrm_notifications_failed",
            "Notifications given up, which an operator can retry.",
            ("channel",),
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

        self._channels: set[str] = set(get_args(ChannelName))
        for channel in self._channels:
            for outcome in ("sent", "put_off", "failed", "dropped"):
                # From zero on: Prometheus sees no increase in a series that begins with one.
                self.attempts.labels(channel, outcome)

    def count(self, channel: str, outcome: str, number: int = 1) -> None:
        """Add attempts."""
        self.attempts.labels(channel, outcome).inc(number)

    def show(self, counts: Mapping[tuple[str, str], int], ages: Mapping[str, timedelta]) -> None:
        """Say how many wait and how many have failed, by status and channel, and by channel how old
        the oldest is that should have been sent."""
        self._channels |= {channel for _, channel in counts}
        for channel in self._channels:
            self.waiting.labels(channel).set(counts.get(("waiting", channel), 0))
            self.failed.labels(channel).set(counts.get(("failed", channel), 0))
            age = ages.get(channel, timedelta(0))
            self.oldest.labels(channel).set(max(0.0, age.total_seconds()))
