"""A proposal is tried on delivered days by the functions that judge live events."""

import json
import re
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from typer.testing import CliRunner

from alerting import backtest, cli_history, drafts, history, ledger, ruleset
from alerting.cli import app
from alerting.decoding import Refused, decode
from alerting.drafts import DraftRefusedError
from alerting.events import Booking, Canary, CardBooking, Event, Ticket
from alerting.parameters import ParametersRefusedError
from alerting.rules import RULES
from alerting.ruleset import RuleInForce
from alerting.settings import AlertingSettings
from crm_shared.errors import ContractError, NotReadyError, UsageError
from tests.alerting.batches import LATER, not_asked, record

replay = pytest.importorskip("bank_simulator.replay")

FIRST, LAST = date(2026, 6, 15), date(2026, 7, 1)
INFLOW = "R01.LARGE_INFLOW"
FREQUENT = "R01.FREQUENT_TRANSFERS_OUT"
SPEND = "R01.LARGE_CARD_SPEND"


@pytest.fixture
def in_force(connection: psycopg.Connection) -> dict[str, RuleInForce]:
    return {one.rule.code: one for one in ruleset.load(connection).rules}


def _unpublished(customers: Collection[int]) -> None:
    """Nothing says who leads a customer."""


def _told(landing: Path, day: date) -> list[Event]:
    """What the stream would see of that day."""
    decoded = [
        decode(record(0, message.body.encode()), LATER) for message in replay.messages(landing, day)
    ]
    return [one for one in decoded if not isinstance(one, Refused | Canary)]


def test_the_ledger_gives_the_events_that_the_stream_saw(landing: Path) -> None:
    told = {one.event_id: one for one in _told(landing, LAST)}
    bookings = [*ledger.bookings(landing, LAST, LAST), *ledger.card_bookings(landing, LAST, LAST)]
    assert {one.event_id: one for one in bookings} == {
        event_id: one for event_id, one in told.items() if isinstance(one, Booking | CardBooking)
    }
    assert {type(one) for one in bookings} == {Booking, CardBooking}


@pytest.mark.parametrize("code", [INFLOW, "R01.LARGE_OUTFLOW", SPEND])
def test_the_values_in_force_give_what_the_stream_raises(
    landing: Path, in_force: dict[str, RuleInForce], code: str
) -> None:
    same = {name: str(value) for name, value in in_force[code].parameters.values.items()}
    found = backtest.run(code, same, in_force[code], landing, (LAST, LAST), find=not_asked)
    raised = history.reminders_of(
        _told(landing, LAST), ruleset.ruleset_of([(code, 1, same)]), not_asked
    )
    assert found.proposed.keys() == found.in_force.keys() == raised.keys()
    assert found.summary(_unpublished)["by_day"] == {str(LAST): len(raised)}


@pytest.mark.parametrize(
    "code",
    sorted(
        code for code, one in RULES.items() if not one.parameter_codes and one.judges is not Ticket
    ),
)
def test_a_rule_without_parameters_is_tried_as_it_is(
    landing: Path, in_force: dict[str, RuleInForce], code: str
) -> None:
    days = [LAST - timedelta(days=back) for back in range(10)]
    found = backtest.run(code, {}, in_force[code], landing, (days[-1], LAST), find=not_asked)
    told = [one for day in days for one in _told(landing, day)]
    raised = history.reminders_of(told, ruleset.ruleset_of([(code, 1, {})]), not_asked)
    assert found.proposed.keys() == found.in_force.keys() == raised.keys()
    assert found.events == sum(type(one) is in_force[code].rule.judges for one in told)
    assert found.events >= len(raised) > 0


