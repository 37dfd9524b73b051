"""Since when a partition is held is kept with it: from the record that waits until it goes on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from kafka import KafkaConsumer
from kafka.structs import TopicPartition
from prometheus_client import REGISTRY

from alerting import dead_letters, metrics, ownership, status
from alerting.holds import Holds
from alerting.ownership import Partition, Progress
from alerting.requeue import requeue
from crm_shared import kafka
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from tests.alerting.batches import BOUNDS, TOPIC, raised, record, run
from tests.alerting.bookings import Event, booking, expected_reminders

FEW = replace(BOUNDS, dead_letter_limit=2)
POISON = b"no event"

#: Refused by everybody's clock until then.
CENTURY = datetime(2200, 1, 1, tzinfo=UTC)
BEYOND = datetime(2201, 1, 1, tzinfo=UTC)


def _held_at(connection: psycopg.Connection, partition: Partition) -> datetime | None:
    (row,) = connection.execute(
        "select held_at from alerting.partitions where topic = %s and partition = %s", partition
    ).fetchall()
    connection.commit()
    found: datetime | None = row[0]
    return found


def test_it_begins_with_the_record_that_waits_survives_the_owner_and_ends_with_the_next_batch(
    connection: psycopg.Connection,
) -> None:
    ours = TOPIC, 20
    poison = [record(at, POISON, 20) for at in range(3)]
    run(connection, poison[:2], bounds=FEW)
    assert _held_at(connection, ours) is None, "as many as may be, and none waits"
    run(connection, poison[2:], bounds=FEW)
    since = _held_at(connection, ours)
    assert since is not None
    run(connection, poison[2:], bounds=FEW)
    assert _held_at(connection, ours) == since
    taken = ownership.take(connection, [ours], "another")
    connection.commit()
    assert taken[ours].held_at == since
    metrics.taken(taken)
    assert _gauge(ours) == 1
    run(connection, poison[2:])
    assert _held_at(connection, ours) is None


def _gauge(partition: Partition) -> float | None:
    labels = {"topic": partition[0], "partition": str(partition[1])}
    return REGISTRY.get_sample_value("alerting_partition_held", labels)


@pytest.fixture
def client(kafka_settings: KafkaSettings) -> Iterator[KafkaConsumer]:
    """One to which nothing is assigned."""
    opened = kafka.consumer(kafka_settings, "held")
    yield opened
    opened.close()


@pytest.mark.kafka
def test_requeued_letters_let_a_held_partition_go_on(
    connection: psycopg.Connection, client: KafkaConsumer
) -> None:
    ours, holds = (TOPIC, 21), Holds(2)
    ahead = [booking(at, customer_id=21, occurred_at=CENTURY, amount="900000.00") for at in (1, 2)]
    last = booking(3, customer_id=21, amount="900000.00")
    sent: list[bytes | Event] = [*ahead, POISON, last]
    records = [record(at, one, 21) for at, one in enumerate(sent)]
    run(connection, records, bounds=FEW)
    progress = _looked(connection, ours)
    assert progress[ours].next_offset == 2
    progress[ours].held = True
    holds.note(client, progress)
    assert holds.lift(client, _looked(connection, ours)) == []
    assert (set(holds.partitions), _gauge(ours)) == ({ours}, 1)
    letters = [one for one in dead_letters.find(connection) if one.partition == 21]
    connection.commit()
    assert requeue(connection, letters, BEYOND, FEW).worked == 2
    assert holds.lift(client, _looked(connection, ours)) == [ours]
    assert (set(holds.partitions), _gauge(ours)) == (set(), 0)
    ownership.note_going_on(connection, {ours: progress[ours].epoch - 1})
    assert _held_at(connection, ours) is not None, "who owned it before has no say"
    ownership.note_going_on(connection, {ours: progress[ours].epoch})
    assert _held_at(connection, ours) is None
    run(connection, records[2:], bounds=FEW)
    assert raised(connection, [21]) == expected_reminders([*ahead, last])


def _looked(connection: psycopg.Connection, partition: Partition) -> dict[Partition, Progress]:
    found = ownership.look(connection, [partition])
    connection.commit()
    return found


class _RevokedMeanwhile:
    """A client that loses its partition as soon as it was told where to go on."""

    def __init__(self, client: KafkaConsumer) -> None:
        self._client = client
        self.pause = client.pause

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._client.assign([partition])
        self._client.seek(partition, offset)
        self._client.unsubscribe()


@pytest.mark.kafka
@pytest.mark.parametrize("meanwhile", [False, True], ids=["before", "meanwhile"])
def test_a_partition_that_was_revoked_is_held_all_the_same(
    connection: psycopg.Connection, client: KafkaConsumer, *, meanwhile: bool
) -> None:
    holds, ours = Holds(2), (TOPIC, 24 + meanwhile)
    run(connection, [record(at, POISON, ours[1]) for at in range(3)], bounds=FEW)
    progress = _looked(connection, ours)
    progress[ours].held = True
    holds.note(_RevokedMeanwhile(client) if meanwhile else client, progress)
    assert set(holds.partitions) == {ours}


def test_more_letters_than_the_limit_are_requeued_also_those_of_a_topic_made_again(
    connection: psycopg.Connection,
) -> None:
    events = [
        booking(at, customer_id=23, occurred_at=CENTURY, amount="900000.00")
        for at in range(101, 104)
    ]
    poison = [record(at, POISON, 23) for at in range(3, 6)]
    run(connection, [*(record(at, one, 23) for at, one in enumerate(events)), *poison])
    # As in a topic that was made again: no record of it has been worked on yet.
    connection.execute(
        "update alerting.partitions set next_offset = 0, dead_in_a_row = 0 where partition = 23"
    )
    letters = [one for one in dead_letters.find(connection) if one.partition == 23]
    connection.commit()
    result = requeue(connection, letters, BEYOND, replace(BOUNDS, dead_letter_limit=1))
    assert (result.worked, result.still_dead, result.raised) == (3, 3, 3)
    assert raised(connection, [23]) == expected_reminders(events)


@pytest.mark.kafka
def test_a_partition_that_lags_behind_as_many_open_letters_as_may_be_is_not_held(
    connection: psycopg.Connection, kafka_settings: KafkaSettings
) -> None:
    broker = kafka_settings.model_copy(update={"partitions": 1})
    kafka.ensure_topics(broker, [transactions.TOPIC])
    for one in (POISON, POISON, POISON, POISON):  # at once, the local broker counts them as one
        topics.publish(broker, transactions.TOPIC, [(b"1", one)])
    topic = kafka.topic(broker, transactions.TOPIC)
    poison = [record(at, POISON, 0)._replace(topic=topic) for at in range(3)]

    def told() -> tuple[int, bool, bool, list[str]]:
        found = status.read(connection, broker, sample_seconds=0.1)
        connection.commit()
        (one,) = (it for it in found["partitions"] if it["topic"] == topic)
        assert one["lag_records"] > 0
        return one["dead_in_a_row"], one["held"], bool(one["held_at"]), status.held([one])

    run(connection, poison[:2], bounds=FEW)
    assert told() == (2, False, False, [])
    run(connection, poison[2:], bounds=FEW)
    *values, (sentence,) = told()
    assert values == [2, True, True]
    assert f"{topic}/0 is held at offset 2: its last 2 records" in sentence
    assert "wait since 20" in sentence
