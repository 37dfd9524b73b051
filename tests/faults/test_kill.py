"""`kill -9` of alerting and of the intake, again and again, while a disordered bank keeps booking:
no reminder is missing, false or double."""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.network import free_port
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.bookings import (
    NOON,
    Event,
    booking,
    closure,
    expected_reminders,
    transfer_out,
)
from tests.databases import PostgresDatabase

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.slow]

KILLS_OF_EACH = 10
CUSTOMERS = 400
EVENTS = 12_000
DUPLICATES = 600
POISON = 40

Message = Event | tuple[bytes | None, bytes]


def _history(chance: random.Random) -> list[Event]:
    """Two days of bookings, many of them around the thresholds and the edges of windows."""
    events: list[Event] = []
    for number in range(1, EVENTS + 1):
        changes: dict[str, Any] = {
            "customer_id": chance.randint(1, CUSTOMERS),
            "occurred_at": NOON + timedelta(minutes=chance.randrange(2 * 1440)),
            "amount": chance.choices(["10.00", "499999.99", "500000.00"], [94, 3, 3])[0],
        }
        kind = chance.random()
        if kind < 0.01:
            changes.pop("amount")
            events.append(closure(number, **changes))
        elif kind < 0.15:
            events.append(transfer_out(number, **changes))
        else:
            events.append(booking(number, **changes))
    return events


def _as_sent(events: Sequence[Event], chance: random.Random) -> list[Message]:
    """Roughly in order of time, some hours late, with duplicates and poison in between."""
    sent = [*events, *chance.choices(events, k=DUPLICATES)]
    sent.sort(key=lambda one: one.occurred_at + timedelta(minutes=chance.expovariate(1 / 90)))
    messages: list[Message] = [*sent]
    for number in range(POISON):
        poison = b"\xff" * number or b"{}"
        messages.insert(chance.randrange(len(messages)), (str(number).encode(), poison))
    return messages


class _Bank:
    """Publishes in the background, a share of everything for each time it is told to go on."""

    def __init__(self, settings: KafkaSettings, messages: Sequence[Message], shares: int) -> None:
        self._settings = settings
        size = -(-len(messages) // shares)
        self._shares = [messages[at : at + size] for at in range(0, len(messages), size)]
        self._allowed = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._publish, daemon=True)
        self.failure: Exception | None = None

    def _publish(self) -> None:
        try:
            for share in self._shares:
                self._allowed.acquire()
                for first in range(0, len(share), 60):
                    topics.publish(self._settings, transactions.TOPIC, share[first : first + 60])
        except Exception as error:
            self.failure = error

    def open(self) -> None:
        self._thread.start()
        self.go_on()

    def go_on(self) -> None:
        self._allowed.release()

    def close(self) -> None:
        self._thread.join(60)
        assert self.failure is None
        assert not self._thread.is_alive()


@contextmanager
def _ended(*commands: RunningCommand) -> Iterator[None]:
    try:
        yield
    finally:
        for command in commands:
            if command.started and command.running():
                command.kill()


def _number(url: str, query: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _kill_while_working(
    command: RunningCommand, url: str, progress: str, chance: random.Random
) -> None:
    """Kill the process somewhere in its work, and start it again."""
    before = _number(url, progress)
    wait_until(lambda: _number(url, progress) > before, f"{command.command} to get on", seconds=60)
    threading.Event().wait(chance.random() * 0.3)
    assert command.running(), command.text()[-4000:]
    command.kill()
    command.start()


ALERTING_PROGRESS = "select sum(processed) from alerting.partitions"
INTAKE_PROGRESS = "select sum(next_offset) from ocrm.intake_offsets"


@pytest.mark.timeout(600)
def test_kill_9_leaves_no_reminder_missing_false_or_double(
    environment: dict[str, str],
    postgres_database: PostgresDatabase,
    kafka_prefix: str,
    tmp_path: Path,
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    variables = environment | postgres_database.environment()
    variables |= {
        "CRM_KAFKA_TOPIC_PREFIX": kafka_prefix,
        "CRM_KAFKA_CONSUMER_SESSION_TIMEOUT_MS": "1500",
        "ALERTING_OPERATIONS_PORT": str(free_port()),
        "ALERTING_MAX_BATCH_RECORDS": "40",
        "OCRM_DEMO": "1",
    }
    broker = KafkaSettings(bootstrap=variables["CRM_KAFKA_BOOTSTRAP"], topic_prefix=kafka_prefix)
    for service in ("ocrm", "alerting"):
        migration = RunningCommand([service, "migrate"], variables, tmp_path / f"{service}.migrate")
        assert migration.start().wait(60) == 0, migration.text()

    events = _history(chance)
    bank = _Bank(broker, _as_sent(events, chance), shares=2 * KILLS_OF_EACH + 1)
    alerting = RunningCommand(["alerting", "run"], variables, tmp_path / "alerting.log")
    intake = RunningCommand(["ocrm", "intake"], variables, tmp_path / "intake.log")
    url = postgres_database.superuser
    with _ended(alerting, intake):
        alerting.start()
        intake.start()
        bank.open()
        for _ in range(KILLS_OF_EACH):
            _kill_while_working(alerting, url, ALERTING_PROGRESS, chance)
            bank.go_on()
            _kill_while_working(intake, url, INTAKE_PROGRESS, chance)
            bank.go_on()
        bank.close()
        expected = expected_reminders(events)
        wait_until(
            lambda: (
                _number(url, "select count(*) from ocrm.reminders") >= len(expected)
                and _drained(url, broker)
            ),
            "everything to be drained",
            seconds=60,
        )
        assert alerting.stop() == 0
        assert intake.stop() == 0

    found = _reminders(url)
    assert found == expected
    assert {row[0]: row[1] for row in _outbox(url)} == expected
    keys = "select count(distinct (rule_code, subject, reminder_window)) from ocrm.reminders"
    assert _number(url, keys) == len(expected)
    assert _number(url, "select count(*) from alerting.dead_letters") == POISON
    assert _number(url, "select count(*) from ocrm.intake_dead_letters") == 0


def _drained(url: str, broker: KafkaSettings) -> bool:
    done = _number(url, "select sum(next_offset) from alerting.partitions")
    unsent = _number(url, "select count(*) from alerting.outbox where sent_at is null")
    return unsent == 0 and done == len(topics.read_all(broker, transactions.TOPIC))


def _reminders(url: str) -> dict[UUID, str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select reminder_id, rule_code from ocrm.reminders").fetchall()
    return dict(rows)


def _outbox(url: str) -> list[tuple[UUID, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("select reminder_id, rule_code from alerting.outbox").fetchall()
