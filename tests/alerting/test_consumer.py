"""The loop where its work fails half-way, and where Kafka is away when it joins anew."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
import structlog
from prometheus_client import REGISTRY

from alerting import growth, ownership
from alerting.consumer import Consumer
from alerting.ownership import FencedError, Partition
from alerting.settings import AlertingSettings
from alerting.watchdog import Watchdog
from crm_shared import clock, kafka
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing.network import free_port
from tests.alerting.batches import BOUNDS, TOPIC, record
from tests.alerting.bookings import booking

pytestmark = pytest.mark.kafka

FIRST, SECOND = (TOPIC, 0), (TOPIC, 1)


@pytest.fixture
def consumer(settings: AlertingSettings, kafka_settings: KafkaSettings) -> Iterator[Consumer]:
    """One that has joined and not turned yet."""
    kafka.ensure_topics(kafka_settings, [transactions.TOPIC])
    stop = threading.Event()
    opened = Consumer(
        settings,
        kafka_settings,
        clock=clock.now,
        watchdog=Watchdog(30),
        stop=stop,
        on_raised=lambda: None,
    )
    yield opened
    stop.set()
    opened.run()


def test_what_was_lost_is_told_once_though_the_batch_fails_in_its_second_part(
    consumer: Consumer, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleted(_: object) -> dict[Partition, int]:
        return {FIRST: 880}

    monkeypatch.setattr(growth, "PART", 2)
    monkeypatch.setattr(consumer, "_beginnings", deleted)
    taken = ownership.take(connection, [FIRST, SECOND], "test")
    connection.execute("update alerting.partitions set next_offset = 500 where partition = 0")
    connection.commit()
    own = {one: it.epoch for one, it in taken.items()}
    batch = [record(900, None), record(901, None), record(0, None, partition=1)]
    consumer._next, consumer._moving = {FIRST: 500, SECOND: 0}, True
    with structlog.testing.capture_logs() as logs:
        consumer._epochs = own | {SECOND: own[SECOND] - 1}
        with pytest.raises(FencedError):
            consumer._handle(batch)
        consumer._epochs = own
        consumer._handle(batch)
    said = [one for one in logs if one["event"] == "records_lost"]
    assert [(one["first_offset"], one["last_offset"]) for one in said] == [(500, 879)]
    noted = connection.execute(
        "select partition from alerting.partitions where records_lost_at is not null"
    ).fetchall()
    assert noted == [(0,)]


def test_what_lies_behind_a_held_record_is_left_alone_in_every_part_of_a_batch(
    consumer: Consumer, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, other = (TOPIC, 4), (TOPIC, 5)
    monkeypatch.setattr(growth, "PART", 2)
    monkeypatch.setattr(consumer, "_bounds", replace(BOUNDS, dead_letter_limit=1))
    consumer._moving = True
    taken = ownership.take(connection, [held, other], "test")
    connection.commit()
    consumer._epochs = {one: it.epoch for one, it in taken.items()}
    values = [None, None, booking(1), booking(2)]
    batch = [record(at, one, 4) for at, one in enumerate(values)]
    consumer._handle([*batch, *(record(at, booking(3), 5) for at in range(2))])
    rows = connection.execute(
        "select partition, next_offset, processed from alerting.partitions"
        " where partition >= 4 order by partition"
    ).fetchall()
    assert rows == [(4, 1, 1), (5, 2, 2)]
    assert consumer._holds.partitions == {held}


def test_who_joins_anew_while_kafka_is_away_goes_on_trying(
    consumer: Consumer, kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fenced(*_: object, **__: object) -> None:
        raise FencedError("taken over")

    def put_off() -> float:
        return REGISTRY.get_sample_value("alerting_put_off_total", {"server": "Kafka"}) or 0

    monkeypatch.setattr(kafka, "CONNECT_TIMEOUT_SECONDS", 0.0)
    before, left = put_off(), consumer._client
    monkeypatch.setattr(consumer, "_kafka", KafkaSettings(bootstrap=f"127.0.0.1:{free_port()}"))
    with monkeypatch.context() as patched:
        patched.setattr(kafka, "consume", fenced)
        consumer._turn()
    for _ in range(2):
        consumer._turn()
    assert put_off() == before + 2
    monkeypatch.setattr(consumer, "_kafka", kafka_settings)
    with monkeypatch.context() as patched:
        patched.setattr(kafka, "consume", lambda *_, **__: None)
        consumer._turn()
    assert consumer._client is not left
    assert put_off() == before + 2
