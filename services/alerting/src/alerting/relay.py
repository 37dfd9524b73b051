"""The relay: a thread that brings the outbox to the topic, in each reminder's order.

It also sends canaries, deletes what has been kept long enough, measures what waits for a person,
and hears from the database what time it is.
"""

import threading
import time
from collections.abc import Callable

import psycopg
from kafka import KafkaProducer
from kafka.errors import KafkaError

from alerting import (
    database,
    days_checked,
    delivery,
    growth,
    metrics,
    outbox,
    retention,
    status,
)
from alerting.canaries import Canaries
from alerting.database_clock import DatabaseClock
from alerting.delivery import Delivery
from alerting.settings import AlertingSettings
from crm_shared import kafka, logging, postgres
from crm_shared.errors import ServerUnavailableError
from crm_shared.events import reminders
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings

_log = logging.get(__name__)

_IDLE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_ACK_SECONDS = 20.0
_SEND_SECONDS = 1.0
_CANARY_SECONDS = 1.0
_MOMENT_SECONDS = 5.0
_DELETE_EVERY_SECONDS = 600.0
_LOOK_EVERY_SECONDS = 10.0


class Relay:
    """Claims unsent messages, sends them, marks what was acknowledged; asks the database for the
    time of `clock`."""

    def __init__(
        self,
        settings: AlertingSettings,
        kafka_settings: KafkaSettings,
        canaries: Canaries,
        on_failure: Callable[[Exception], None],
        *,
        clock: DatabaseClock,
    ) -> None:
        self._settings = settings
        self._kafka = kafka_settings
        self._canaries = canaries
        self._clock = clock
        self._topics = [kafka.topic(kafka_settings, name) for name in TOPICS]
        # PostgreSQL ends a transaction that idles for three times the patience with a statement.
        patience = min(_ACK_SECONDS, settings.statement_timeout_seconds * 2)
        self._told = kafka.topic(kafka_settings, reminders.TOPIC)
        self._delivery = Delivery(self._told, patience)
        self._on_failure = on_failure
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._connection: psycopg.Connection | None = None
        self._producer: KafkaProducer | None = None
        self._delete_at = self._look_at = 0.0
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def stop(self, seconds: float) -> None:
        """Send for a moment what is there, then end; give up after `seconds`, the outbox forgets
        nothing."""
        self._stop.set()
        self._wake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        pause = _IDLE_SECONDS
        try:
            while True:
                stopping, more = self._stop.is_set(), False
                try:
                    if not stopping:
                        self._look()
                    more = self._drain()
                    if not stopping:
                        self._delete_old()
                        self._send_canaries()
                    pause = _IDLE_SECONDS
                except (*database.RETRYABLE, KafkaError, ServerUnavailableError) as error:
                    self._put_off(error)
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                if stopping:
                    return
                if not more:
                    self._wake.wait(pause)
                    self._wake.clear()
        except Exception as error:
            self._on_failure(error)
        finally:
            self._close()

    def _put_off(self, error: Exception) -> None:
        metrics.SENDS_PUT_OFF.inc()
        _log.warning("reminders_not_sent", error=str(error).strip()[:300])
        self._close()
        if isinstance(error, ServerUnavailableError):
            # What was unacknowledged is nobody's own fault: all of it goes when the server is back.
            self._delivery.leave_nobody_out()

    def _drain(self) -> bool:
        """Send for a moment: canaries, metrics and deletion have their turn, too. Whether there is
        more to send."""
        until = time.monotonic() + _SEND_SECONDS
        while more := self._send_some():
            if time.monotonic() >= until:
                break
        return more

    def _look(self) -> None:
        """Dead letters, storms and backlog, for the metrics: also while Kafka is away."""
        if time.monotonic() < self._look_at:
            return
        # First: a look that fails must not stop every turn, and with it the reminders.
        self._look_at = time.monotonic() + _LOOK_EVERY_SECONDS
        connection = self._connected()
        patience = self._settings.statement_timeout_seconds * 2
        with postgres.bounded(connection, patience), connection.transaction():
            self._clock.ask(connection)
            metrics.waits(status.waiting(connection))
            metrics.days(days_checked.standing(connection))
            metrics.moving(growth.since(connection, self._topics))
            metrics.OUTBOX_BACKLOG.set(outbox.backlog(connection))
            metrics.OUTBOX_OLDEST.set(outbox.oldest_seconds(connection) or 0)
            if self._canaries.on:
                refused = self._canaries.refused
                metrics.canaries(status.canaries(connection, self._topics, refused))

    def _send_canaries(self) -> None:
        """Among the reminders only while none waits for longer than a moment, whoever sends them:
        who has a canary has all that were stored a moment before it."""
        if not self._canaries.due():
            return
        connection = self._connected()
        patience = self._settings.statement_timeout_seconds * 2
        with postgres.bounded(connection, patience), connection.transaction():
            waits = (outbox.oldest_seconds(connection) or 0) > _MOMENT_SECONDS
        producer = self._producing()
        try:
            self._canaries.send(producer, _CANARY_SECONDS, () if waits else [self._told])
        except KafkaError as error:
            # One partition that takes none holds up a reminder for a moment at most; how old its
            # newest is tells it.
            _log.warning("canaries_not_sent", error=str(error).strip()[:300])

    def _delete_old(self) -> None:
        """A chunk of what has been kept long enough; the next one at the next turn, if any."""
        if time.monotonic() < self._delete_at:
            return
        connection = self._connected()
        with postgres.bounded(connection, self._settings.statement_timeout_seconds * 2):
            deleted = retention.delete_some(connection, self._settings.retention)
        for table, rows in deleted.items():
            metrics.DELETED.labels(table).inc(rows)
        if max(deleted.values()) < retention.CHUNK:
            self._delete_at = time.monotonic() + _DELETE_EVERY_SECONDS

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = database.connect(
                self._settings.url,
                purpose="relay",
                statement_timeout_seconds=self._settings.statement_timeout_seconds,
            )
        return self._connection

    def _send_some(self) -> bool:
        """Whether there is more."""
        connection = self._connected()
        patience = self._settings.statement_timeout_seconds * 2 + self._delivery.ack_seconds
        with postgres.bounded(connection, patience), connection.transaction():
            found = self._delivery.send_some(connection, self._producing)
        metrics.SENT.inc(found.acknowledged)
        if found.failed:
            error = KafkaError(f"{found.failed} messages not acknowledged")
            if not found.acknowledged:
                raise error
            self._put_off(error)
        return found.claimed == delivery.AT_ONCE

    def _producing(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = kafka.producer(self._kafka)
        return self._producer

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=1)
