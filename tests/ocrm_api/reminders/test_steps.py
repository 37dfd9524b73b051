"""The steps of a reminder's life through the interface: one by one, and many at a time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from crm_shared.clock import bank_date, now
from crm_shared.reminder_rules import RULES
from tests.ocrm_api.conftest import Api, Bank

Headers = Callable[..., dict[str, str]]
TODAY = bank_date(now())


async def take(
    api: Api, reminder: UUID, step: str, headers: dict[str, str], **body: Any
) -> httpx.Response:
    """A step of M1."""
    path = f"/v1/reminders/{reminder}:{step}"
    return await api.call("M1", "POST", path, headers=headers, json=body or None)


async def batch(
    api: Api, items: list[tuple[UUID, str]], key: str | None = None, **action: Any
) -> httpx.Response:
    """One step of M1 for many."""
    body = {
        "action": action,
        "items": [{"reminder_id": str(found), "etag": etag} for found, etag in items],
    }
    headers = {"Idempotency-Key": key or uuid4().hex}
    return await api.call("M1", "POST", "/v1/reminders:batch", headers=headers, json=body)


async def test_a_life_is_told_with_who_when_from_and_to(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    reminder = shared_bank.raise_reminder(1)
    etag = '"1"'
    for name, body in (
        ("see", {}),
        ("snooze", {"until_on": str(TODAY + timedelta(days=3))}),
        ("wake", {}),
        ("acknowledge", {}),
        ("snooze", {"until_event": "new_reminder"}),
        ("wake", {}),
        ("done", {"outcome_code": "sold"}),
    ):
        answer = await take(api, reminder, name, step(etag), **body)
        assert answer.status_code == 200, answer.text
        etag = answer.headers["ETag"]
    assert (answer.json()["outcome_name"], answer.json()["steps"]) == ("已办理业务", [])
    history = (await api.get("M1", f"/v1/reminders/{reminder}/history"))["items"]
    assert {one["employee_id"] for one in history} == {"M1"}
    assert [(one["event"], one["from_status"], one["to_status"]) for one in history] == [
        ("seen", "new", "seen"),
        ("snoozed", "seen", "snoozed"),
        ("woken", "snoozed", "new"),
        ("acknowledged", "new", "acknowledged"),
        ("snoozed", "acknowledged", "snoozed"),
        ("woken", "snoozed", "acknowledged"),
        ("done", "acknowledged", "done"),
    ]
    assert [one["version"] for one in history] == list(range(2, 9))
    told = shared_bank.execute(
        "select kind from ocrm.reminder_events where reminder_id = %s order by sequence", reminder
    )
    assert [kind for (kind,) in told] == ["raised", *(one["event"] for one in history)]


async def test_who_does_something_with_a_reminder_has_seen_it(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    for name, at, body in (
        ("acknowledge", "acknowledged_at", {}),
        ("snooze", "snoozed_at", {"until_event": "new_reminder"}),
        ("done", "done_at", {"outcome_code": "sold"}),
    ):
        item = (await take(api, shared_bank.raise_reminder(1), name, step(), **body)).json()
        assert (item["seen_by"], item["seen_at"]) == ("M1", item[at])


async def test_a_history_is_in_the_order_of_the_versions(api: Api, shared_bank: Bank) -> None:
    reminder = shared_bank.raise_reminder(1)
    note = (
        "insert into ocrm.audit_log (action, subject_type, subject_id, details, request_id)"
        " values ('reminder.changed', 'reminder', %s, jsonb_build_object('version', %s::int), 'x')"
    )
    with psycopg.connect(shared_bank.database.ocrm_app) as began_first:
        began_first.execute("select 1")
        shared_bank.execute(note, str(reminder), 2)
        began_first.execute(note, (str(reminder), 3))
    history = (await api.get("M1", f"/v1/reminders/{reminder}/history"))["items"]
    assert [one["version"] for one in history] == [2, 3]
    assert history[1]["occurred_at"] < history[0]["occurred_at"]


async def test_a_history_is_within_the_scope(api: Api, shared_bank: Bank) -> None:
    reminder = shared_bank.raise_reminder(9, branch_id="B3")
    assert (await api.call("M1", "GET", f"/v1/reminders/{reminder}/history")).status_code == 404


async def test_a_snooze_ends_on_a_day_that_may_be_chosen(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    reminder = shared_bank.raise_reminder(1)
    last = TODAY + timedelta(days=30)
    for until, expected in (
        ({"until_on": None}, (422, "invalid_request")),
        ({"until_event": "full_moon"}, (422, "invalid_request")),
        ({"until_on": str(TODAY)}, (422, "snooze_too_long")),
        ({"until_on": str(last + timedelta(days=1))}, (422, "snooze_too_long")),
        ({"until_on": str(last)}, (200, None)),
    ):
        answer = await take(api, reminder, "snooze", step(), **until)
        assert (answer.status_code, answer.json().get("code")) == expected


async def test_a_legal_entity_has_its_own_longest_snooze(
    own_api: Api, own_bank: Bank, step: Headers
) -> None:
    own_bank.execute(
        "insert into ocrm.parameters (code, legal_entity_id, effective_from, value)"
        " values ('reminder.snooze_max_days', 'L1', '2026-01-01', 5),"
        " ('reminder.snooze_max_days', 'L2', '2026-01-01', 9)"
    )
    here = own_bank.raise_reminder(1)
    there = own_bank.raise_reminder(3, "R01.LARGE_INFLOW", "B1")
    own_bank.execute("update ocrm.reminders set owner_id = 'M1' where reminder_id = %s", there)
    wanted = {"step": "snooze", "until_on": str(TODAY + timedelta(days=7))}
    for _ in range(2):
        both = (
            await batch(own_api, [(here, '"1"'), (there, '"1"')], "both-the-same-twice", **wanted)
        ).json()
        refused, snoozed = both["items"]
        assert (refused["problem"]["code"], snoozed["changed"]) == ("snooze_too_long", True)
        assert str(TODAY + timedelta(days=5)) in refused["problem"]["detail"]
    answer = await take(own_api, here, "snooze", step(), until_event="lobby_arrival")
    assert answer.json()["snoozed_until_on"] == str(TODAY + timedelta(days=5))


async def test_what_is_snoozed_until_an_event_comes_back_by_itself_at_the_latest(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    reminder = shared_bank.raise_reminder(1)
    answer = await take(api, reminder, "snooze", step(), until_event="lobby_arrival")
    assert answer.json()["snoozed_until_on"] == str(TODAY + timedelta(days=30))
    listed = await api.get("M1", "/v1/reminders", params={"limit": 200})
    assert str(reminder) not in {one["reminder_id"] for one in listed["items"]}
    snoozed = await api.get("M1", "/v1/reminders", params={"limit": 200, "status": "snoozed"})
    assert str(reminder) in {one["reminder_id"] for one in snoozed["items"]}


async def test_forty_reminders_are_taken_up_in_one_call_and_each_says_what_became_of_it(
    own_api: Api, own_bank: Bank, step: Headers
) -> None:
    mine = [own_bank.raise_reminder(1) for _ in range(37)]
    finished, another = own_bank.raise_reminder(1), own_bank.raise_reminder(2)
    hidden = own_bank.raise_reminder(9, branch_id="B3")
    await take(own_api, finished, "done", step(), outcome_code="other")
    stale = mine.pop()
    items = [(one, '"1"') for one in [*mine, another, hidden]]
    items += [(stale, '"7"'), (finished, '"2"')]
    answer = await batch(own_api, items, step="acknowledge")
    body = answer.json()
    assert (answer.status_code, body["changed"], body["refused"]) == (200, 36, 4)
    assert [UUID(one["reminder_id"]) for one in body["items"]] == [found for found, _ in items]
    assert all(one["reminder"]["status"] == "acknowledged" for one in body["items"][:36])
    assert [one["problem"]["code"] for one in body["items"][36:]] == [
        "reminder_of_another", "not_found", "precondition_failed", "reminder_not_open",
    ]  # fmt: skip
    assert body["items"][37]["reminder"] is None
    events = own_bank.execute(
        "select count(*) from ocrm.reminder_events where kind = 'acknowledged'"
    )
    audited = own_bank.execute(
        "select count(*) from ocrm.audit_log where action = 'reminder.acknowledged'"
    )
    assert (events, audited) == ([(36,)], [(36,)])


async def test_a_repeated_batch_acts_no_second_time_and_says_the_same(
    api: Api, shared_bank: Bank
) -> None:
    items = [(shared_bank.raise_reminder(1), '"1"'), (shared_bank.raise_reminder(1), '"3"')]
    key = uuid4().hex
    given = {"step": "done", "outcome_code": "resolved", "note": "一并处理"}
    first = await batch(api, items, key, **given)
    second = await batch(api, items, key, **given)
    assert second.headers["Idempotent-Replay"] == "true"
    assert first.json() == second.json()
    assert first.json()["items"][0]["reminder"]["note"] == "一并处理"
    assert first.json()["items"][1]["problem"]["code"] == "precondition_failed"
    other = await batch(api, items, key, step="acknowledge")
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    "change",
    [
        {"items": []},
        {"items": [{"reminder_id": str(UUID(int=1)), "etag": '"1"'}] * 2},
        {"items": [{"reminder_id": str(UUID(int=1))}]},
        {"action": {"step": "withdraw"}},
        {"action": {"step": "done"}},
        {"action": {"step": "snooze"}},
        {"items": [{"reminder_id": str(UUID(int=one)), "etag": '"1"'} for one in range(201)]},
    ],
)
async def test_a_batch_that_makes_no_sense_is_refused(api: Api, change: dict[str, Any]) -> None:
    body = {
        "action": {"step": "see"},
        "items": [{"reminder_id": str(UUID(int=1)), "etag": '"1"'}],
    } | change
    headers = {"Idempotency-Key": uuid4().hex}
    answer = await api.call("M1", "POST", "/v1/reminders:batch", headers=headers, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_codes_have_names_in_both_languages(api: Api) -> None:
    codes = await api.get("M1", "/v1/reminders/codes", headers={"Accept-Language": "en"})
    assert {one["code"] for one in codes["rules"]} == set(RULES)
    outcome = next(one for one in codes["outcomes"] if one["code"] == "not_relevant")
    assert outcome == {
        "code": "not_relevant", "name": "The reminder was of no use",
        "name_zh": "提醒无价值", "name_en": "The reminder was of no use", "useful": False,
    }  # fmt: skip
    for kind in ("statuses", "outcomes", "waking_events", "rules"):
        assert all(one["name_zh"] and one["name_en"] for one in codes[kind])
