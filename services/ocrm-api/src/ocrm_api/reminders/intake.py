"""The intake: `crm.reminders.v1` → one PostgreSQL transaction per batch → offsets.

Killed at any moment it loses nothing and doubles nothing: what was not committed comes again, and
what comes again is recognised by its id. While a server is away it waits and tries again. Where
PostgreSQL was set back to a backup, it goes back with it; where the topic was deleted and made
again, it begins at its first record.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.errors import KafkaError
from redis import Redis
from redis.exceptions import RedisError

from crm_shared import clock, kafka, kafka_gaps, kafka_positions, logging, postgres
from crm_shared.errors import ServerUnavailableError
from crm_shared.events import reminders as topic
from crm_shared.kafka_records import Record
from crm_shared.settings import KafkaSettings
from ocrm_api import migrate
from ocrm_api.reminders import books, outbox, receiving, routing, telling
from ocrm_api.reminders.routing import BEGINNING, Place, Published
from ocrm_api.reminders.stream import CHANNEL
from ocrm_api.reminders.telling import Happened
from ocrm_api.settings import Settings

HEARTBEAT_SECONDS = 2.0
#: So long new reminders wait at most for those that are routed anew, besides the part in hand.
REROUTE_SECONDS = 0.25
TIDY_SECONDS = 600.0
#: Less than the broker waits for a member (`max_poll_interval_ms`).
TRANSACTION_SECONDS = 30.0
#: An intake that is paused within a transaction may not keep everybody's stream locked.
IDLE_SECONDS = 30
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0

#: PostgreSQL is away, or another transaction was in the way: the batch is put off, not given up.
RETRYABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    ServerUnavailableError,
)

log = logging.get(__name__)


def lag_of(client: KafkaConsumer) -> dict[int, int]:
    """By partition of its own, how many records the client has not taken yet; 0 where it has not
    heard of the end or of its place. Waits a second for the broker, for each partition."""
    lag = {}
    for partition in client.assignment():
        end = client.highwater(partition)
        at = client.position(partition, timeout_ms=1_000)
        lag[partition.partition] = max(0, end - at) if end is not None and at is not None else 0
    return lag


class _PolledAgainError(Exception):
    """What is in hand is polled again, from where PostgreSQL is."""


class _Places(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python is untyped
    """Notes that partitions were assigned: it is to be seen where they go on."""

    to_be_seen = False

    def on_partitions_assigned(self, assigned: Any) -> None:
        self.to_be_seen = True

    def on_partitions_revoked(self, revoked: Any) -> None:
        """What is in hand is finished, and changes nothing where another has it too."""


class Intake:
    """One member of the consumer group; `run` turns until `stop` is set."""

    def __init__(
        self,
        settings: Settings,
        kafka_settings: KafkaSettings,
        redis_url: str,
        stop: threading.Event,
        transaction_seconds: float = TRANSACTION_SECONDS,
    ) -> None:
        self._settings = settings
        self._transaction_seconds = transaction_seconds
        self._stop = stop
        self._redis = Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._started_at = clock.now()
        self._connection: psycopg.Connection | None = None
        self._published: Published | None = None
        self._routed_run: UUID | None = None
        self._closed_run: UUID | None = None
        self._place: Place | None = None
        self._pending: Sequence[Record] = ()
        self._records = 0
        self._beat_at = self._tidied_at = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        with self._transaction() as connection:
            migrate.check_version(connection)
        kafka.ensure_topics(kafka_settings, [topic.TOPIC])
        self._topic = kafka.topic(kafka_settings, topic.TOPIC)
        self._client: KafkaConsumer = kafka.consumer(kafka_settings, settings.intake_group)
        self._places = _Places()
        self._next: dict[kafka_positions.Partition, int] = {}
        self._topic_ids: dict[str, UUID] = {}
        self._client.subscribe([self._topic], listener=self._places)

    def run(self) -> None:
        """Take reminders in; the batch in hand is finished, then the group is left."""
        log.info("intake_started", group=self._settings.intake_group)
        try:
            while not self._stop.is_set():
                self._turn()
            with contextlib.suppress(*RETRYABLE), self._transaction() as connection:
                books.leave(connection)
        finally:
            self._client.close()
            self._redis.close()
            if self._connection is not None:
                self._connection.close()
        log.info("intake_stopped", records=self._records)

    def _turn(self) -> None:
        try:
            kafka.consume(
                self._client, self._handle, self._stop.is_set, after_poll=self._between_batches
            )
        except _PolledAgainError:
            self._let_go()
        except RETRYABLE as error:
            self._put_off("PostgreSQL", error)
        except KafkaError as error:
            if not error.retriable:
                raise
            self._put_off("Kafka", error)

    def _handle(self, records: Sequence[Record]) -> None:
        """Make a batch durable."""
        self._pending = records
        if self._is_elsewhere():
            self._go_back()
            raise _PolledAgainError
        beginnings = partial(kafka_gaps.beginnings, self._client)
        gaps = kafka_gaps.find(records, self._next, beginnings)
        with self._transaction() as connection:
            self._require_not_set_back(connection)
            self._published = routing.current(connection, self._published)
            received = receiving.receive(connection, self._published, records)
            unsettled = books.keep_dead_letters(connection, received.dead)
            books.keep_offsets(connection, records, self._topic_ids, gaps)
            books.keep_canaries(connection, received.canaries)
            told = received.told()
            outbox.add(connection, told)
            telling.tell(connection, told)
        self._pending, self._pause = (), FIRST_PAUSE_SECONDS
        self._records += len(records)
        for (name, number), one in kafka.next_offsets(records).items():
            self._next[name, number] = one.offset
        for letter in received.dead:
            log.warning(
                "dead_letter",
                topic=letter.record.topic,
                partition=letter.record.partition,
                offset=letter.record.offset,
                reason=letter.reason,
            )
        for gap in gaps:
            log.error("records_missing", topic=gap.topic, partition=gap.partition,
                      expected=gap.first, found=gap.last + 1)  # fmt: skip
        if told:
            self._wake_streams()
        books.check_dead_letters(unsettled, self._settings.dead_letter_limit)

    def _between_batches(self) -> None:
        """Every few seconds a heartbeat; some parts of the routes after a publication, and one of
        what is to be tidied now and then, each in a short transaction of its own."""
        if self._is_elsewhere():
            self._go_back()
        now = time.monotonic()
        if now - self._beat_at >= HEARTBEAT_SECONDS:
            self._beat()
            self._beat_at, self._pause = now, FIRST_PAUSE_SECONDS
        self._reroute()
        if now - self._tidied_at >= TIDY_SECONDS:
            with self._transaction() as connection:
                self._published = routing.current(connection, self._published)
                more = books.tidy(connection, self._settings.stream_retention_hours)
            self._tidied_at = self._tidied_at if more else now

    def _beat(self) -> None:
        lag = lag_of(self._client)  # before the transaction: it may wait for the broker
        with self._transaction() as connection:
            self._require_not_set_back(connection)
            self._published = routing.current(connection, self._published)
            books.heartbeat(connection, self._started_at, lag, self._records)

    def _is_elsewhere(self) -> bool:
        """Whether our partitions are others than we knew, or their topic was made again."""
        heard = kafka.topic_ids(self._client, [self._topic])
        return self._places.to_be_seen or not heard.items() <= self._topic_ids.items()

    def _go_back(self) -> None:
        """Have each of our partitions go on where PostgreSQL is, and not where the broker says; in
        a topic that was made again at its first record."""
        self._let_go()
        self._places.to_be_seen = False
        try:
            ours = [(one.topic, one.partition) for one in self._client.assignment()]
            topic_ids = kafka.topic_ids(self._client, [self._topic])
            with self._transaction() as connection:
                begun = books.follow(connection, topic_ids)
                kept = books.offsets(connection)
            for name in begun:
                log.warning("topic_recreated", topic=name, new_id=str(topic_ids[name]),
                            do="nothing: it is taken in from its first record")  # fmt: skip
            kafka_positions.go_back(self._client, {one: kept.get(one, 0) for one in ours})
        except BaseException:
            self._places.to_be_seen = True
            raise
        self._next = {one: kept[one] for one in ours if one in kept}
        self._topic_ids = topic_ids

    def _require_not_set_back(self, connection: psycopg.Connection) -> None:
        kept = dict.fromkeys(self._next, 0) | books.offsets(connection)
        if sentence := kafka_positions.set_back(kept, self._next):
            log.warning("set_back", error=sentence, do="nothing: the intake goes back with it")
            self._places.to_be_seen = True
            raise _PolledAgainError

    def _reroute(self) -> None:
        """After a publication route what is live, then what is closed, for some time."""
        ends = time.monotonic() + REROUTE_SECONDS
        while self._published is not None and time.monotonic() < ends:
            if self._published.run_id != self._routed_run:
                self._routed_run, self._place = self._published.run_id, BEGINNING
            if self._place is not None:
                self._reroute_live(self._place)
            elif self._reroute_closed() != "more":
                return

    def _reroute_live(self, after: Place) -> None:
        with self._transaction() as connection:
            self._published = routing.current(connection, self._published)
            if self._published.run_id != self._routed_run:
                return
            part = routing.reroute(connection, self._published, after)
            outbox.add(connection, [Happened(one, "routed") for one in part.given])
            telling.tell(connection, [Happened(one, "routed") for one in part.moved])
        self._place = part.after
        if part.moved:
            log.info("rerouted", reminders=len(part.moved))
            self._wake_streams()

    def _reroute_closed(self) -> routing.Closed:
        if self._closed_run == self._routed_run:
            return "over"
        with self._transaction() as connection:
            self._published = routing.current(connection, self._published)
            done = routing.reroute_closed(connection, self._published)
            if done == "over":
                self._closed_run = self._published.run_id
        return done

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            url = self._settings.database_url.get_secret_value()
            self._connection = postgres.connect(
                url, application_name="ocrm-intake", autocommit=True
            )
            with postgres.bounded(self._connection, self._transaction_seconds):
                self._connection.execute("set statement_timeout = '30s'")
                self._connection.execute("set lock_timeout = '10s'")
                self._connection.execute(
                    "select set_config('idle_in_transaction_session_timeout', %s, false)",
                    (f"{IDLE_SECONDS}s",),
                )
        return self._connection

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        """A transaction that ends in time, also where PostgreSQL never answers."""
        connection = self._connected()
        with (
            postgres.bounded(connection, self._transaction_seconds),
            connection.transaction(),
        ):
            yield connection

    def _put_off(self, server: str, error: Exception) -> None:
        """Wait, longer each time, and take the same batch again."""
        log.warning(
            "put_off", server=server, error=type(error).__name__, seconds=self._pause,
            records=len(self._pending),
        )  # fmt: skip
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._published = None
        self._let_go()
        self._stop.wait(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _let_go(self) -> None:
        """Have the batch in hand polled again."""
        kafka.rewind(self._client, self._pending)
        self._pending = ()

    def _wake_streams(self) -> None:
        """Streams look by themselves every few seconds; without Redis they are only later."""
        try:
            self._redis.publish(CHANNEL, b"")
        except (RedisError, OSError) as error:
            log.warning("wake_up_without_redis", error=type(error).__name__)
