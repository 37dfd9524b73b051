"""A machine whose own clock is wrong judges as all others do: by PostgreSQL's clock."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import structlog
from typer.testing import CliRunner

from alerting import database_clock, dead_letters, judged_by
from alerting.cli import app
from alerting.database_clock import DatabaseClock
from crm_shared import clock
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.batches import records, run
from tests.alerting.bookings import booking
from tests.alerting.running import raised

#: `alerting run` on a machine whose clock is wrong by so many hours.
_RUN = """
from datetime import timedelta
from crm_shared import clock
right = clock.now
clock.now = lambda: right() + timedelta(hours={hours})
from alerting.cli import app
app(["run"])
"""

_WRONG = pytest.mark.parametrize("hours", [-1, 1], ids=["slow", "fast"])


def _wrong(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """From now on our own clock is wrong."""
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() + timedelta(hours=hours))


@pytest.mark.kafka
@_WRONG
def test_a_member_whose_clock_is_wrong_works_as_any(
    environment_of_run: dict[str, str],
    kafka_settings: KafkaSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
) -> None:
    # Not `monkeypatch`ed here: the clock of this process is right while it makes the events.
    now = clock.now()
    here = booking(1, amount="900000.00", occurred_at=now)
    ahead = booking(2, amount="900000.00", occurred_at=now + timedelta(minutes=50))
    command = ["python", "-c", _RUN.format(hours=hours)]
    member = RunningCommand(command, environment_of_run, tmp_path / "alerting.log").start()
    try:
        sent = [(one.key, one.to_bytes()) for one in (here, ahead)]
        topics.publish(kafka_settings, transactions.TOPIC, sent)
        with psycopg.connect(environment_of_run["ALERTING_DATABASE_URL"]) as connection:
            connection.autocommit = True
            wait_until(lambda: _all_have_canaries(connection), "canaries in every partition")
            wait_until(lambda: dead_letters.find(connection), "a dead letter")
            letters = dead_letters.find(connection)
            assert [(one.reason, one.record.key) for one in letters] == [("future_dated", b"1")]
        wait_until(lambda: raised(kafka_settings), "the reminder")
        assert set(raised(kafka_settings).values()) == {"R01.LARGE_INFLOW"}
        assert len(raised(kafka_settings)) == 1
        for name, value in environment_of_run.items():
            monkeypatch.setenv(name, value)
        _wrong(monkeypatch, hours)
        status = CliRunner().invoke(app, ["status", "--json"], catch_exceptions=False)
        told = [one["canary_seconds"] for one in json.loads(status.stdout)["partitions"]]
        assert all(abs(one) < 1800 for one in told)
    finally:
        member.kill()
    assert "clock_differs" in member.output.read_text()


def _all_have_canaries(connection: psycopg.Connection) -> bool:
    """No canary looks older than its partition's taking over, nor younger than now."""
    row = connection.execute(
        "select count(*), count(*) filter (where canary_at > taken_at - interval '30 minutes'"
        " and canary_at <= now()) from alerting.partitions"
    ).fetchone()
    assert row is not None
    return bool(row[0] == row[1] > 0)


@_WRONG
def test_the_clock_goes_by_the_database(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    _wrong(monkeypatch, hours)
    with structlog.testing.capture_logs() as logs:
        ours = DatabaseClock(connection)
    assert [one["event"] for one in logs] == ["clock_differs"]
    before = ours()
    assert before <= ours()
    ours.ask(connection)
    assert abs(ours() - database_clock.now(connection)) < timedelta(minutes=30)
    assert abs(judged_by.worked(connection, 1).at - before) < timedelta(minutes=30)


@_WRONG
def test_a_requeue_goes_by_the_database(
    connection: psycopg.Connection,
    alerting_url: str,
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
) -> None:
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    now: datetime = database_clock.now(connection)
    number = 10 + hours
    here = booking(number, customer_id=number, occurred_at=now)
    ahead = booking(number + 5, customer_id=number, occurred_at=now + timedelta(minutes=50))
    run(connection, records([here, ahead], 100 * number), now=now - timedelta(hours=2))
    _wrong(monkeypatch, hours)
    done = CliRunner().invoke(
        app, ["dead-letters", "requeue", "--all", "--by", "Chen"], catch_exceptions=False
    )
    assert done.output.startswith("1 dead letter worked on, "), done.output
    assert " 1 still dead.\n" in done.output
    left = dead_letters.find(connection, state="dead")
    assert [one.reason for one in left] == ["future_dated"]
    dead_letters.settle(connection, [one.dead_letter_id for one in left])
    connection.commit()
