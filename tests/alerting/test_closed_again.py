"""An account whose closing was taken back and that is closed later was closed: another fact."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import psycopg
import pytest

from alerting import backtest, ledger, ledger_changes, ledger_search, replay, ruleset
from crm_shared import ids
from crm_shared.events.transactions import AccountClosedEvent
from tests.alerting.batches import not_asked, raised, records, run

simulator = pytest.importorskip("bank_simulator.replay")

CLOSED = "R01.ACCOUNT_CLOSED"
AGAIN = date(2026, 7, 1)
FIRST = AGAIN - timedelta(days=1)

#: In what order first closing, correction and second closing come; each of another account.
ORDERS = [(0, 1, 2), (2, 1, 0), (1, 2, 0)]


@pytest.fixture
def twice(landing: Path, tmp_path: Path) -> Path:
    """Delivered files by which all that was closed on the first day is closed on the second."""
    for folder in landing.glob("business_date=*"):
        if folder.name != f"business_date={AGAIN}":
            (tmp_path / folder.name).symlink_to(folder)
    before, source = (landing / f"business_date={day}" for day in (FIRST, AGAIN))
    folder = tmp_path / source.name
    folder.mkdir()
    for file in source.iterdir():
        if file.name != "deposit_accounts.parquet":
            (folder / file.name).symlink_to(file)
    duckdb.execute(
        f"copy (select * replace (date '{AGAIN}' as closed_on)"
        f" from read_parquet('{before}/deposit_accounts.parquet', hive_partitioning = false)"
        f" where closed_on = '{FIRST}') to '{folder}/deposit_accounts.parquet' (format parquet)"
    )
    return tmp_path


@pytest.mark.parametrize("number", range(len(ORDERS)))
def test_it_is_told_in_whatever_order_that_comes_and_every_reader_agrees(
    connection: psycopg.Connection, twice: Path, number: int
) -> None:
    first, again = (_sent(twice, day, number) for day in (FIRST, AGAIN))
    assert first.account_id == again.account_id
    taken_back = first.model_copy(
        update={
            "event_id": ids.event_id("stays-open", str(first.account_id)),
            "corrects_event_id": first.event_id,
            "stays_open": True,
        }
    )
    sent = records([first, taken_back, again], 10 * number)
    for one in ORDERS[number]:
        run(connection, [sent[one]._replace(offset=10 * number + ORDERS[number].index(one))])
    reminder = ids.reminder_id(CLOSED, f"account:{again.account_id}", f"closed:{AGAIN}")
    assert raised(connection, [again.customer_id]) == {reminder: CLOSED}
    for day, event in ((FIRST, first), (AGAIN, again)):
        assert event.event_id in set(ledger.event_ids(twice, day, "account.closed") or ())
        found = ledger_search.find(twice, event.event_id, None)
        assert (found and found.day) == day
        assert event.event_id in {it.event_id for it in ledger_changes.closures(twice, day, day)}
    rules = ruleset.load(connection)
    assert reminder in replay.judge(rules, twice, AGAIN, AGAIN, not_asked).found
    (rule,) = (one for one in rules.rules if one.rule.code == CLOSED)
    assert (
        reminder in backtest.run(CLOSED, {}, rule, twice, (FIRST, AGAIN), find=not_asked).proposed
    )


def _sent(landing: Path, day: date, number: int) -> AccountClosedEvent:
    """What the simulated bank sends of an account closed on the day, by the accounts' numbers."""
    closed = sorted(
        (
            AccountClosedEvent.model_validate_json(one.body)
            for one in simulator.messages(landing, day)
            if '"type":"account.closed"' in one.body
        ),
        key=lambda event: event.account_id,
    )
    return closed[number]
