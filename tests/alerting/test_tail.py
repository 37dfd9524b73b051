"""`alerting tail` tells what is stored while it looks, and resumes where it was."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from alerting.cli import app
from crm_shared.errors import UsageError
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.batches import records, run
from tests.alerting.bookings import booking, closure

INFLOW, CLOSED = "R01.LARGE_INFLOW", "R01.ACCOUNT_CLOSED"


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """A shell has the jobs it runs in the background, and all they start, ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _tail(url: str, output: Path, *words: str) -> RunningCommand:
    return RunningCommand(["alerting", "tail", *words], {"ALERTING_DATABASE_URL": url}, output)


def test_what_is_stored_is_told_by_rule_and_nothing_of_the_customer(
    alerting_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    with _tail(alerting_url, tmp_path / "lines", "--rule", INFLOW) as tail:
        wait_until(lambda: "from here on" in tail.text(), "the stream to begin")
        events = [booking(1, customer_id=987_001_234, amount="900000.00"), closure(2)]
        run(connection, records(events))
        wait_until(lambda: INFLOW in tail.text(), "the reminder")
        tail.send(signal.SIGINT)
        assert tail.wait() == 0
    ready, told = tail.text().splitlines()
    assert "  raised     " in told
    assert "revision 1  version 1" in told
    assert CLOSED not in told
    assert "987001234" not in told
    begin = ready.split()[0]
    with _tail(alerting_url, tmp_path / "json", "--after", begin, "--json") as again:
        wait_until(lambda: len(again.text().splitlines()) == 2, "both reminders")
        again.send(signal.SIGINT)
        assert again.wait() == 0
    resumed = [json.loads(line) for line in again.text().splitlines()]
    assert {one["rule_code"] for one in resumed} == {INFLOW, CLOSED}
    assert min(one["position"] for one in resumed) > int(begin)


def test_a_rule_that_there_is_not_is_an_error() -> None:
    with pytest.raises(UsageError, match="alerting rules"):
        CliRunner().invoke(app, ["tail", "--rule", "R01.LARGE"], catch_exceptions=False)
