"""Delivered days are judged again by the rules in force and compared with what was raised."""

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from typer.testing import CliRunner

from alerting import backtest, ledger_changes, ledger_events, ledger_states, replay, ruleset
from alerting.cli import app
from alerting.decoding import decode
from alerting.events import Booking, Closure, LoanChange, UnpaidStatement
from alerting.ruleset import Ruleset
from crm_shared.errors import UsageError
from crm_shared.kafka_records import Record
from crm_shared.landing import Manifest, TableFile, day_folder
from tests.alerting.batches import LATER, TOPIC, not_asked, run

simulator = pytest.importorskip("bank_simulator.replay")

LAST = date(2026, 7, 1)
DAYS = tuple(LAST - timedelta(days=back) for back in (2, 1, 0))
INFLOW = "R01.LARGE_INFLOW"


def _records(landing: Path) -> list[Record]:
    bodies = [one for day in DAYS for one in simulator.messages(landing, day)]
    return [
        Record(TOPIC, 0, number, one.key.encode(), one.body.encode())
        for number, one in enumerate(bodies)
    ]


@pytest.fixture(scope="module")
def sent(landing: Path) -> list[Record]:
    """What the stream saw of three days."""
    return _records(landing)


@pytest.fixture
def worked(connection: psycopg.Connection, sent: list[Record]) -> psycopg.Connection:
    """A database that has worked on them, a hundred at a time; again changes nothing."""
    for first in range(0, len(sent), 100):
        run(connection, sent[first : first + 100])
    return connection


def _counts(
    connection: psycopg.Connection, rules: Ruleset, landing: Path, first: date, last: date
) -> tuple[dict[str, Any], dict[str, int]]:
    replayed = replay.judge(rules, landing, first, last, not_asked)
    found = replay.summary(replayed, replay.compare(connection, replayed))
    total: Counter[str] = Counter()
    for one in found["rules"].values():
        total.update({name: one[name] for name in replay.OUTCOMES})
    return found, +total


def _with_inflow_from(connection: psycopg.Connection, amount: str) -> Ruleset:
    rows = [(one.rule.code, one.version, one.parameters) for one in ruleset.load(connection).rules]
    return ruleset.ruleset_of(
        [
            (code, version, dict.fromkeys(values.values, amount) if code == INFLOW
             else {name: str(value) for name, value in values.values.items()})
            for code, version, values in rows
        ]
    )  # fmt: skip


def test_the_files_give_the_changes_and_closures_that_the_stream_saw(
    landing: Path, sent: list[Record]
) -> None:
    told = {one.event_id: one for record in sent
            if isinstance(one := decode(record, LATER), LoanChange | Closure)}  # fmt: skip
    found = [*ledger_changes.loan_changes(landing, DAYS[0], LAST),
             *ledger_changes.closures(landing, DAYS[0], LAST)]  # fmt: skip
    assert {one.event_id: one for one in found} == told
    assert {type(one) for one in found} == {LoanChange, Closure}


def test_states_are_compared_on_the_days_that_are_delivered(landing: Path, tmp_path: Path) -> None:
    for folder in landing.glob("business_date=*"):
        if folder.name != f"business_date={DAYS[1]}":
            (tmp_path / folder.name).symlink_to(folder)
    for read in (ledger_states.data_changes, ledger_states.unpaid_statements):
        found = list(read(tmp_path, DAYS[0], LAST))
        first = list(read(landing, DAYS[0], DAYS[0]))
        assert found[: len(first)] == first
        with pytest.raises(UsageError, match=f"from {DAYS[1]} to {DAYS[1]}"):
            list(read(tmp_path, DAYS[1], DAYS[1]))
    for kind in (UnpaidStatement, Booking):
        *_, said = ledger_events.caveats({kind}, tmp_path, DAYS[0], LAST)
        assert f"delivered for 1 of these days ({DAYS[1]})" in said
    assert ledger_events.caveats({Booking}, landing, DAYS[0], LAST) == []


def test_days_that_were_worked_on_give_the_same_reminders_together_and_one_by_one(
    worked: psycopg.Connection, landing: Path
) -> None:
    rules = ruleset.load(worked)
    found, total = _counts(worked, rules, landing, DAYS[0], LAST)
    assert total.keys() == {"same"}
    assert {code for code, one in found["rules"].items() if one["same"]} >= {
        INFLOW, "R01.ACCOUNT_CLOSED", "R01.LARGE_CARD_SPEND", "R03.ARREARS", "R03.DOWNGRADE",
        "R01.FREQUENT_TRANSFERS_OUT", "R03.CARD_OVERDUE", "R03.KEY_DATA_CHANGED",
    }  # fmt: skip
    assert found["not_judged"].keys() == {"R05.LOBBY_ARRIVAL"}
    assert [one[:31] for one in found["assumed"]] == [
        "The delivered files hold statem",
        "The delivered files hold custom",
    ]
    for day in DAYS:
        assert _counts(worked, rules, landing, day, day)[1].keys() == {"same"}, day


