"""The relay: a thread that brings the outbox to the topic, in each customer's order."""

import threading
from collections.abc import Callable, Sequence

import psycopg
from kafka import KafkaProducer
from kafka.errors import KafkaError

from alerting import database, metrics, outbox
from alerting.outbox import Message
from alerting.settings import AlertingSettings
from crm_shared import kafka, logging, postgres
from crm_shared.errors import ServerUnavailableError
from crm_shared.events import reminders
from crm_shared.settings import KafkaSettings

_log = logging.get(__name__)

_AT_ONCE = 500
_IDLE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_ACK_SECONDS = 20.0


class Relay:
    """Claims unsent reminders, sends them, marks what was acknowledged."""

    def __init__(
        self,
        settings: AlertingSettings,
        kafka_settings: KafkaSettings,
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._settings = settings
        self._kafka = kafka_settings
        self._topic = kafka.topic(kafka_settings, reminders.TOPIC)
        self._on_failure = on_failure
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._connection: psycopg.Connection | None = None
        self._producer: KafkaProducer | None = None
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def stop(self, seconds: float) -> None:
        """Send what is there, then end; give up after `seconds`, the outbox forgets nothing."""
        self._stop.set()
        self._wake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        pause = _IDLE_SECONDS
        try:
            while True:
                stopping = self._stop.is_set()
                try:
                    self._drain()
                    pause = _IDLE_SECONDS
                except (*database.RETRYABLE, KafkaError, ServerUnavailableError) as error:
                    metrics.SENDS_PUT_OFF.inc()
                    _log.warning("reminders_not_sent", error=str(error).strip()[:300])
                    self._close()
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                if stopping:
                    return
                self._wake.wait(pause)
                self._wake.clear()
        except Exception as error:
            self._on_failure(error)
        finally:
            self._close()

    def _drain(self) -> None:
        while self._send_some() == _AT_ONCE:
            pass

    def _send_some(self) -> int:
        if self._connection is None:
            self._connection = database.connect(
                self._settings.url,
                purpose="relay",
                statement_timeout_seconds=self._settings.statement_timeout_seconds,
            )
        patience = self._settings.statement_timeout_seconds * 2 + _ACK_SECONDS
        with postgres.bounded(self._connection, patience), self._connection.transaction():
            messages = outbox.claim(self._connection, _AT_ONCE)
            acknowledged = self._send(messages) if messages else []
            if acknowledged:
                outbox.mark_sent(self._connection, acknowledged)
            metrics.OUTBOX_BACKLOG.set(outbox.backlog(self._connection))
        metrics.SENT.inc(len(acknowledged))
        if len(acknowledged) < len(messages):
            raise KafkaError(f"{len(messages) - len(acknowledged)} reminders not acknowledged")
        return len(messages)

    def _send(self, messages: Sequence[Message]) -> list[int]:
        """Send all; the numbers of those acknowledged with everything before of the same key."""
        if self._producer is None:
            self._producer = kafka.producer(self._kafka)
        futures = [
            (one, self._producer.send(self._topic, key=one.key, value=one.value))
            for one in messages
        ]
        self._producer.flush(timeout=_ACK_SECONDS)
        broken: set[bytes] = set()
        acknowledged = []
        for message, future in futures:
            if message.key in broken or not future.succeeded():
                broken.add(message.key)
            else:
                acknowledged.append(message.seq)
        return acknowledged

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=1)
