"""What time does to reminders: snoozed ones wake, old ones expire, once, whoever looks."""

import asyncio
import re
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import structlog

from crm_shared.clock import BANK_ZONE
from ocrm_api.reminders import routing, timekeeper
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank, make_app, running

MORNING = datetime(2026, 7, 1, 0, 0, 1, tzinfo=BANK_ZONE)


def statuses(of: Bank, *reminders: UUID) -> list[str]:
    """The states of reminders, in the order given."""
    rows = dict(of.execute("select reminder_id, status from ocrm.reminders"))
    return [rows[one] for one in reminders]


def snooze(of: Bank, reminder: UUID, until: date, event: str | None = None, **more: Any) -> None:
    """A snoozed reminder."""
    columns = {"status": "snoozed", "snoozed_until_on": until, "snoozed_until_event": event} | more
    given = ", ".join(f"{name} = %s" for name in columns)
    of.execute(
        f"update ocrm.reminders set {given} where reminder_id = %s", *columns.values(), reminder
    )


async def turns(api: Api, at: datetime = MORNING) -> int:
    """Let the timekeeper work until all is done; how many changed."""
    total = 0
    while changed := await api.app.state.timekeeper.turn(at):
        total += changed
    return total


async def faults(api: Api) -> float:
    """How often the timekeeper failed, by the metrics."""
    metrics = (await api.call(None, "GET", "/metrics")).text
    return float(metrics.partition("\nocrm_timekeeper_faults_total ")[2].partition("\n")[0])


async def no_longer(of: Bank, reminder: UUID, status: str) -> None:
    """Wait until a reminder has left a state."""
    async with asyncio.timeout(60):
        while statuses(of, reminder) == [status]:  # noqa: ASYNC110  another process does it
            await asyncio.sleep(0.05)


async def test_snoozed_reminders_wake_on_the_morning_of_their_day(
    own_api: Api, own_bank: Bank
) -> None:
    due, later, taken_up = (own_bank.raise_reminder(4) for _ in range(3))
    snooze(own_bank, due, date(2026, 7, 1))
    snooze(own_bank, later, date(2026, 7, 2))
    snooze(own_bank, taken_up, date(2026, 6, 30), acknowledged_at=MORNING, acknowledged_by="M1")
    assert await turns(own_api) == 2
    assert statuses(own_bank, due, later, taken_up) == ["new", "snoozed", "acknowledged"]
    history = (await own_api.get("M1", f"/v1/reminders/{due}/history"))["items"]
    assert [(one["employee_id"], one["from_status"], one["to_status"]) for one in history] == [
        (None, "snoozed", "new")
    ]
    assert await turns(own_api) == 0


async def test_reminders_expire_by_the_days_of_their_rule_and_legal_entity(
    own_api: Api, own_bank: Bank
) -> None:
    """The published day is 30 June; a maturity expires seven days after its due date."""
    due = [bank.DAY - timedelta(days=days) for days in (7, 8, 8, 8, 8)]
    kept, gone, taken_up, elsewhere, of_rule = (
        own_bank.raise_reminder(
            9 if number == 3 else 4,
            "R02.LOAN_MATURES" if number == 4 else "R02.DEPOSIT_MATURES",
            "B3" if number == 3 else "B1",
            due_on=day,
        )
        for number, day in enumerate(due)
    )
    own_bank.execute(
        "update ocrm.reminders set status = 'acknowledged' where reminder_id = %s", taken_up
    )
    own_bank.execute(
        "insert into ocrm.parameters (code, legal_entity_id, rule_code, effective_from, value)"
        " values ('reminder.expiry_days', 'L2', '*', '2026-01-01', 8),"
        "  ('reminder.expiry_days', '*', 'R02.LOAN_MATURES', '2026-01-01', 1),"
        "  ('reminder.expiry_days', '*', 'R02.LOAN_MATURES', '2026-06-01', 20)"
    )
    assert await turns(own_api) == 1
    assert statuses(own_bank, kept, gone, taken_up, elsewhere, of_rule) == [
        "new", "expired", "acknowledged", "new", "new",
    ]  # fmt: skip
    shown = await own_api.get("M1", f"/v1/reminders/{gone}")
    assert (shown["status_name"], shown["steps"]) == ("已过期", [])


async def test_a_reminder_without_a_due_date_expires_by_its_business_date(
    own_api: Api, own_bank: Bank
) -> None:
    old = own_bank.raise_reminder(4, business_date=bank.DAY - timedelta(days=31))
    recent = own_bank.raise_reminder(4, business_date=bank.DAY - timedelta(days=30))
    assert await turns(own_api) == 1
    assert statuses(own_bank, old, recent) == ["expired", "new"]


