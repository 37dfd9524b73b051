"""A canary proves that a partition is worked on, and is nothing else to anybody."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError
from kafka.producer.future import FutureProduceResult, FutureRecordMetadata
from kafka.structs import TopicPartition
from prometheus_client import REGISTRY

from alerting import metrics, status
from alerting.canaries import Canaries
from crm_shared import clock, kafka
from crm_shared.events import transactions
from crm_shared.events.canaries import CanarySent
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from tests.alerting.batches import LATER, TOPIC, records, run
from tests.alerting.bookings import booking


def _canary(at: datetime) -> bytes:
    return CanarySent(event_id=uuid4(), occurred_at=at, producer="alerting").to_bytes()


def _kept(connection: psycopg.Connection) -> tuple[object, ...]:
    row = connection.execute(
        "select canary_at, processed, dead_in_a_row, next_offset, watermark"
        " from alerting.partitions"
    ).fetchone()
    connection.commit()
    assert row is not None
    return row


def test_a_canary_says_when_it_was_sent_and_counts_as_nothing(
    connection: psycopg.Connection,
) -> None:
    sent = LATER - timedelta(minutes=3)
    event = booking(1)
    older = _canary(sent - timedelta(1))
    parts = [b"poison", _canary(sent), event.to_bytes(), b"poison", older, b"poison"]
    result = run(connection, records(parts))
    assert (result.records, result.late, result.dead.total()) == (4, 0, 3)
    assert _kept(connection) == (sent - timedelta(1), 4, 2, 6, event.occurred_at)
    run(connection, records([_canary(sent)], first=6))
    assert _kept(connection)[0] == sent
    run(connection, records([_canary(sent - timedelta(1))], first=7))
    assert _kept(connection)[0] == sent
    run(connection, records([_canary(LATER + timedelta(days=9))], first=8))
    assert _kept(connection) == (LATER, 4, 2, 9, event.occurred_at)
    kinds = connection.execute("select kind, records from alerting.days_worked").fetchall()
    assert kinds == [("transaction.booked", 1)]


def _told(partition: int) -> float | None:
    labels = {"topic": TOPIC, "partition": str(partition)}
    return REGISTRY.get_sample_value("alerting_canary_timestamp_seconds", labels)


def test_a_partition_without_a_canary_is_measured_from_its_taking_over(
    connection: psycopg.Connection,
) -> None:
    connection.execute("truncate alerting.partitions")
    run(connection, records([_canary(LATER)]))
    run(connection, [one._replace(partition=1) for one in records([booking(2)])])
    metrics.canaries(status.canaries(connection, [TOPIC], ()))
    assert _told(0) == LATER.timestamp()
    taken = connection.execute("select taken_at from alerting.partitions where partition = 1")
    assert [_told(1)] == [row[0].timestamp() for row in taken]
    metrics.canaries(status.canaries(connection, [TOPIC], [TOPIC]))
    assert (_told(0), _told(1)) == (LATER.timestamp(), None)
    metrics.canaries(status.canaries(connection, ["another"], ()))
    assert _told(0) is None


@pytest.fixture
def broker(kafka_bootstrap: str, kafka_prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix)


@pytest.fixture
def producer(broker: KafkaSettings) -> Iterator[KafkaProducer]:
    opened = kafka.producer(broker)
    yield opened
    opened.close()


class _MayNotWrite:
    """A producer to a broker that lets it write to every topic but one; ours knows no rights."""

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self._producer, self._topic = producer, topic
        self.flush = producer.flush

    def send(self, topic: str, value: bytes, key: bytes, partition: int) -> Any:
        if topic != self._topic:
            return self._producer.send(topic, value, key, partition=partition)
        result = FutureProduceResult(TopicPartition(topic, partition))
        return FutureRecordMetadata(result, -1, None, None, 0, 0, 0).failure(
            TopicAuthorizationFailedError(topic)
        )


@pytest.mark.kafka
def test_a_topic_that_takes_no_canary_is_named_once_and_all_known_partitions_get_theirs(
    broker: KafkaSettings, producer: KafkaProducer
) -> None:
    kafka.ensure_topics(broker, [transactions.TOPIC])
    good = kafka.topic(broker, transactions.TOPIC)
    canaries = Canaries(30, lambda: [("t", 0), (good, 99), (good, 0)], clock.now)
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            canaries.send(_MayNotWrite(producer, "t"), 10)
    assert canaries.refused == {"t"}
    assert [one["topic"] for one in logs if one["event"] == "canaries_refused"] == ["t"]
    assert not canaries.due()
    found = topics.read_all(broker, transactions.TOPIC, canaries=True)
    assert [(one.partition, one.key) for one in found] == [(0, b"canary")] * 2


@pytest.mark.kafka
def test_owned_partitions_get_theirs_where_another_topic_is_not_there(
    broker: KafkaSettings, producer: KafkaProducer
) -> None:
    kafka.ensure_topics(broker, [transactions.TOPIC])
    good = kafka.topic(broker, transactions.TOPIC)
    canaries = Canaries(30, lambda: [(good, 0)], clock.now)
    assert producer.partitions_for(good)
    producer.config["max_block_ms"] = 0
    with pytest.raises(KafkaTimeoutError):
        canaries.send(producer, 10, [kafka.topic(broker, "crm.nowhere.v1")])
    assert canaries.refused == set()
    assert len(topics.read_all(broker, transactions.TOPIC, canaries=True)) == 1


def test_nothing_is_sent_before_anything_is_owned_or_where_it_is_off() -> None:
    owned = [("t", 0)]
    assert Canaries(30, lambda: owned, clock.now).due()
    assert not Canaries(30, list, clock.now).due()
    assert not Canaries(0, lambda: owned, clock.now).due()


def test_partitions_whose_newest_canary_is_old_are_told_with_their_owners() -> None:
    partitions: list[dict[str, Any]] = [
        {"owner": "a:1", "canary_seconds": 12.0, "held": False},
        {"owner": None, "canary_seconds": None, "held": False},
        {"owner": "c:3", "canary_seconds": 2794.7, "held": True},
        {"owner": "b:2", "canary_seconds": 2794.7, "held": False},
        {"owner": "b:2", "canary_seconds": 181.0, "held": False},
    ]
    said = status.silence(partitions) or ""
    assert "of 2 partitions" in said and "b:2 hangs or has ended" in said
    assert status.silence(partitions[:3]) is None
