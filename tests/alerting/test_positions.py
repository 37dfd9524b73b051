"""Where alerting goes on: after PostgreSQL was set back, past marks and records that are gone."""

import json
import urllib.request

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from crm_shared import kafka
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.bookings import Event, booking, expected_reminders
from tests.alerting.running import EVENTS, raised
from tests.databases import PostgresDatabase

pytestmark = pytest.mark.kafka


def _set_back(url: str, next_offset: int | None) -> None:
    """Make PostgreSQL what it was when the partition of the events was at this offset, and had
    no effect of what came after it; None: when it did not know the partitions."""
    with psycopg.connect(url) as connection:
        if next_offset is None:
            connection.execute("delete from alerting.partitions")
        connection.execute(
            "update alerting.partitions set next_offset = %s where processed > 0", (next_offset,)
        )
        connection.execute(
            "truncate alerting.reminders, alerting.evidence, alerting.outbox, alerting.inbox"
        )


def _kept(url: str) -> dict[object, str]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute("select reminder_id, rule_code from alerting.reminders"))


def test_what_a_restored_postgresql_has_forgotten_is_worked_on_again(
    run: RunningCommand, environment_of_run: dict[str, str], kafka_settings: KafkaSettings
) -> None:
    url = environment_of_run["ALERTING_DATABASE_URL"]
    run.with_environment(environment_of_run | {"ALERTING_CANARY_SECONDS": "0"})
    events: list[Event] = [
        booking(number, customer_id=1, amount="10.00" if number == 1 else "900000.00")
        for number in range(1, 5)
    ]
    topics.publish(kafka_settings, transactions.TOPIC, events)
    run.start()
    wait_until(lambda: _kept(url) == expected_reminders(events), "the reminders")
    assert run.stop() == 0
    _set_back(url, 1)
    run.start()
    wait_until(
        lambda: _kept(url) == expected_reminders(events), "them again after the start", seconds=60
    )
    _set_back(url, 1)
    events.append(booking(5, customer_id=1, amount="900000.00"))
    topics.publish(kafka_settings, transactions.TOPIC, events[-1:])
    wait_until(lambda: _kept(url) == expected_reminders(events), "them again without one")
    for offset in (1, None):
        _set_back(url, offset)
        wait_until(lambda: _kept(url) == expected_reminders(events), "them though nothing comes")
    assert run.stop() == 0
    assert raised(kafka_settings) == expected_reminders(events)
    said = [json.loads(line) for line in run.text().splitlines() if "behind_the_broker" in line]
    assert [(one["next_offset"], one["offset_of_broker"]) for one in said] == [
        (1, 4), (1, 4), (1, 5), (0, 5),
    ]  # fmt: skip
    assert "PostgreSQL was set back" in run.text()


def test_the_mark_at_the_end_of_a_producers_transaction_is_no_lag(
    run: RunningCommand, environment_of_run: dict[str, str], kafka_settings: KafkaSettings
) -> None:
    topics.publish(kafka_settings, transactions.TOPIC, EVENTS[:1])
    name = kafka.topic(kafka_settings, transactions.TOPIC)
    producer = KafkaProducer(bootstrap_servers=kafka_settings.bootstrap, transactional_id=name)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(name, EVENTS[2].to_bytes(), EVENTS[2].key)
    producer.commit_transaction()
    producer.close()
    run.with_environment(environment_of_run | {"ALERTING_CANARY_SECONDS": "0"}).start()
    wait_until(lambda: len(raised(kafka_settings)) == 2, "the reminders")
    wait_until(lambda: _lags(environment_of_run) == {0.0}, "nothing to be left")
    assert run.stop() == 0


def _lags(environment: dict[str, str]) -> set[float]:
    """How many records any partition is behind, as measured last."""
    url = f"http://127.0.0.1:{environment['ALERTING_OPERATIONS_PORT']}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {
        float(one.rpartition(" ")[2]) for one in lines if one.startswith("alerting_lag_records{")
    }


def test_records_deleted_before_they_were_read_are_named(
    run: RunningCommand,
    environment_of_run: dict[str, str],
    kafka_settings: KafkaSettings,
    postgres_database: PostgresDatabase,
) -> None:
    name = kafka.topic(kafka_settings, transactions.TOPIC)
    topics.publish(kafka_settings, transactions.TOPIC, EVENTS[:1])
    run.with_environment(environment_of_run | {"ALERTING_CANARY_SECONDS": "0"}).start()
    wait_until(lambda: len(raised(kafka_settings)) == 1, "the first reminder")
    assert run.stop() == 0
    lost = [booking(number, customer_id=1) for number in range(100, 110)]
    topics.publish(kafka_settings, transactions.TOPIC, lost)
    partition = next(one.partition for one in topics.read_all(kafka_settings, transactions.TOPIC))
    admin = KafkaAdminClient(bootstrap_servers=kafka_settings.bootstrap)
    try:
        admin.delete_records({TopicPartition(name, partition): 11})
    except KafkaError as error:
        pytest.skip(f"This broker does not delete records: {type(error).__name__}")
    finally:
        admin.close()
    topics.publish(kafka_settings, transactions.TOPIC, [booking(200, amount="500000.00")])
    run.start()
    wait_until(lambda: "records_lost" in run.text(), "the loss to be noticed")
    assert "before offset 1, and the topic now begins at 11: 10 records" in run.text()
    assert run.stop() == 0
