"""Processes that were thought dead, and owners that were replaced, do no harm when they wake up."""

import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from alerting import migrate
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.bookings import Event, booking, expected_reminders, transfer_out
from tests.databases import PostgresDatabase

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.slow]


@pytest.fixture
def url(postgres_database: PostgresDatabase) -> str:
    migrate.upgrade(postgres_database.alerting_owner)
    return postgres_database.alerting_owner


@pytest.fixture
def broker(kafka_bootstrap: str, kafka_prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix)


@pytest.fixture
def members(url: str, broker: KafkaSettings, tmp_path: Path) -> Iterator[list[RunningCommand]]:
    """Two processes of one consumer group, not yet started."""
    environment = {
        "CRM_KAFKA_BOOTSTRAP": broker.bootstrap,
        "CRM_KAFKA_TOPIC_PREFIX": broker.topic_prefix,
        "CRM_KAFKA_CONSUMER_SESSION_TIMEOUT_MS": "1500",
        "CRM_KAFKA_CONSUMER_MAX_POLL_INTERVAL_MS": "4000",
        "ALERTING_DATABASE_URL": url,
        "ALERTING_OPERATIONS_PORT": "0",
        "ALERTING_STATEMENT_TIMEOUT_SECONDS": "2",
    }
    commands = [
        RunningCommand(["alerting", "run"], environment, tmp_path / f"{name}.log")
        for name in ("first", "second")
    ]
    yield commands
    for command in commands:
        if command.started and command.running():
            command.kill()


def _raised(url: str) -> dict[UUID, str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select reminder_id, rule_code from alerting.outbox").fetchall()
    return dict(rows)


def _owners(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(distinct owner) from alerting.partitions").fetchone()
    return row[0] if row else 0


def _book(broker: KafkaSettings, first: int, last: int) -> list[Event]:
    """Bookings of five customers, each with transfers enough for a reminder of its own."""
    events: list[Event] = [
        transfer_out(number, customer_id=1 + number % 5) for number in range(first, last)
    ]
    events.append(booking(last, customer_id=last, amount="500000.00"))
    topics.publish(broker, transactions.TOPIC, events)
    return events


def test_an_owner_that_was_replaced_is_fenced_and_joins_again(
    url: str, broker: KafkaSettings, members: list[RunningCommand]
) -> None:
    member = members[0].start()
    events = _book(broker, 1, 4)
    wait_until(lambda: _raised(url) == expected_reminders(events), "the first reminder")
    with psycopg.connect(url) as connection:
        connection.execute("update alerting.partitions set epoch = epoch + 1, owner = 'another'")
    events += _book(broker, 5, 40)
    wait_until(lambda: _raised(url) == expected_reminders(events), "all reminders")
    assert '"fenced"' in member.text()
    assert member.stop() == 0


def test_a_process_stopped_past_its_session_wakes_up_without_harm(
    url: str, broker: KafkaSettings, members: list[RunningCommand]
) -> None:
    sleeper, other = members
    sleeper.start()
    events = _book(broker, 1, 4)
    wait_until(lambda: _raised(url) == expected_reminders(events), "the first reminder")
    sleeper.send(signal.SIGSTOP)
    events += _book(broker, 5, 40)
    other.start()
    wait_until(lambda: _raised(url) == expected_reminders(events), "the other to take over")
    sleeper.send(signal.SIGCONT)
    events += _book(broker, 50, 90)
    wait_until(lambda: _raised(url) == expected_reminders(events), "both to go on")
    # The local broker never forgets a leader that leaves while another is joining.
    wait_until(lambda: _owners(url) == 2, "both to own partitions", seconds=60)
    assert other.stop() == 0
    events += _book(broker, 100, 110)
    wait_until(lambda: _raised(url) == expected_reminders(events), "the sleeper", seconds=60)
    assert sleeper.stop() == 0
