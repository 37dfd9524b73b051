"""What operations see in /metrics is what there is now."""

from datetime import date, datetime

import psycopg
import pytest
from prometheus_client import REGISTRY

from alerting import days_checked, metrics, status
from alerting.canaries import Canaries
from alerting.database_clock import DatabaseClock
from alerting.days_checked import Checked
from alerting.ownership import Taken
from alerting.relay import Relay
from alerting.settings import AlertingSettings
from crm_shared import kafka
from crm_shared.clock import BANK_ZONE
from crm_shared.errors import UsageError
from crm_shared.settings import KafkaSettings
from crm_shared.testing.network import free_port
from crm_shared.testing.waiting import wait_until
from tests.alerting.batches import records, run
from tests.alerting.bookings import booking


def _value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_a_member_says_nothing_of_partitions_that_it_owns_no_longer() -> None:
    place = {"topic": "t", "partition": "3"}
    metrics.lags({("t", 3): (17, 2.5)})
    assert _value("alerting_lag_records", **place) == 17
    assert _value("alerting_lag_seconds", **place) == 2.5
    metrics.taken({("t", 3): Taken(epoch=1, next_offset=0)})
    assert _value("alerting_partition_held", **place) == 0
    metrics.forget_partitions()
    assert _value("alerting_lag_records", **place) is None
    assert _value("alerting_partition_held", **place) is None


def test_what_waits_for_a_person_is_measured_until_it_is_done(
    connection: psycopg.Connection,
) -> None:
    run(connection, records([b"poison", b"more poison", booking(1)]))
    connection.execute(
        "insert into alerting.storms (rule_code, hour, raised, max_per_hour)"
        " values ('R01.LARGE_INFLOW', now(), 9, 8)"
    )
    metrics.waits(status.waiting(connection))
    assert _value("alerting_open_dead_letters", reason="undecodable") == 2
    assert _value("alerting_open_dead_letters", reason="rule_failed") == 0
    assert _value("alerting_storms_lasting", rule="R01.LARGE_INFLOW") == 1
    assert _value("alerting_held_messages", rule="R01.LARGE_INFLOW") == 0
    connection.execute("update alerting.dead_letters set state = 'requeued'")
    connection.execute("update alerting.storms set ended_at = now(), ended_by = 'Chen'")
    metrics.waits(status.waiting(connection))
    assert _value("alerting_open_dead_letters", reason="undecodable") == 0
    assert _value("alerting_storms_lasting", rule="R01.LARGE_INFLOW") is None


def test_days_that_were_found_incomplete_are_measured_until_they_are_complete(
    connection: psycopg.Connection,
) -> None:
    def told() -> tuple[float | None, float | None]:
        metrics.days(days_checked.standing(connection))
        newest = _value("alerting_checked_business_date_timestamp_seconds")
        return _value("alerting_incomplete_days"), newest

    connection.execute("delete from alerting.days_worked")
    assert told() == (0, 0), "nothing was worked on"
    for day in range(20, 31):
        days_checked.keep(connection, date(2026, 6, day), complete=day not in (20, 25))
    midnight = datetime(2026, 6, 30, tzinfo=BANK_ZONE).timestamp()
    assert told() == (2, midnight)
    days_checked.keep(connection, date(2026, 6, 25), complete=True)
    assert told() == (1, midnight)
    days_checked.keep(connection, date(2026, 7, 31), complete=True)
    assert told()[0] == 31, "nobody has checked July, and the oldest day is as it was"
    for left in [date(2026, 6, 20), *(date(2026, 7, one) for one in range(1, 31))]:
        days_checked.settle(connection, left, by="Chen", why="the core bank has lost it")
    assert told()[0] == 0
    with pytest.raises(days_checked.DayIsCompleteError, match="2026-06-25 was found complete"):
        days_checked.settle(connection, date(2026, 6, 25), by="Chen", why="?")
    kept = connection.execute(
        "select said_by, action, details ->> 'why' from alerting.audit_log"
        " where subject_id = '2026-06-20'"
    ).fetchall()
    assert kept == [("Chen", "day.settled", "the core bank has lost it")]
    for wrong in (date(2062, 6, 30), date(2006, 6, 30)):
        with pytest.raises(UsageError, match="is the date right"):
            days_checked.settle(connection, wrong, by="Chen", why="?")
    connection.commit()
    days_checked.keep(connection, date(2026, 1, 5), complete=False)
    assert told()[0] == 1, "who looks at an old day is not asked for all that came after it"


def test_before_the_first_check_the_day_before_the_oldest_event_is_the_newest_checked(
    connection: psycopg.Connection,
) -> None:
    connection.execute("delete from alerting.days_checked")
    run(connection, records([booking(1)], first=50))
    assert days_checked.standing(connection) == Checked(date(2026, 6, 30), 0)


def test_what_waits_is_measured_while_kafka_is_away(
    settings: AlertingSettings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "CONNECT_TIMEOUT_SECONDS", 0.0)
    run(connection, records([b"poison", booking(2, amount="500000.00")], first=10))
    nowhere = KafkaSettings(bootstrap=f"127.0.0.1:{free_port()}")
    failures: list[Exception] = []
    told = DatabaseClock(connection)
    relay = Relay(settings, nowhere, Canaries(0, dict, told), failures.append, clock=told)
    metrics.OPEN_DEAD_LETTERS.labels("undecodable").set(0)
    metrics.OUTBOX_BACKLOG.set(0)
    relay.start()
    try:
        wait_until(lambda: _value("alerting_outbox_backlog") == 1, "the backlog")
        assert _value("alerting_open_dead_letters", reason="undecodable") == 1
    finally:
        relay.stop(20)
    assert not failures


def test_counters_of_faults_begin_at_zero_so_that_the_first_fault_is_an_increase() -> None:
    assert _value("alerting_dead_letters_total", reason="future_dated") is not None
    assert _value("alerting_put_off_total", server="Kafka") is not None