def test_a_lower_threshold_says_what_is_new(
    landing: Path, in_force: dict[str, RuleInForce]
) -> None:
    lower = {"movement.individual_min_amount": "1000", "movement.business_min_amount": "1000"}
    found = backtest.run(INFLOW, lower, in_force[INFLOW], landing, (FIRST, LAST), find=not_asked)
    summary = found.summary(_unpublished)
    assert summary["proposed"] > summary["in_force"]
    assert summary["only_in_force"] == 0
    assert summary["only_proposed"] == summary["proposed"] - summary["in_force"]
    assert sum(summary["by_day"].values()) == sum(summary["by_branch"].values())
    assert 1 <= len(summary["sample"]) <= 5
    assert all(float(one["value"]) >= 1000 for one in summary["sample"])
    assert {one["change"] for one in summary["sample"]} == {"new"}


def test_a_window_reaches_back_before_the_first_day(
    landing: Path, in_force: dict[str, RuleInForce]
) -> None:
    longer = {"frequent_transfers.min_count": "2", "frequent_transfers.window_hours": "240"}
    alone = backtest.run(
        FREQUENT, longer, in_force[FREQUENT], landing, (LAST, LAST), find=not_asked
    )
    whole = backtest.run(
        FREQUENT, longer, in_force[FREQUENT], landing, (FIRST, LAST), find=not_asked
    )
    day = str(LAST)
    assert (
        alone.summary(_unpublished)["by_day"].get(day, 0)
        == whole.summary(_unpublished)["by_day"].get(day, 0)
        > 0
    )


def test_what_cannot_be_tried_says_what_to_do(
    landing: Path, in_force: dict[str, RuleInForce], tmp_path: Path
) -> None:
    amounts = {"movement.individual_min_amount": "1", "movement.business_min_amount": "1"}
    inflow = in_force[INFLOW]
    with pytest.raises(UsageError, match="ends before it begins"):
        backtest.run(INFLOW, amounts, inflow, landing, (LAST, FIRST), find=not_asked)
    lobby = in_force["R05.LOBBY_ARRIVAL"]
    with pytest.raises(UsageError, match=r"no delivered file has queue tickets.*`alerting why"):
        backtest.run(lobby.rule.code, {}, lobby, landing, (FIRST, LAST), find=not_asked)
    with pytest.raises(UsageError, match="--landing or CRM_LANDING_DIR"):
        backtest.run(INFLOW, amounts, inflow, tmp_path, (FIRST, LAST), find=not_asked)
    (tmp_path / f"business_date={LAST}").mkdir()
    with pytest.raises(NotReadyError, match="has not arrived"):
        backtest.run(INFLOW, amounts, inflow, tmp_path, (LAST, LAST), find=not_asked)


def test_customers_of_no_known_type_are_counted(landing: Path, tmp_path: Path) -> None:
    without = "select * replace (null::varchar as customer_type) from $file"
    _copied(landing, tmp_path, "customers", without)
    assert ledger.customers_without_type(landing, LAST, LAST) == 0
    number = ledger.customers_without_type(tmp_path, LAST, LAST)
    assert number == len({one.customer_id for one in ledger.bookings(tmp_path, LAST, LAST)})
    told = cli_history.without_type({"customers_without_type": number})
    assert told[0].startswith(f"{number} customers who booked have no type")


def test_a_damaged_file_is_named(landing: Path, tmp_path: Path) -> None:
    folder = tmp_path / f"business_date={LAST}"
    folder.mkdir()
    source = landing / folder.name
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "transactions.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(ContractError, match=re.escape("deliver those days again")):
        list(ledger.bookings(tmp_path, LAST, LAST))


