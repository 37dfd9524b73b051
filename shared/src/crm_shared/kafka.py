"""Kafka: configuration, producer, and the consumer loop that both consumers turn.

The loop hands a batch of raw bytes to a handler, which makes it durable (one PostgreSQL transaction
with its own record of offsets), and only then commits offsets to the broker. Values are decoded by
the handler: a deserializer that raises inside kafka-python's `poll` would spin for ever.
"""

import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, Protocol, TypeVar
from uuid import UUID
from weakref import WeakSet

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import (
    CommitFailedError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector
from kafka.producer.future import FutureRecordMetadata
from kafka.structs import OffsetAndMetadata, TopicPartition

from crm_shared import kafka_positions, logging
from crm_shared.errors import ServerUnavailableError
from crm_shared.kafka_records import (
    PartitionRecords,
    Record,
    offset_of,
    partition_of,
    refuse_unheeded,
)
from crm_shared.settings import KafkaConsumerSettings, KafkaSettings, load

T = TypeVar("T")

_log = logging.get(__name__)

#: How long a client tries to reach a broker before it says that there is none.
CONNECT_TIMEOUT_SECONDS = 15.0


def topic(settings: KafkaSettings, name: str) -> str:
    """The topic's name on this broker."""
    return settings.topic_prefix + name


def _unavailable(settings: KafkaSettings, error: Exception) -> ServerUnavailableError:
    return ServerUnavailableError(
        f"No Kafka broker answers at {settings.bootstrap} ({type(error).__name__}); "
        "start it (`make up`) or correct CRM_KAFKA_BOOTSTRAP."
    )


class _Net(NetworkSelector):  # type: ignore[misc]  # kafka-python is untyped
    """Closes its sockets with itself: kafka-python forgets those that a broker refused."""

    def __init__(self, **configuration: Any) -> None:
        super().__init__(**configuration)
        self._connecting: WeakSet[socket.socket] = WeakSet()

    def wait_write(self, fileobj: Any, timeout_at: float | None = None) -> Any:
        if isinstance(fileobj, socket.socket):
            self._connecting.add(fileobj)
        return super().wait_write(fileobj, timeout_at=timeout_at)

    def close(self) -> None:
        super().close()
        for one in list(self._connecting):
            one.close()


#: What kafka-python takes as `kafka_client`: makes the sockets and the thread of a client.
NetClients = Callable[..., KafkaNetClient]


def _patiently(settings: KafkaSettings, connect: Callable[[NetClients], T]) -> T:
    """Try until a broker answers or `CONNECT_TIMEOUT_SECONDS` have passed.

    A constructor of kafka-python that raises leaves its thread and its sockets behind, and nobody
    has the object to close: so `connect` makes it on a client that we can close.
    """
    deadline = time.monotonic() + CONNECT_TIMEOUT_SECONDS
    while True:
        opened: list[KafkaNetClient] = []

        def open_one(*, into: list[KafkaNetClient] = opened, **configuration: Any) -> Any:
            into.append(KafkaNetClient(net=_Net(**configuration), **configuration))
            return into[-1]

        try:
            return connect(open_one)
        except KafkaError as error:
            for client in opened:
                client.close()
            if time.monotonic() > deadline:
                raise _unavailable(settings, error) from error
            time.sleep(0.5)


class _Producer(KafkaProducer):  # type: ignore[misc]  # kafka-python is untyped
    """Can be closed while the broker is away: what is unsent then is given up.

    kafka-python would raise, and its thread would go on and send it later, behind newer messages.
    """

    def close(self, timeout: float | None = None, null_logger: bool = False) -> None:
        try:
            super().close(timeout, null_logger)
        except KafkaTimeoutError:
            self._sender.force_close()
            self._sender.join(timeout)
            with suppress(KafkaTimeoutError):
                super().close(0, null_logger)


def producer(settings: KafkaSettings) -> KafkaProducer:
    """A producer: sent means that every replica has it; order is kept per key."""
    return _patiently(
        settings,
        lambda net_client: _Producer(
            kafka_client=net_client,
            bootstrap_servers=settings.bootstrap.split(","),
            acks="all",
            linger_ms=5,
            compression_type="lz4",
            request_timeout_ms=10_000,
            max_block_ms=10_000,
            bootstrap_timeout_ms=5_000,
            metadata_max_age_ms=30_000,
        ),
    )


def wait(sent: Iterable[FutureRecordMetadata], seconds: float) -> None:
    """Until the broker has acknowledged or refused each of these, at most `seconds` in all.

    `KafkaProducer.flush` waits for everything that the producer holds, and tells of nothing where a
    single partition has no leader.
    """
    deadline = time.monotonic() + seconds
    for future in sent:
        with suppress(KafkaError):
            future.get(timeout=max(deadline - time.monotonic(), 0.0))


def partition_of_key(client: KafkaProducer, topic: str, key: bytes) -> int:
    """The number of the partition to which this producer sends what has this key."""
    number: int = client._partition(topic, None, key, None, key, None)
    return number


def ensure_topics(settings: KafkaSettings, names: Iterable[str]) -> None:
    """Create the topics that are missing; those that exist stay as they are."""

    def create(net_client: NetClients) -> None:
        admin = KafkaAdminClient(
            kafka_client=net_client,
            bootstrap_servers=settings.bootstrap.split(","),
            bootstrap_timeout_ms=5_000,
        )
        try:
            existing = set(admin.list_topics())
            for name in sorted({topic(settings, name) for name in names} - existing):
                try:
                    admin.create_topics([NewTopic(name, settings.partitions, settings.replication)])
                except TopicAlreadyExistsError:
                    continue
        finally:
            admin.close()

    _patiently(settings, create)


class BatchHandler(Protocol):
    """Makes a batch durable. When it returns, the batch may be forgotten, but for what it left to
    be polled again (`seek`); when it raises, nothing of it."""

    def __call__(self, records: Sequence[Record], /) -> None: ...


class _Consumer(KafkaConsumer):  # type: ignore[misc]  # kafka-python is untyped
    """Gives a `Record` of each message, and knows the partitions of its topics before it joins.

    Otherwise a leader shares out nothing, notices, and joins a second time at once; now and then
    Apache Kafka left that second request without an answer, and the group stood still.
    """

    def __init__(self, **configuration: Any) -> None:
        super().__init__(**configuration)
        self._fetcher.PartitionRecords = PartitionRecords

    def subscribe(self, topics: Sequence[str] = (), **how: Any) -> None:
        with suppress(KafkaError):  # a broker that has just gone away is for `poll` to wait for
            for name in topics:
                self.partitions_for_topic(name)
        super().subscribe(topics, **how)
        # What was heard before we subscribed is looked at only when it is heard again.
        self._coordinator._handle_metadata_update(self._client.cluster)

    def beginning_offsets(self, *asked: Any, **how: Any) -> dict[TopicPartition, int]:
        return _answered(super().beginning_offsets, *asked, **how)

    def end_offsets(self, *asked: Any, **how: Any) -> dict[TopicPartition, int]:
        return _answered(super().end_offsets, *asked, **how)


def _answered(
    offsets: Callable[..., dict[TopicPartition, int]], *asked: Any, **how: Any
) -> dict[TopicPartition, int]:
    """What a broker says; of a partition that it leaves out, as those of a topic that is gone, the
    client would say no more than its name."""
    try:
        return offsets(*asked, **how)
    except KeyError as error:
        raise KafkaTimeoutError(f"The broker says nothing of {error.args[0]}.") from error


def configuration(settings: KafkaSettings, group: str) -> dict[str, Any]:
    """How our consumers read: raw bytes from the earliest record, committing nothing by themselves.

    The session time-out is short because a joining member waits half of it, and so does everybody
    else for a member that died.
    """
    timing = load(KafkaConsumerSettings)
    return {
        "bootstrap_servers": settings.bootstrap.split(","),
        "group_id": topic(settings, group),
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "session_timeout_ms": timing.session_timeout_ms,
        "heartbeat_interval_ms": timing.session_timeout_ms // 4,
        "max_poll_interval_ms": timing.max_poll_interval_ms,
        "request_timeout_ms": 10_000,
        "fetch_max_wait_ms": 20,
        "max_poll_records": 2_000,
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
        "bootstrap_timeout_ms": 5_000,
        "metadata_max_age_ms": 5_000,
        "allow_auto_create_topics": False,
    }


def consumer(settings: KafkaSettings, group: str, **overrides: Any) -> KafkaConsumer:
    """A consumer of that `configuration` whose `poll` gives a `Record` of each message.

    `KafkaConsumer.subscribe` is the caller's. `UsageError` for a setting that our reader of records
    does not heed: it sees what a producer's transaction wrote as soon as it is in the log, also
    where the transaction is aborted later; it always looks at checksums and never decodes.
    """
    refuse_unheeded(overrides)
    chosen = configuration(settings, group) | overrides
    return _patiently(settings, lambda net_client: _Consumer(kafka_client=net_client, **chosen))


def topic_ids(client: KafkaConsumer, names: Iterable[str]) -> dict[str, UUID]:
    """By name, the id that each topic was given when it was made; without those that have none.

    It is what the client heard last, `metadata_max_age_ms` ago at most. A topic that is gone has
    none, nor have those of brokers before 2.8.
    """
    heard = {name: client._client.cluster.topic_id(name) for name in names}
    return {name: one for name, one in heard.items() if one is not None and one.int}


def partition_numbers(client: KafkaConsumer, names: Iterable[str]) -> dict[str, int]:
    """By name, how many partitions each topic has, as the client heard last."""
    return {name: len(client.partitions_for_topic(name) or ()) for name in names}


def records_of(polled: dict[TopicPartition, list[Record]]) -> list[Record]:
    """What `poll` of a `consumer` returned, in order within each partition."""
    return list(chain.from_iterable(polled.values()))


def next_offsets(records: Sequence[Record]) -> dict[TopicPartition, OffsetAndMetadata]:
    """One past the last record of each partition: where to go on once they are durable.

    Those of a partition are in order.
    """
    last = dict(zip(map(partition_of, records), map(offset_of, records), strict=True))
    return {
        TopicPartition(*partition): OffsetAndMetadata(offset + 1, "", -1)
        for partition, offset in last.items()
    }


def consume(
    client: KafkaConsumer,
    handle: BatchHandler,
    should_stop: Callable[[], bool],
    *,
    after_poll: Callable[[], None] = lambda: None,
    poll_seconds: float = 0.25,
) -> None:
    """Turn the loop until told to stop: poll, make durable, commit.

    `after_poll` is called at every turn, with or without records: a watchdog's heartbeat belongs
    there. An error of the handler leaves the loop with the batch uncommitted, so whoever starts the
    loop again gets it again: in a new process by itself, with the same client after `rewind`.
    """
    while not should_stop():
        records = records_of(client.poll(timeout_ms=int(poll_seconds * 1000)))
        if records:
            handle(records)
            _commit(client, records)
        after_poll()


def _commit(client: KafkaConsumer, records: Sequence[Record]) -> None:
    """Tell the broker where we go on, which is before the end of a batch where the handler has set
    a partition back. Where it cannot be told, the batch is durable and comes once more at worst.

    A rebalance or a broker that is away must not end the process: the next poll joins again, and
    the next commit covers this one.
    """
    try:
        found = kafka_positions.read(client, set(map(partition_of, records)))
        client.commit(
            {TopicPartition(*one): OffsetAndMetadata(at, "", -1) for one, at in found.items()}
        )
    except (CommitFailedError, RebalanceInProgressError, KafkaTimeoutError) as error:
        _log.warning("offsets_not_committed", error=type(error).__name__, records=len(records))


def rewind(client: KafkaConsumer, records: Iterable[Record]) -> None:
    """Have the next poll bring these records again, as far as their partitions are still ours."""
    first: dict[TopicPartition, int] = {}
    for record in records:
        partition = TopicPartition(record.topic, record.partition)
        first[partition] = min(first.get(partition, record.offset), record.offset)
    for partition, offset in first.items():
        with suppress(ValueError):  # it is not ours any more
            client.seek(partition, offset)
