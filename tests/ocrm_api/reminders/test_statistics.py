"""How useful each rule is, within the reader's scope."""

from datetime import date
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine

from crm_shared.clock import now
from ocrm_api.reminders import routing, statistics
from ocrm_api.scope import scope_of
from tests.ocrm_api.conftest import Api, Bank

PATH = "/v1/reminders/statistics"
EMPTY = {
    "interested": 0, "sold": 0, "resolved": 0, "not_interested": 0, "not_reached": 0,
    "not_relevant": 0, "other": 0,
}  # fmt: skip


def become(of: Bank, customer_id: int, branch: str, **columns: Any) -> None:
    """A reminder of a deposit that matures, and what became of it."""
    reminder = of.raise_reminder(customer_id, "R02.DEPOSIT_MATURES", branch)
    given = "".join(f", {name} = %s" for name in columns)
    of.execute(
        f"update ocrm.reminders set received_at = '2026-06-30T09:00+08'{given}"
        " where reminder_id = %s", *columns.values(), reminder,
    )  # fmt: skip


def done(outcome: str) -> dict[str, Any]:
    """Columns of a finished one."""
    return {"status": "done", "done_at": now(), "outcome_code": outcome}


@pytest.fixture
def handled(own_bank: Bank) -> Bank:
    """Seven reminders that B1 leads, one of B2, and one of another rule."""
    for minute, outcome in (("05", "sold"), ("10", "interested"), ("40", "not_relevant")):
        at = f"2026-06-30T09:{minute}+08"
        become(own_bank, 4, "B1", acknowledged_at=at, seen_at=at, **done(outcome))
    become(own_bank, 4, "B1", **done("not_reached"))
    become(own_bank, 4, "B1", status="withdrawn")
    become(own_bank, 4, "B1", status="expired", seen_at=now())
    become(own_bank, 1, "B2")
    become(own_bank, 2, "B1", **done("not_relevant"))
    own_bank.raise_reminder(4)
    return own_bank


async def test_a_rule_is_measured_by_what_became_of_its_reminders(
    own_api: Api, handled: Bank
) -> None:
    inflow, deposits = (await own_api.get("M1", PATH))["items"]
    assert (inflow["rule_code"], inflow["raised"], inflow["live"]) == ("R01.LARGE_INFLOW", 1, 1)
    assert (inflow["useful_share"], inflow["median_seconds_to_acknowledge"]) == (None, None)
    assert deposits == {
        "rule_code": "R02.DEPOSIT_MATURES", "rule_name": "定期存款到期", "branch_id": None,
        "raised": 7, "seen": 4, "acknowledged": 3, "live": 1, "done": 4, "withdrawn": 1,
        "expired": 1,
        "outcomes": EMPTY | {"sold": 1, "interested": 1, "not_relevant": 1, "not_reached": 1},
        "useful_share": 0.6667, "median_seconds_to_acknowledge": 600,
    }  # fmt: skip


async def test_statistics_are_by_branch_and_within_the_scope(own_api: Api, handled: Bank) -> None:
    for employee, expected in (
        ("M1", [("B1", 7)]), ("H2", [("B2", 1)]), ("HL", [("B1", 7), ("B2", 1)]), ("H3", []),
    ):  # fmt: skip
        items = (await own_api.get(employee, PATH, params={"by": "branch"}))["items"]
        of_rule = [one for one in items if one["rule_code"] == "R02.DEPOSIT_MATURES"]
        assert [(one["branch_id"], one["raised"]) for one in of_rule] == expected


def test_the_statistics_of_a_period_are_found_by_an_index(shared_bank: Bank) -> None:
    shared_bank.raise_reminder(4)
    shared_bank.execute(
        "insert into ocrm.reminders select (jsonb_populate_record(r, jsonb_build_object("
        " 'reminder_id', gen_random_uuid(), 'lead_branch_id', 'B' || number % 50,"
        " 'raised_at', timestamptz '2026-01-01' + number * interval '10 minutes'))).*"
        " from ocrm.reminders r, generate_series(1, 20000) number"
    )
    shared_bank.execute("analyze ocrm.reminders")
    query = statistics.of_period(scope_of(["B1"]), date(2026, 3, 1), date(2026, 3, 3), "rule")
    engine = create_engine("postgresql+psycopg://")
    statement = query.compile(engine, compile_kwargs={"literal_binds": True})
    with psycopg.connect(shared_bank.database.ocrm_app) as opened:
        routing.current(opened, None)
        plan = opened.execute(f"explain {statement}".encode()).fetchall()
    assert any("reminders_raised" in line for (line,) in plan), plan


async def test_a_period_has_both_its_days_and_at_most_a_year(own_api: Api, handled: Bank) -> None:
    day = date(2026, 3, 1)
    handled.execute("update ocrm.reminders set raised_at = '2026-03-01T23:59:59+08'")
    for first, last, found in (
        ("2026-03-01", "2026-03-01", 2), ("2026-02-01", "2026-02-28", 0),
        ("2026-03-02", "2026-03-09", 0), ("2025-03-02", str(day), 2),
    ):  # fmt: skip
        params = {"raised_on.gte": first, "raised_on.lte": last}
        assert len((await own_api.get("M1", PATH, params=params))["items"]) == found
    for first, last in (("2026-03-02", "2026-03-01"), ("2025-02-27", "2026-03-01")):
        params = {"raised_on.gte": first, "raised_on.lte": last}
        answer = await own_api.call("M1", "GET", PATH, params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, "period_too_long")
