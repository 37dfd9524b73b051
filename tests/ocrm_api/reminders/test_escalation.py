"""What nobody answers within its working hours goes to the head, once, and stays the owner's."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
import structlog

from crm_shared.clock import BANK_ZONE
from ocrm_api import scope, sessions
from ocrm_api.reminders import repository, stream
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank, make_app, running

Headers = Callable[..., dict[str, str]]

#: Priority 1: eight working hours, which are one day of the bank.
PRESSING = "R01.LARGE_OUTFLOW"


def at(text: str) -> datetime:
    """An instant on the bank's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=BANK_ZONE)


def waiting(of: Bank, since: str, customer_id: int = 4, rule: str = PRESSING, **more: Any) -> UUID:
    """A reminder that waits for its owner since then."""
    reminder = of.raise_reminder(customer_id, rule, bank.CUSTOMERS[customer_id][0])
    columns = {"waiting_since": at(since)} | more
    given = ", ".join(f"{name} = %s" for name in columns)
    of.execute(
        f"update ocrm.reminders set {given} where reminder_id = %s", *columns.values(), reminder
    )
    return reminder


async def escalated(api: Api, now: str) -> dict[UUID, str | None]:
    """Let time pass until then; every reminder that went up, and to whom."""
    while await api.app.state.timekeeper.turn(at(now)):
        pass
    rows = await asyncio.to_thread(
        api.bank.execute,
        "select reminder_id, escalated_to from ocrm.reminders where escalated_at is not null",
    )
    return dict(rows)


@pytest.mark.parametrize(
    ("since", "too_early", "in_time"),
    [
        ("2026-06-29T09:00", "2026-06-29T16:59", "2026-06-29T17:00"),
        ("2026-06-26T16:00", "2026-06-29T15:59", "2026-06-29T16:00"),
        ("2026-09-30T16:00", "2026-10-08T15:59", "2026-10-08T16:00"),
        ("2026-02-13T22:00", "2026-02-14T16:59", "2026-02-14T17:00"),
    ],
)
async def test_hours_are_counted_in_working_time(
    own_api: Api, own_bank: Bank, since: str, too_early: str, in_time: str
) -> None:
    """Over a night, a weekend, the National Day week, and on a Saturday that is worked."""
    reminder = waiting(own_bank, since)
    assert await escalated(own_api, too_early) == {}
    assert await escalated(own_api, in_time) == {reminder: "H1"}


async def test_only_what_is_unanswered_and_pressing_goes_to_the_nearest_head(
    own_api: Api, own_bank: Bank
) -> None:
    long_ago = "2026-05-06T09:00"
    mine, of_head = waiting(own_bank, long_ago), waiting(own_bank, long_ago, owner_id="H1")
    seen = waiting(own_bank, long_ago, status="seen")
    virtual = waiting(own_bank, long_ago, customer_id=8)
    others: tuple[dict[str, Any], ...] = (
        {"status": "acknowledged"},
        {"status": "snoozed", "snoozed_until_on": date(2030, 1, 1)},
        {"rule": "R04.BIRTHDAY"},
        {"rule": "R05.LOBBY_ARRIVAL"},
        {"branch_id": "-", "lead_branch_id": "-", "owner_id": None},
    )
    for more in others:
        waiting(own_bank, long_ago, **more)
    own_bank.execute(
        "insert into ocrm.parameters (code, legal_entity_id, effective_from, value)"
        " values ('reminder.escalation_hours', 'L2', '2026-01-01', 0)"
    )
    waiting(own_bank, long_ago, customer_id=9)
    assert await escalated(own_api, "2026-06-30T10:00") == {
        mine: "H1", seen: "H1", of_head: "HL", virtual: "H2",
    }  # fmt: skip