def test_a_draft_is_tried_before_it_is_approved(
    landing: Path,
    alerting_url: str,
    connection: psycopg.Connection,
    settings: AlertingSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    monkeypatch.setenv("CRM_LANDING_DIR", str(landing))
    changes = {"movement.individual_min_amount": "1000.00"}
    number = drafts.draft(connection, INFLOW, changes, maker="Lin", reason="try", settings=settings)
    with pytest.raises(DraftRefusedError, match=f"--draft {number}"):
        drafts.approve(connection, number, checker="Chen", at=None, settings=settings)
    days = ["--from", str(FIRST), "--to", str(LAST)]
    tried = _said("backtest", INFLOW, "--draft", str(number), *days)
    assert "reminders as proposed" in tried
    assert "--by and --purpose" in tried
    assert "most by manager: not known: acrm-batch has published nobody" in tried
    assert "for instance: customer" not in tried
    assert f"{FIRST} to {LAST}, " in _said("rules", "drafts")
    drafts.approve(connection, number, checker="Chen", at=None, settings=settings)
    assert f"{FIRST} to {LAST}, " in _said("rules", "show", INFLOW)
    again = _said("backtest", INFLOW, "movement.individual_min_amount=2000", *days, "--json")
    found: dict[str, Any] = json.loads(again)
    assert found["in_force"] > found["proposed"]
    assert found["customers_without_type"] == 0
    assert found["by_manager"] is None
    assert "sample" not in found
    by = ("--by", "Chen", "--purpose", "operations")
    fewer = _said("backtest", INFLOW, "movement.individual_min_amount=500", *days, "--json", *by)
    sample = json.loads(fewer)["sample"]
    kept = "select said_by, action, subject_id, purpose, details from alerting.audit_log"
    shown = {"customers": [one["customer_id"] for one in sample]}
    assert connection.execute(kept).fetchall() == [
        ("Chen", "backtest.sample", INFLOW, "operations", shown)
    ]
    higher = _said("backtest", INFLOW, "movement.individual_min_amount=2000", *days, *by)
    assert "no longer, for instance: customer" in higher
    with pytest.raises(UsageError, match="say who asks"):
        _said("backtest", INFLOW, "movement.individual_min_amount=500", *days, "--by", "Chen")
    with pytest.raises(UsageError, match="Say what to try"):
        _said("backtest", INFLOW, *days)
    overdue = _said("backtest", "R03.CARD_OVERDUE", *days)
    assert "statements as they stood at the end of days" in overdue
    assert " 0 new, 0 no longer." in overdue
    with pytest.raises(ParametersRefusedError, match="individual_min_amuont"):
        _said("backtest", INFLOW, "movement.individual_min_amuont=2000", *days)
    row = connection.execute("select backtest from alerting.rule_drafts").fetchone()
    assert row is not None
    assert row[0]["proposed"] > 0
    assert "sample" not in row[0]
    with pytest.raises(UsageError, match="is not a date"):
        _said("backtest", INFLOW, "a=1", "--from", "yesterday", "--to", str(LAST))


def test_a_draft_that_was_tried_on_no_event_is_not_approved(
    *,
    landing: Path,
    alerting_url: str,
    connection: psycopg.Connection,
    settings: AlertingSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    before = LAST - timedelta(days=1)
    (tmp_path / f"business_date={before}").symlink_to(landing / f"business_date={before}")
    _copied(landing, tmp_path, "transactions", "select * from $file where false")
    changes = {"frequent_transfers.window_hours": "48.0"}
    number = drafts.draft(
        connection, FREQUENT, changes, maker="Lin", reason="try", settings=settings
    )
    words = ["backtest", FREQUENT, "--draft", str(number), "--to", str(LAST)]
    tried = _said(*words, "--from", str(LAST), "--landing", str(tmp_path))
    assert f"{FREQUENT} on 0 events" in tried, "what the window reaches back to is of no account"
    assert "nothing was tried: choose days with events" in tried
    with pytest.raises(DraftRefusedError, match=f"{LAST} to {LAST} have none for {FREQUENT}"):
        drafts.approve(connection, number, checker="Chen", at=None, settings=settings)
    _said(*words, "--from", str(LAST), "--landing", str(landing))
    made = drafts.approve(connection, number, checker="Chen", at=None, settings=settings)
    assert made.version == 2


def _copied(landing: Path, to: Path, table: str, rows: str) -> None:
    """The last delivered day, in which a table is what `rows` selects from its `$file`."""
    folder = to / f"business_date={LAST}"
    folder.mkdir()
    for file in (landing / folder.name).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    file = folder / f"{table}.parquet"
    duckdb.execute(
        f"copy ({rows.replace('$file', repr(str(file)))}) to '{file}.new' (format parquet)"
    )
    Path(f"{file}.new").rename(file)


def _said(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output
