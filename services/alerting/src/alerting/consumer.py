"""The loop: decode → evaluate → write → commit, and what happens when a server is away.

A batch is written in one PostgreSQL transaction with its offsets; only then does the broker hear
of it. When PostgreSQL fails the batch is put off and taken again; when another process turns out
to own a partition, this one joins the group anew.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any
from uuid import UUID

import psycopg
from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import TopicPartition

from alerting import (
    batch,
    database,
    gaps,
    growth,
    holds,
    metrics,
    migrate,
    ownership,
    positions,
    retention,
    ruleset,
)
from alerting.batch import BatchResult
from alerting.decoding import Refused
from alerting.ownership import FencedError, Partition, Progress
from alerting.ruleset import Ruleset, RulesetError
from alerting.settings import AlertingSettings
from alerting.watchdog import Watchdog
from crm_shared import kafka, kafka_gaps, kafka_positions, logging, postgres
from crm_shared.clock import Clock
from crm_shared.errors import ServerUnavailableError
from crm_shared.events.from_bank import TOPICS
from crm_shared.kafka_gaps import Gap
from crm_shared.kafka_records import Record, partition_of
from crm_shared.settings import KafkaSettings

_log = logging.get(__name__)

_OBSERVE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.25


class _TakenAnewError(Exception):
    """The assignment changed with a batch under way, which will be polled again."""


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python is untyped
    """Notes that the assignment has changed; the loop does the rest in its own thread.

    `changed` is written last and read first, so that the loop never sees it without its reason.
    """

    def __init__(self) -> None:
        self.changed = False
        self.member = False

    def on_partitions_revoked(self, revoked: Any) -> None:
        self.member, self.changed = False, True

    def on_partitions_assigned(self, assigned: Any) -> None:
        self.member, self.changed = True, True

    def on_partitions_lost(self, lost: Any) -> None:
        self.member, self.changed = False, True


class Consumer:
    """One member of the consumer group, with its connection to PostgreSQL."""

    def __init__(
        self,
        settings: AlertingSettings,
        kafka_settings: KafkaSettings,
        *,
        clock: Clock,
        watchdog: Watchdog,
        stop: threading.Event,
        on_raised: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._kafka = kafka_settings
        self._clock = clock
        self._watchdog = watchdog
        self._stop = stop
        self._on_raised = on_raised
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self._bounds = batch.bounds_of(settings)
        self._holds = holds.Holds(settings.dead_letter_limit)
        self._epochs: dict[Partition, int] = {}
        self._next: dict[Partition, int] = {}
        self._topic_ids: dict[str, UUID] = {}
        self._moving = self._must_join = False
        self._last_of_movers: dict[Partition, int] = {}
        self._pending: Sequence[Record] = ()
        self._ruleset_read_at = 0.0
        self._observed_at = 0.0
        self._pause = _FIRST_PAUSE_SECONDS
        self._assignment = _Assignment()
        self._connection: psycopg.Connection | None = None
        self._ruleset: Ruleset = self._read_rules(self._connected())
        self._client: KafkaConsumer = self._join()

    def run(self) -> None:
        """Turn until told to stop; the last batch is finished and committed, the group left."""
        try:
            while not self._stop.is_set():
                self._turn()
        finally:
            self._client.close()
            if self._connection is not None:
                self._connection.close()

    def _turn(self) -> None:
        try:
            if self._must_join:
                self._join_anew()
            kafka.consume(
                self._client, self._handle, self._stop.is_set, after_poll=self._between_batches
            )
        except _TakenAnewError:
            return
        except FencedError as error:
            metrics.FENCED.inc()
            _log.warning("fenced", error=str(error))
            self._pending = ()
            self._must_join = True
        except (*database.RETRYABLE, ServerUnavailableError) as error:
            self._put_off("PostgreSQL", error)
        except KafkaError as error:
            if not error.retriable:
                raise
            self._put_off("Kafka", error)

    def _handle(self, records: Sequence[Record]) -> None:
        """Make a batch durable; where PostgreSQL refuses a record, all but that one."""
        started = time.perf_counter()
        self._pending = records
        if self._own_what_is_assigned(self._connected()):
            raise _TakenAnewError
        for part in growth.parts(records) if self._moving else (records,):
            for progress, result in batch.in_parts(part, self._write):
                self._note(progress)
                self._count(result)
        self._pending = ()
        metrics.BATCH_SECONDS.observe(time.perf_counter() - started)

    def _write(
        self, records: Sequence[Record], refused: Refused | None
    ) -> tuple[dict[Partition, Progress], BatchResult]:
        """One transaction, checked against the epochs of our partitions; with it, what was lost
        before these records is told, once."""
        connection, records = self._connected(), self._holds.without(records)
        lost = kafka_gaps.find(records, self._next, self._beginnings)
        touched = set(map(partition_of, records))
        with self._bounded(connection), connection.transaction():
            progress = ownership.lock_own(
                connection, {one: self._epochs.get(one, 0) for one in touched}
            )
            positions.require_not_set_back(progress, self._next)
            if growth.is_moving(connection):
                self._lock_customers(connection, records)
            decoded = batch.decode_all(records, progress, self._clock(), self._bounds, refused)
            result = batch.write(connection, decoded, self._ruleset)
            ownership.advance(connection, progress)
            if lost:
                ownership.note_loss(connection, [(gap.topic, gap.partition) for gap in lost])
        self._tell(lost)
        return progress, result

    def _lock_customers(self, connection: psycopg.Connection, records: Sequence[Record]) -> None:
        """Keep other members away from these customers; polled again in parts if they are many."""
        self._moving = True
        if len(records) > growth.PART:
            self._assignment.changed = True
            raise _TakenAnewError
        growth.lock_customers(connection, records)

    def _count(self, result: BatchResult) -> None:
        metrics.count(result)
        for letter in result.refused:
            _log.warning(
                "dead_letter", reason=letter.reason, detail=letter.detail, rule=letter.rule_code,
                topic=letter.record.topic, partition=letter.record.partition,
                offset=letter.record.offset,
            )  # fmt: skip
        for rule in result.storms:
            _log.error("storm", rule=rule, do="look at `alerting storms`; its messages are held")
        if result.raised or result.withdrawn:
            self._on_raised()

    def _between_batches(self) -> None:
        connection = self._connected()
        self._own_what_is_assigned(connection)
        now = time.monotonic()
        if now - self._ruleset_read_at > self._settings.rules_reload_seconds:
            self._reload_rules(connection)
        if now - self._observed_at > _OBSERVE_SECONDS:
            self._observed_at = now
            self._require_own(connection)
            self._observe()
            if self._moving:
                self._settle_growth(connection)
        self._pause = _FIRST_PAUSE_SECONDS
        self._watchdog.turned()

    def _own_what_is_assigned(self, connection: psycopg.Connection) -> bool:
        """Whether the assignment had changed, or a topic was made again; what was polled until then
        is to be polled again."""
        heard = kafka.topic_ids(self._client, {topic for topic, _ in self._epochs})
        if not self._assignment.changed and heard.items() <= self._topic_ids.items():
            return False
        self._assignment.changed = False
        member = self._assignment.member
        assigned = [(one.topic, one.partition) for one in self._client.assignment() if member]
        self._watchdog.joined(member)
        self._epochs, self._next, self._last_of_movers = {}, {}, {}
        self._watchdog.observe({})
        metrics.forget_partitions()
        kafka.rewind(self._client, self._pending)
        self._holds.forget(self._client)
        self._pending = ()
        if not assigned:
            return True
        names = {topic for topic, _ in assigned}
        topic_ids = kafka.topic_ids(self._client, names)
        numbers = kafka.partition_numbers(self._client, names)
        for topic, number in assigned:  # The leader of the group may have heard of more.
            numbers[topic] = max(numbers[topic], number + 1)
        try:
            with self._bounded(connection), connection.transaction():
                taken = ownership.take(connection, assigned, self._owner, topic_ids, numbers)
                self._moving = growth.is_moving(connection)
            durable = {partition: one.next_offset for partition, one in taken.items()}
            kafka_positions.go_back(self._client, durable)
        except BaseException:
            self._assignment.changed = True
            raise
        self._epochs = {partition: one.epoch for partition, one in taken.items()}
        self._next = durable
        self._topic_ids = topic_ids
        metrics.taken(taken)
        _log.info("partitions_taken", partitions=[f"{name}/{one}" for name, one in sorted(taken)])
        return True

    def _require_own(self, connection: psycopg.Connection) -> None:
        """`FencedError` where PostgreSQL was set back, also while no record comes; and see whether
        customers move, and who may go on."""
        with self._bounded(connection), connection.transaction():
            progress = ownership.look(connection, self._epochs)
            self._moving = growth.is_moving(connection)
        ownership.require_own(progress, self._epochs)
        positions.require_not_set_back(progress, self._next)
        if lifted := self._holds.lift(self._client, progress):
            with self._bounded(connection), connection.transaction():
                ownership.note_going_on(connection, {one: self._epochs[one] for one in lifted})

    def _settle_growth(self, connection: psycopg.Connection) -> None:
        """Past what our old partitions had when producers knew of the new ones, they hold nobody
        any more who has moved. Between batches the client is at what was made durable last."""
        with self._bounded(connection), connection.transaction():
            due = growth.due(connection, self._epochs)
        if new := [TopicPartition(*one) for one in due if one not in self._last_of_movers]:
            ends = self._client.end_offsets(new, timeout_ms=5_000)
            self._last_of_movers |= {(one.topic, one.partition): end for one, end in ends.items()}
        at = kafka_positions.read(self._client, self._last_of_movers)
        passed = [one for one, offset in at.items() if offset >= self._last_of_movers[one]]
        with self._bounded(connection), connection.transaction():
            ownership.lock_own(connection, {one: self._epochs[one] for one in passed})
            growth.settle(connection, passed)
            self._moving = growth.is_moving(connection)

    def _tell(self, lost: Sequence[Gap]) -> None:
        """Say loudly what the topic no longer had when we came to it."""
        metrics.lost(lost)
        for gap in lost:
            _log.error(
                "records_lost", problem=gaps.sentence(gap), topic=gap.topic,
                partition=gap.partition, first_offset=gap.first, last_offset=gap.last,
                records=gap.records,
            )  # fmt: skip

    def _beginnings(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        return kafka_gaps.beginnings(self._client, partitions)

    def _reload_rules(self, connection: psycopg.Connection) -> None:
        try:
            found = self._read_rules(connection)
            if found != self._ruleset:
                self._ruleset = found
                versions = {one.rule.code: one.version for one in found.rules}
                _log.info("rules_changed", versions=versions)
        except RulesetError as error:
            self._ruleset_read_at = time.monotonic()
            metrics.RULES_REFUSED.inc()
            _log.error("rules_refused", error=str(error))

    def _read_rules(self, connection: psycopg.Connection) -> Ruleset:
        with self._bounded(connection), connection.transaction():
            found = ruleset.load(connection)
        retention.require_longer_than_windows(self._settings, found)
        self._ruleset_read_at = time.monotonic()
        return found

    def _observe(self) -> None:
        """Compare our offsets with the ends of the partitions, for lag and for the watchdog.

        Nothing is under way between batches, so what the client fetches next is what is to be done.
        """
        ends = self._client.end_offsets(
            [TopicPartition(*one) for one in self._epochs], timeout_ms=5_000
        )
        self._watchdog.observe(
            {
                partition: (offset, ends[TopicPartition(*partition)])
                for partition, offset in kafka_positions.read(self._client, self._epochs).items()
            },
            self._holds.partitions,
        )
        metrics.lags(self._watchdog.lags())

    def _note(self, progress: dict[Partition, Progress]) -> None:
        for partition, one in progress.items():
            self._next[partition] = one.next_offset
            if one.watermark is not None:
                metrics.WATERMARK.labels(*partition).set(one.watermark.timestamp())
        self._holds.note(self._client, progress)
        self._pending = self._holds.without(self._pending)

    def _put_off(self, server: str, error: Exception) -> None:
        """A server failed: have the batch again after a pause, on a new connection."""
        reason = (str(error).strip() or type(error).__name__)[:300]
        metrics.PUT_OFF.labels(server).inc()
        _log.warning("put_off", server=server, error=reason, pause_seconds=self._pause)
        self._watchdog.waits_for(f"{server}: {reason}")
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        kafka.rewind(self._client, self._pending)
        self._pending = ()
        self._stop.wait(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            connection = database.connect(
                self._settings.url,
                purpose="consumer",
                statement_timeout_seconds=self._settings.statement_timeout_seconds,
            )
            with self._bounded(connection):
                migrate.require_newest(connection)
            self._connection = connection
        return self._connection

    def _bounded(self, connection: psycopg.Connection) -> Any:
        return postgres.bounded(connection, self._settings.statement_timeout_seconds * 2)

    def _join_anew(self) -> None:
        """`KafkaTimeoutError` where no broker answers: it is tried again."""
        self._client.close()
        try:
            self._client = self._join()
        except ServerUnavailableError as error:
            raise KafkaTimeoutError(error.sentence) from error
        self._must_join = False

    def _join(self) -> KafkaConsumer:
        self._epochs = {}
        self._watchdog.joined(False)
        client = kafka.consumer(
            self._kafka,
            self._settings.group,
            max_poll_records=self._settings.max_batch_records,
            group_instance_id=self._settings.instance_id,
        )
        names = [kafka.topic(self._kafka, name) for name in TOPICS]
        client.subscribe(names, listener=self._assignment)
        return client
