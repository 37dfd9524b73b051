"""While a topic gets more partitions, no window is judged on a part of a customer's transfers."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from alerting import batch, growth, ownership, ruleset
from crm_shared.events import transactions
from crm_shared.kafka_records import Record
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.batches import BOUNDS, LATER, TOPIC, raised, record
from tests.alerting.bookings import NOON, expected_reminders, transfer_out
from tests.alerting.running import EVENTS
from tests.alerting.running import raised as told

OLD, NEW = (TOPIC, 0), (TOPIC, 4)
CUSTOMER = 77
TRANSFERS = [
    transfer_out(number, customer_id=CUSTOMER, occurred_at=NOON + timedelta(minutes=number))
    for number in range(1, 9)
]


def _take(url: str, partition: ownership.Partition, number: int) -> int:
    """Take a partition of a topic that has so many; the epoch."""
    with psycopg.connect(url) as connection:
        taken = ownership.take(connection, [partition], "test", numbers={TOPIC: number})
    return taken[partition].epoch


def _write(connection: psycopg.Connection, records: Sequence[Record], epoch: int) -> None:
    """As a member does, up to the commit."""
    partition = (records[0].topic, records[0].partition)
    progress = ownership.lock_own(connection, {partition: epoch})
    if growth.is_moving(connection):
        growth.lock_customers(connection, records)
    decoded = batch.decode_all(records, progress, LATER, BOUNDS)
    batch.write(connection, decoded, ruleset.load(connection))
    ownership.advance(connection, progress)


def _moving(url: str) -> set[int]:
    """The partitions that were not seen without lag yet."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select partition from alerting.partitions where moving_since is not null"
        ).fetchall()
    return {row[0] for row in rows}


def _begun(url: str, ago: str) -> None:
    """Make it so long ago that every partition began to lose customers."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "update alerting.partitions set moving_since = now() - %s::interval", (ago,)
        )


def _waits(url: str) -> bool:
    """Whether somebody waits for a customer."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        ).fetchone()
    return row == (1,)


def test_of_two_members_with_transfers_of_one_customer_the_second_sees_those_of_the_first(
    alerting_url: str, connection: psycopg.Connection
) -> None:
    old = _take(alerting_url, OLD, 4)
    assert _moving(alerting_url) == set(), "it had as many from the beginning"
    new = _take(alerting_url, NEW, 8)
    assert _moving(alerting_url) == {0}, "the new one has nobody who has left it"
    halves = [
        [record(offset, one, partition) for offset, one in enumerate(half)]
        for partition, half in ((0, TRANSFERS[:4]), (4, TRANSFERS[4:]))
    ]

    def second() -> None:
        with psycopg.connect(alerting_url) as another:
            _write(another, halves[1], new)

    with ThreadPoolExecutor(1) as threads:
        _write(connection, halves[0], old)
        waiting = threads.submit(second)
        wait_until(lambda: _waits(alerting_url), "the second to wait for the customer")
        connection.commit()
        waiting.result(timeout=30)
    expected = expected_reminders(TRANSFERS)
    assert len(expected) == 1
    assert raised(connection, [CUSTOMER]) == expected


def test_who_takes_a_new_partition_waits_for_the_batches_that_know_nothing_of_it(
    alerting_url: str, connection: psycopg.Connection
) -> None:
    place = ("waiting", 0)
    epoch = ownership.take(connection, [place], "test", numbers={"waiting": 1})[place].epoch
    connection.commit()
    ownership.lock_own(connection, {place: epoch})

    def grown() -> None:
        with psycopg.connect(alerting_url) as another:
            another.execute("set lock_timeout = '30s'")
            ownership.take(another, [("waiting", 1)], "test", numbers={"waiting": 2})

    def waits() -> bool:
        with psycopg.connect(alerting_url) as watching:
            row = watching.execute(
                "select count(*) from pg_locks where mode = 'ExclusiveLock' and not granted"
                " and relation = 'alerting.partitions'::regclass"
            ).fetchone()
        return row == (1,)

    with ThreadPoolExecutor(1) as threads:
        taking = threads.submit(grown)
        wait_until(waits, "it to wait for the batch")
        connection.commit()
        taking.result(timeout=30)
    assert growth.is_moving(connection)


