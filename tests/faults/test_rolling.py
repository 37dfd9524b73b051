"""Members restarted one after another under load: nothing is missing or double, and where they have
names, who comes back in time is not noticed by the others."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from alerting import migrate
from crm_shared.events import reminders, transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.bookings import Event, booking, expected_reminders, transfer_out
from tests.alerting.running import raised
from tests.databases import PostgresDatabase
from tests.faults.broker import APACHE_KAFKA

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.slow]

#: A busy machine takes its time to start a process.
PATIENCE_SECONDS = 120.0


class Members:
    """Two processes of one consumer group that run, and who owns what."""

    def __init__(self, url: str, running: list[RunningCommand]) -> None:
        self._url = url
        self.running = running
        for one in running:
            one.start()
        self.wait_for({one.pid for one in running})

    def epochs(self) -> dict[int, dict[tuple[str, int], int]]:
        """By process, the epochs of its partitions."""
        with psycopg.connect(self._url) as connection:
            rows = connection.execute(
                "select owner, topic, partition, epoch from alerting.partitions"
            ).fetchall()
        found: dict[int, dict[tuple[str, int], int]] = {}
        for owner, topic, partition, epoch in rows:
            found.setdefault(int(owner.rpartition(":")[2]), {})[topic, partition] = epoch
        return found

    def wait_for(self, processes: set[int]) -> None:
        """Until these processes, and no other, own partitions."""
        wait_until(
            lambda: self.epochs().keys() == processes, "the owners", seconds=PATIENCE_SECONDS
        )

    def settled(self, processes: set[int]) -> dict[int, dict[tuple[str, int], int]]:
        """The epochs by process, once these own partitions and nothing has moved for a while."""
        seen: list[dict[int, dict[tuple[str, int], int]]] = [{}]

        def stays() -> bool:
            seen.append(self.epochs())
            return seen[-1] == seen[-2] and seen[-1].keys() == processes

        wait_until(stays, "the owners to stay", seconds=PATIENCE_SECONDS, every=3.0)
        return seen[-1]

    def worked(self) -> int:
        """Records that were made durable, each counted once."""
        with psycopg.connect(self._url) as connection:
            row = connection.execute("select sum(processed) from alerting.partitions").fetchone()
        return int(row[0]) if row else 0


@contextmanager
def _members(
    database: PostgresDatabase, broker: KafkaSettings, folder: Path, session_seconds: int, name: str
) -> Iterator[Members]:
    migrate.upgrade(database.alerting_owner)
    environment = {
        "CRM_KAFKA_BOOTSTRAP": broker.bootstrap,
        "CRM_KAFKA_TOPIC_PREFIX": broker.topic_prefix,
        "CRM_KAFKA_CONSUMER_SESSION_TIMEOUT_MS": str(session_seconds * 1000),
        "ALERTING_DATABASE_URL": database.alerting_owner,
        "ALERTING_OPERATIONS_PORT": "0",
    }
    commands = [
        RunningCommand(
            ["alerting", "run"],
            environment | {"ALERTING_INSTANCE_ID": name and f"{name}-{number}"},
            folder / f"{number}.log",
        )
        for number in (1, 2)
    ]
    try:
        yield Members(database.alerting_owner, commands)
    finally:
        for one in commands:
            if one.started and one.running():
                one.kill()


@pytest.fixture
def broker(kafka_bootstrap: str, kafka_prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix)


@contextmanager
def _load(broker: KafkaSettings) -> Iterator[list[Event]]:
    """A bank that books all the while; what it has booked is complete at the end."""
    booked: list[Event] = []
    ended = threading.Event()

    def book() -> None:
        while not ended.wait(0.2):
            first = len(booked) + 1
            some: list[Event] = [
                transfer_out(number, customer_id=1 + number % 20)
                for number in range(first, first + 9)
            ]
            some.append(booking(first + 9, customer_id=100 + first, amount="900000.00"))
            topics.publish(broker, transactions.TOPIC, some)
            booked.extend(some)

    with ThreadPoolExecutor(1) as pool:
        booking_all = pool.submit(book)
        try:
            wait_until(lambda: booked or booking_all.done(), "the first bookings")
            yield booked
        finally:
            ended.set()
        booking_all.result()


def _compare(broker: KafkaSettings, members: Members, booked: list[Event]) -> None:
    """Each event was worked on once, and each reminder is on the topic once."""
    wanted = expected_reminders(booked)
    wait_until(lambda: raised(broker) == wanted, "the reminders", seconds=PATIENCE_SECONDS)
    wait_until(lambda: members.worked() == len(booked), "the last event")
    assert len(topics.read_all(broker, reminders.TOPIC)) == len(wanted)
    for one in members.running:
        assert one.stop() == 0


def test_members_restarted_one_after_another_miss_and_double_nothing(
    postgres_database: PostgresDatabase, broker: KafkaSettings, tmp_path: Path
) -> None:
    with _members(postgres_database, broker, tmp_path, 2, "") as members:
        with _load(broker) as booked:
            for number, one in enumerate(members.running):
                other = members.running[1 - number]
                assert one.stop() == 0
                members.wait_for({other.pid})
                one.start()
                members.wait_for({one.pid, other.pid})
        _compare(broker, members, booked)


@pytest.mark.skipif(
    not (APACHE_KAFKA or "CRM_KAFKA_BOOTSTRAP" in os.environ),
    reason="The local broker has all members join anew when one that has a name comes back.",
)
def test_members_with_names_come_back_to_their_partitions_and_the_others_keep_theirs(
    postgres_database: PostgresDatabase, broker: KafkaSettings, tmp_path: Path
) -> None:
    with _members(postgres_database, broker, tmp_path, int(PATIENCE_SECONDS), "m") as members:
        with _load(broker) as booked:
            for number, one in enumerate(members.running):
                other = members.running[1 - number]
                before, left = members.settled({one.pid, other.pid}), one.pid
                assert one.stop() == 0
                one.start()
                after = members.settled({one.pid, other.pid})
                assert after[other.pid] == before[other.pid]
                assert after[one.pid] == {it: at + 1 for it, at in before[left].items()}
        _compare(broker, members, booked)
