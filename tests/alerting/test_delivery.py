"""A message that the topic does not take holds up nobody but its own customer."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from alerting import delivery, metrics, relay
from alerting.canaries import Canaries
from alerting.database_clock import DatabaseClock
from alerting.delivery import Delivery
from alerting.relay import Relay
from alerting.settings import AlertingSettings
from crm_shared import clock, kafka
from crm_shared.events import reminders, transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.waiting import wait_until
from tests.alerting.batches import records, run
from tests.alerting.bookings import booking

pytestmark = pytest.mark.kafka

_CUSTOMERS = range(1, 13)


@pytest.fixture
def broker(kafka_bootstrap: str, kafka_prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix, partitions=3)
    kafka.ensure_topics(settings, [reminders.TOPIC, transactions.TOPIC])
    return settings


@pytest.fixture
def outbox(connection: psycopg.Connection) -> psycopg.Connection:
    """Three messages to be sent of each customer, which take turns."""
    connection.execute("truncate alerting.partitions")
    sent = [
        booking(100 * turn + one, customer_id=one, amount="900000.00")
        for turn in range(1, 4)
        for one in _CUSTOMERS
    ]
    run(connection, records(sent))
    connection.execute("update alerting.outbox set sent_at = null")
    connection.commit()
    return connection


@pytest.fixture
def producer(broker: KafkaSettings) -> Iterator[KafkaProducer]:
    opened = kafka.producer(broker)
    yield opened
    opened.close(timeout=1)


def _without_leader(client: KafkaProducer, topic: str, number: int) -> None:
    """Have the client believe that this partition has none: it keeps what goes there."""
    heard, without = client._metadata, TopicPartition(topic, number)
    leader_of, partitions_of = heard.leader_for_partition, heard.partitions_for_broker

    def leader(partition: TopicPartition) -> Any:
        return -1 if partition == without else leader_of(partition)

    def led_by(node: Any) -> set[TopicPartition]:
        return (partitions_of(node) or set()) - {without}

    heard.leader_for_partition, heard.partitions_for_broker = leader, led_by
    client.partitions_for(topic)


def _unsent(connection: psycopg.Connection) -> list[int]:
    """Whose messages the topic does not have, each once for every message."""
    with connection.transaction():
        rows = connection.execute(
            "select customer_id from alerting.outbox where sent_at is null order by seq"
        ).fetchall()
    return [row[0] for row in rows]


def _send_all(to: Delivery, connection: psycopg.Connection, client: KafkaProducer) -> int:
    """Claim until there is nothing more; how many were not acknowledged."""
    failed = 0
    while True:
        with connection.transaction():
            found = to.send_some(connection, lambda: client)
        failed += found.failed
        if found.claimed < delivery.AT_ONCE:
            return failed


def test_a_partition_without_a_leader_holds_up_its_own_customers_only(
    outbox: psycopg.Connection,
    broker: KafkaSettings,
    producer: KafkaProducer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "AT_ONCE", 4)
    topic = kafka.topic(broker, reminders.TOPIC)
    _without_leader(producer, topic, 0)
    number_of = {
        one: kafka.partition_of_key(producer, topic, str(one).encode()) for one in _CUSTOMERS
    }
    stuck = [one for one in _CUSTOMERS if number_of[one] == 0]
    assert 0 < len(stuck) < len(_CUSTOMERS)
    to = Delivery(topic, ack_seconds=3, pause_seconds=(3_600, 3_600))
    failed = _send_all(to, outbox, producer)
    assert _unsent(outbox) == stuck * 3
    assert 0 < failed <= 4, "once the partition is known to be silent, nothing more goes there"
    assert _send_all(to, outbox, producer) == 0, "they are left out for a while"

    producer.close(timeout=1)
    order = [row[0] for row in outbox.execute("select message from alerting.outbox order by seq")]
    outbox.commit()
    to.leave_nobody_out()
    back = kafka.producer(broker)
    assert _send_all(to, outbox, back) == 0
    back.close()
    assert _unsent(outbox) == []
    found = topics.read_all(broker, reminders.TOPIC)
    for one in _CUSTOMERS:
        got = [record.value for record in found if record.key == str(one).encode()]
        assert got == [value for value in order if value in got]
        assert len(got) == 3


def test_who_was_left_out_is_tried_again_after_a_while(
    outbox: psycopg.Connection, broker: KafkaSettings, producer: KafkaProducer
) -> None:
    topic = kafka.topic(broker, reminders.TOPIC)
    _without_leader(producer, topic, 0)
    to = Delivery(topic, ack_seconds=1, pause_seconds=(0, 0))
    failed = _send_all(to, outbox, producer)
    assert failed > 0
    assert _send_all(to, outbox, producer) == failed


def test_a_canary_to_a_partition_without_a_leader_holds_up_no_reminder(
    outbox: psycopg.Connection, broker: KafkaSettings, producer: KafkaProducer
) -> None:
    bank = kafka.topic(broker, transactions.TOPIC)
    _without_leader(producer, bank, 0)
    canaries = Canaries(30, lambda: [(bank, 0), (bank, 1)], clock.now)
    with pytest.raises(KafkaError):
        canaries.send(producer, 1)
    assert not canaries.refused
    to = Delivery(kafka.topic(broker, reminders.TOPIC), ack_seconds=10)
    assert _send_all(to, outbox, producer) == 0
    assert _unsent(outbox) == []


def test_canaries_and_metrics_have_their_turn_while_a_backlog_is_sent_and_reminders_go_first(
    outbox: psycopg.Connection,
    broker: KafkaSettings,
    settings: AlertingSettings,
    alerting_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "AT_ONCE", 2)
    monkeypatch.setattr(relay, "_SEND_SECONDS", 0.0)
    monkeypatch.setattr(relay, "_MOMENT_SECONDS", 0.0)
    unsent_at_turns = []
    bank = kafka.topic(broker, transactions.TOPIC)
    with psycopg.connect(alerting_url) as other:

        def owned() -> list[tuple[str, int]]:
            unsent_at_turns.append(len(_unsent(other)))
            return [(bank, 0)]

        failures: list[Exception] = []
        told = DatabaseClock(other)
        started = Relay(settings, broker, Canaries(0.01, owned, told), failures.append, clock=told)
        started.start()
        try:
            wait_until(lambda: len(_told_canaries(broker)) == 3, "a canary in every partition")
            assert metrics.OUTBOX_OLDEST._value.get() > 0
        finally:
            started.stop(20)
            metrics.NEWEST_CHECKED.set(0)  # as if this process had measured nothing
    assert not failures
    assert len(set(unsent_at_turns) - {0}) > 1
    assert _unsent(outbox) == []
    last = {one.partition: one.offset for one in topics.read_all(broker, reminders.TOPIC)}
    assert len(topics.read_all(broker, transactions.TOPIC, canaries=True)) > 1
    assert all(_told_canaries(broker)[number] > offset for number, offset in last.items())


def _told_canaries(broker: KafkaSettings) -> dict[int, int]:
    """By partition of the reminders, where the first canary lies."""
    found = topics.read_all(broker, reminders.TOPIC, canaries=True)
    return {one.partition: one.offset for one in reversed(found) if one.key == b"canary"}