def test_what_other_rules_would_change_is_counted_and_shown(
    worked: psycopg.Connection, landing: Path
) -> None:
    before = _counts(worked, ruleset.load(worked), landing, LAST, LAST)[0]["rules"][INFLOW]["same"]
    higher = _with_inflow_from(worked, "999999999.00")
    found = _counts(worked, higher, landing, LAST, LAST)[0]["rules"][INFLOW]
    assert {name: found[name] for name in replay.OUTCOMES} == {
        "same": 0, "changed": 0, "new": 0, "again": 0, "withdrawn": before,
    }  # fmt: skip
    assert found["examples"][0]["after"] is None
    lower = _with_inflow_from(worked, "100.00")
    found = _counts(worked, lower, landing, LAST, LAST)[0]["rules"][INFLOW]
    assert (found["same"], found["changed"], found["withdrawn"]) == (0, before, 0)
    assert found["new"] > 0
    example = found["examples"][0]
    assert example["outcome"] == "changed"
    assert example["before"]["threshold"] != example["after"]["threshold"] == "100.00"


def test_a_reminder_that_was_lost_is_new_and_one_that_was_withdrawn_stands_again(
    worked: psycopg.Connection, landing: Path
) -> None:
    rules = ruleset.load(worked)
    replayed = replay.judge(rules, landing, LAST, LAST, not_asked)
    lost, fallen = [one for one, firing in replayed.found.items()
                    if firing.rule.rule.code == INFLOW][:2]  # fmt: skip
    worked.execute("delete from alerting.reminders where reminder_id = %s", (lost,))
    worked.execute(
        "update alerting.reminders set state = 'withdrawn' where reminder_id = %s", (fallen,)
    )
    found = {one.reminder_id: one.outcome for one in replay.compare(worked, replayed)}
    assert (found[lost], found[fallen]) == ("new", "again")
    worked.rollback()


def test_a_reversal_that_is_delivered_later_counts(
    connection: psycopg.Connection, landing: Path, tmp_path: Path
) -> None:
    rules = ruleset.load(connection)
    large, firing = next((one, firing) for one, firing
                         in replay.judge(rules, landing, LAST, LAST, not_asked).found.items()
                         if firing.rule.rule.code == INFLOW)  # fmt: skip
    number = firing.outcome.facts["txn_id"]
    for folder in landing.glob("business_date=*"):
        (tmp_path / folder.name).symlink_to(folder)
    later = day_folder(tmp_path, LAST + timedelta(days=2))
    later.mkdir()
    duckdb.execute(
        f"copy (select * replace (txn_id + 900000000 as txn_id, booked_at + interval 2 day as"
        f" booked_at, 'debit' as direction, txn_id as reverses_txn_id)"
        f" from read_parquet('{landing}/business_date={LAST}/transactions.parquet',"
        f" hive_partitioning = false) where txn_id = {number})"
        f" to '{later}/transactions.parquet' (format parquet)"
    )
    file = TableFile(file="transactions.parquet", rows=1, sha256="0" * 64)
    day = LAST + timedelta(days=2)
    Manifest(business_date=day, source="test", tables={"transactions": file}).write(tmp_path)
    assert large not in replay.judge(rules, tmp_path, LAST, LAST, not_asked).found
    (inflow,) = (one for one in rules.rules if one.rule.code == INFLOW)
    same = {name: str(value) for name, value in inflow.parameters.values.items()}
    for files, fires in ((landing, True), (tmp_path, False)):
        tried = backtest.run(INFLOW, same, inflow, files, (LAST, LAST), find=not_asked)
        assert (large in tried.in_force, large in tried.proposed) == (fires, fires)


def test_the_command_tells_it_and_writes_nothing(
    worked: psycopg.Connection, landing: Path, alerting_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    monkeypatch.setenv("CRM_LANDING_DIR", str(landing))
    days = ("replay", "--from", str(LAST), "--to", str(LAST))
    told = _said(*days, "--dry-run")
    assert "nothing is written" in told
    assert "R05.LOBBY_ARRIVAL is not judged: no delivered file has queue tickets, and" in told
    assert "what was changed several times in a day is one event here" in told
    found = json.loads(_said(*days, "--dry-run", "--json"))
    assert found["rules"][INFLOW]["same"] > 0
    assert found["customers_without_type"] == 0
    assert not any("examples" in one for one in found["rules"].values())
    by = ("--by", "Chen", "--purpose", "audit")
    shown = json.loads(_said(*days, "--dry-run", "--json", *by))
    examples = [it for one in shown["rules"].values() for it in one["examples"]]
    kept = worked.execute("select subject_id, details from alerting.audit_log").fetchall()
    customers = sorted({it["customer_id"] for it in examples})
    assert kept == [(f"{LAST}/{LAST}", {"customers": customers})]
    with pytest.raises(UsageError, match="add --dry-run"):
        _said(*days)
    with pytest.raises(UsageError, match="ends before it begins"):
        _said("replay", "--from", str(LAST), "--to", "2026-06-01", "--dry-run")
    with pytest.raises(UsageError, match="CRM_LANDING_DIR"):
        _said("replay", "--from", "2019-01-01", "--to", "2019-01-02", "--dry-run")


def _said(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output