def test_partitions_that_a_topic_made_again_no_longer_has_are_not_waited_for(
    alerting_url: str, connection: psycopg.Connection
) -> None:
    places = [("smaller", number) for number in range(4)]
    old, new = {"smaller": uuid4()}, {"smaller": uuid4()}
    ownership.take(connection, places[:2], "test", old, {"smaller": 2})
    ownership.take(connection, places, "test", old, {"smaller": 4})
    assert growth.since(connection, ["smaller"]) is not None
    ownership.take(connection, places[:1], "test", new, {"smaller": 1})
    assert growth.since(connection, ["smaller"]) is None
    connection.rollback()


def test_the_first_id_that_is_heard_of_a_topic_does_not_end_the_waiting(
    connection: psycopg.Connection,
) -> None:
    place = ("named late", 0)
    ownership.take(connection, [place], "test", numbers={"named late": 1})
    ownership.take(connection, [place], "test", numbers={"named late": 2})
    ownership.take(connection, [place], "test", {"named late": uuid4()}, {"named late": 2})
    assert growth.since(connection, ["named late"]) is not None
    connection.rollback()


def test_a_partition_settles_once_it_is_seen_without_lag_and_producers_must_know(
    alerting_url: str, connection: psycopg.Connection
) -> None:
    place = ("settling", 0)
    ownership.take(connection, [place], "test", numbers={"settling": 1})
    ownership.take(connection, [place], "test", numbers={"settling": 2})
    ownership.take(connection, [place], "test", numbers={"settling": 1})
    query = (
        "select moving_since is null, topic_partitions from alerting.partitions where topic = %s"
    )
    growth.settle(connection, [place])
    assert connection.execute(query, ("settling",)).fetchone() == (False, 2)
    connection.execute(
        "update alerting.partitions set moving_since = now() - interval '11 minutes'"
    )
    growth.settle(connection, [])
    assert connection.execute(query, ("settling",)).fetchone() == (False, 2)
    growth.settle(connection, [place])
    assert connection.execute(query, ("settling",)).fetchone() == (True, 2)


@pytest.mark.kafka
def test_a_member_works_in_small_batches_until_it_has_settled(
    run: RunningCommand,
    environment_of_run: dict[str, str],
    kafka_settings: KafkaSettings,
) -> None:
    url = environment_of_run["ALERTING_DATABASE_URL"]
    run.with_environment(environment_of_run | {"ALERTING_CANARY_SECONDS": "0"}).start()
    wait_until(lambda: "partitions_taken" in run.text(), "its partitions")
    assert run.stop() == 0
    with psycopg.connect(url) as connection:
        connection.execute(
            "update alerting.partitions set topic_partitions = 3 where topic ~ 'transactions'"
        )
    many = [transfer_out(1000 + one, customer_id=one % 9 + 1) for one in range(3 * growth.PART)]
    topics.publish(kafka_settings, transactions.TOPIC, [*many, *EVENTS])
    run.start()
    expected = expected_reminders([*many, *EVENTS])
    wait_until(lambda: told(kafka_settings) == expected, "the reminders", seconds=60)
    grown = [json.loads(line) for line in run.text().splitlines() if "topic_grown" in line]
    assert len(grown) == 1
    assert _moving(url) == set(range(4))
    _begun(url, "11 minutes")
    wait_until(lambda: _moving(url) == set(), "it to settle")
    _begun(url, "1 second")
    more = [transfer_out(3000 + one, customer_id=one + 20) for one in range(3 * growth.PART)]
    large = transfer_out(4000, customer_id=5, amount="600000.00")
    topics.publish(kafka_settings, transactions.TOPIC, [*more, large])
    expected = expected_reminders([*many, *EVENTS, *more, large])
    wait_until(lambda: told(kafka_settings) == expected, "what another found grown", seconds=60)
    assert run.stop() == 0