async def test_the_head_is_told_finds_it_and_takes_it_up(
    own_api: Api, own_bank: Bank, step: Headers
) -> None:
    reminder = waiting(own_bank, "2026-06-29T09:00")
    await escalated(own_api, "2026-06-30T10:00")
    (item,) = (await own_api.get("H1", "/v1/reminders?portfolio=escalated"))["items"]
    assert (item["reminder_id"], item["owner_id"], item["status"]) == (str(reminder), "M1", "new")
    assert (await own_api.get("HL", "/v1/reminders?portfolio=escalated"))["items"] == []
    assert (await own_api.get("M1", "/v1/reminders"))["items"][0]["escalated_to"] == "H1"
    told = own_bank.execute(
        "select owner_id, head_id from ocrm.reminder_events where kind = 'escalated'"
    )
    assert told == [("M1", "H1")]
    history = await own_api.get("H1", f"/v1/reminders/{reminder}/history")
    assert [(one["event"], one["head_id"]) for one in history["items"]] == [("escalated", "H1")]
    answer = await own_api.call(
        "H1", "POST", f"/v1/reminders/{reminder}:acknowledge", headers=step('"2"')
    )
    assert answer.json()["acknowledged_by"] == "H1"


@pytest.mark.parametrize(
    ("employee", "own_only", "times"),
    [("M1", True, 1), ("H1", True, 1), ("H1", False, 1), ("M1", False, 1), ("N1", True, 0)],
)
async def test_whoever_listens_is_told_once(
    own_api: Api, own_bank: Bank, employee: str, own_only: bool, times: int
) -> None:
    """The head of the branch listens to his own and to the branch's, which is both here."""
    waiting(own_bank, "2026-06-29T09:00")
    await escalated(own_api, "2026-06-30T10:00")
    database = own_api.app.state.database
    async with database.sessions() as session:
        viewer = await sessions.find(session, await own_api.token(employee), "reminders.read")
        assert viewer is not None
        reader = stream.Reader(viewer, "", own_only, "en")
        whole = await repository.every_branch(session)
        await scope.enter(session, viewer.scope)
        rows = await repository.events_after(
            session,
            viewer.scope,
            viewer.published_on,
            0,
            99,
            owner_id=employee if own_only else None,
            limit=99,
        )
        await scope.ensure(session, [whole])
        await scope.enter(session, whole)
        news = await repository.audiences(session, whole, 0, 99)
    assert [row["kind"] for row in rows].count("escalated") == times
    assert sum(reader.concerns()(one) for one in news if one.head_id) == times


async def test_it_goes_up_once_and_again_after_a_snooze(
    own_api: Api, own_bank: Bank, step: Headers
) -> None:
    reminder = waiting(own_bank, "2026-06-29T09:00")
    for _ in range(3):
        await escalated(own_api, "2026-06-30T10:00")
    count = "select count(*) from ocrm.audit_log where action = 'reminder.escalated'"
    assert own_bank.execute(count) == [(1,)]
    path = f"/v1/reminders/{reminder}"
    body = {"until_event": "new_reminder"}
    await own_api.call("M1", "POST", f"{path}:snooze", headers=step('"2"'), json=body)
    woken = await own_api.call("M1", "POST", f"{path}:wake", headers=step('"3"'))
    assert (woken.json()["escalated_at"], woken.json()["escalated_to"]) == (None, None)
    assert datetime.fromisoformat(woken.json()["waiting_since"]) > at("2026-06-29T09:00")
    own_bank.execute("update ocrm.reminders set waiting_since = '2026-06-29T09:00+08'")
    await escalated(own_api, "2026-06-30T10:00")
    assert own_bank.execute(count) == [(2,)]


async def test_several_processes_escalate_each_reminder_once(
    own_api: Api, own_bank: Bank, redis_url: str
) -> None:
    reminders = {waiting(own_bank, "2026-06-29T09:00") for _ in range(8)}
    async with running(make_app(own_bank, redis_url), own_bank) as second:
        now = "2026-06-30T10:00"
        await asyncio.gather(*(escalated(one, now) for one in (own_api, second, own_api, second)))
        assert set(await escalated(own_api, now)) == reminders
    assert own_bank.execute("select distinct version from ocrm.reminders") == [(2,)]
    noted = "select count(*) from ocrm.audit_log where action = 'reminder.escalated'"
    assert own_bank.execute(noted) == [(8,)]


async def test_a_year_without_its_holidays_is_said_once(own_api: Api, own_bank: Bank) -> None:
    reminder = waiting(own_bank, "2031-10-01T09:00")
    with structlog.testing.capture_logs() as logs:
        assert await escalated(own_api, "2031-10-01T17:00") == {reminder: "H1"}
    warnings = [one for one in logs if one["event"] == "holidays_unknown"]
    assert [one["year"] for one in warnings] == [2031]
    assert "2031.json" in warnings[0]["advice"]