async def test_an_arrival_in_the_lobby_is_over_when_its_day_is_published(
    own_api: Api, own_bank: Bank
) -> None:
    arrival, after = "R05.LOBBY_ARRIVAL", bank.DAY + timedelta(days=1)
    published, since, other = (
        own_bank.raise_reminder(4, rule, business_date=day)
        for rule, day in ((arrival, bank.DAY), (arrival, after), ("R05.NEWLY_ASSIGNED", bank.DAY))
    )
    assert await turns(own_api) == 1
    assert statuses(own_bank, published, since, other) == ["expired", "new", "new"]


async def test_several_processes_change_each_reminder_once(
    own_api: Api, own_bank: Bank, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeper, "AT_ONCE", 3)
    reminders = [own_bank.raise_reminder(4) for _ in range(12)]
    for one in reminders:
        snooze(own_bank, one, date(2026, 7, 1))
    async with running(make_app(own_bank, redis_url), own_bank) as second:
        for _ in range(12):
            await asyncio.gather(turns(own_api), turns(second), turns(own_api))
    assert statuses(own_bank, *reminders) == ["new"] * 12
    assert own_bank.execute("select distinct version from ocrm.reminders") == [(2,)]
    told = own_bank.execute("select count(*) from ocrm.reminder_events where kind = 'woken'")
    assert told == [(12,)]


async def test_the_interface_keeps_time_by_itself(own_bank: Bank, redis_url: str) -> None:
    reminder = own_bank.raise_reminder(4)
    snooze(own_bank, reminder, date(2026, 7, 1))
    async with running(make_app(own_bank, redis_url, timekeeper_seconds=0.05), own_bank):
        await no_longer(own_bank, reminder, "snoozed")


async def test_a_timekeeper_that_fails_says_why_and_tries_again(
    own_bank: Bank, redis_url: str
) -> None:
    own_bank.execute("alter table ocrm.parameters rename column effective_from to hidden")
    own_bank.raise_reminder(4)
    app = make_app(own_bank, redis_url, timekeeper_seconds=0.05)
    with structlog.testing.capture_logs() as logs:
        async with running(app, own_bank) as api, asyncio.timeout(60):
            while not await faults(api):  # noqa: ASYNC110  the metrics have no event
                await asyncio.sleep(0.05)
    said = next(one for one in logs if one["event"] == "timekeeper_put_off")
    assert (said["sqlstate"], '"effective_from" does not exist' in said["message"]) == (
        "42703", True,
    )  # fmt: skip
    async with running(app, own_bank) as api:
        own_bank.execute("alter table ocrm.parameters rename column hidden to effective_from")
        old = own_bank.raise_reminder(4, business_date=date(2020, 1, 1))
        await no_longer(own_bank, old, "new")
        assert (await api.call(None, "GET", "/livez")).status_code == 200


@pytest.mark.parametrize(
    ("event", "rule", "wakes"),
    [
        ("new_reminder", "R04.BIRTHDAY", True),
        ("funds_movement", "R01.LARGE_OUTFLOW", True),
        ("funds_movement", "R04.BIRTHDAY", False),
        ("lobby_arrival", "R01.LARGE_OUTFLOW", False),
    ],
)
def test_news_of_the_customer_wakes_what_waits_for_it(
    shared_bank: Bank, event: str, rule: str, wakes: bool
) -> None:
    waiting, of_another = shared_bank.raise_reminder(5), shared_bank.raise_reminder(6)
    for one in (waiting, of_another):
        snooze(shared_bank, one, date(2026, 7, 20), event)
    shared_bank.raise_reminder(5, rule, subject=f"customer:5:{uuid4()}")
    assert statuses(shared_bank, waiting, of_another) == [
        "new" if wakes else "snoozed", "snoozed",
    ]  # fmt: skip


def test_what_expires_is_found_by_an_index_also_under_row_level_security(
    shared_bank: Bank,
) -> None:
    statement = re.sub(r"(?<!:):(\w+)", r"%(\1)s", timekeeper._EXPIRE.text)
    limits = [
        {"rule": rule, "value": 7, "branches": ["B1"], "of_these": of_these}
        for rule in ("R04.BIRTHDAY", "R01.LARGE_INFLOW")
        for of_these in (True, False)
    ]
    given = timekeeper._given(limits, lambda _: bank.DAY)
    with psycopg.connect(shared_bank.database.ocrm_app) as opened:
        routing.current(opened, None)
        opened.execute(routing.IN_ORDER)
        opened.execute("set local enable_seqscan = off")
        plan = opened.execute(f"explain {statement}".encode(), given).fetchall()
    found = [line for (line,) in plan if "Index Cond: ((rule_code" in line]
    assert found and "CASE WHEN" in found[0], plan
