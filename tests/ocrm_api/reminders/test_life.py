"""A reminder's life: seen by the right people, taken up, done, once."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank

Headers = Callable[..., dict[str, str]]


async def owned(api: Api, employee: str, **params: Any) -> set[str]:
    """The ids of a list."""
    body = await api.get(employee, "/v1/reminders", params={"limit": 200, **params})
    return {item["reminder_id"] for item in body["items"]}


async def test_the_lead_manager_receives_what_happened_at_any_branch(
    api: Api, shared_bank: Bank
) -> None:
    reminder = str(shared_bank.raise_reminder(1, branch_id="B2"))
    assert reminder in await owned(api, "M1")
    assert reminder not in await owned(api, "M2")


async def test_the_branch_whose_business_it_is_sees_it_too_others_do_not(
    api: Api, shared_bank: Bank
) -> None:
    reminder = str(shared_bank.raise_reminder(3, branch_id="B2"))
    assert reminder in await owned(api, "H3", portfolio="branch")
    assert reminder in await owned(api, "H2", portfolio="branch")
    assert reminder not in await owned(api, "H1", portfolio="branch")
    assert (await api.call("M1", "GET", f"/v1/reminders/{reminder}")).status_code == 404


async def test_a_fact_about_all_branches_belongs_to_the_lead_alone(
    api: Api, shared_bank: Bank
) -> None:
    reminder = str(shared_bank.raise_reminder(3, "R01.FREQUENT_TRANSFERS_OUT", "B2"))
    assert reminder in await owned(api, "M3")
    assert reminder not in await owned(api, "H2", portfolio="branch")


async def test_texts_are_in_the_reader_s_language(api: Api, shared_bank: Bank) -> None:
    reminder = shared_bank.raise_reminder(1)
    in_chinese = await api.get("M1", f"/v1/reminders/{reminder}")
    in_english = await api.get(
        "M1", f"/v1/reminders/{reminder}", headers={"Accept-Language": "en-GB, zh;q=0.5"}
    )
    assert in_chinese["title"] == "大额资金流入"
    assert "600,000.00 元" in in_chinese["text"]
    assert in_english["title"] == "Large inflow"
    assert in_english["text"].startswith("600,000.00 CNY came in")
    assert in_english["customer_name"] == "王丽"


async def test_a_reminder_is_acknowledged_then_done(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    path = f"/v1/reminders/{shared_bank.raise_reminder(1)}"
    first = await api.call("M1", "POST", f"{path}:acknowledge", headers=step())
    assert (first.status_code, first.json()["status"]) == (200, "acknowledged")
    assert first.json()["acknowledged_by"] == "M1"
    body = {"outcome_code": "interested", "note": "约定周五面谈"}
    second = await api.call(
        "M1", "POST", f"{path}:done", headers=step(first.headers["ETag"]), json=body
    )
    assert (second.json()["status"], second.json()["outcome_code"]) == ("done", "interested")
    again = await api.call(
        "M1", "POST", f"{path}:done", headers=step(second.headers["ETag"]), json=body
    )
    assert (again.status_code, again.json()["code"]) == (409, "reminder_not_open")


async def test_a_change_needs_the_version_it_was_decided_on(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    path = f"/v1/reminders/{shared_bank.raise_reminder(1)}:acknowledge"
    without = await api.call("M1", "POST", path, headers={"Idempotency-Key": uuid4().hex})
    assert (without.status_code, without.json()["code"]) == (428, "precondition_missing")
    stale = await api.call("M1", "POST", path, headers=step('"7"'))
    assert (stale.status_code, stale.headers["ETag"]) == (412, '"1"')


@pytest.mark.parametrize("employee", ["M2", "H2", "N1"])
async def test_who_sees_a_reminder_of_another_reads_but_does_not_handle_it(
    api: Api, shared_bank: Bank, step: Headers, employee: str
) -> None:
    path = f"/v1/reminders/{shared_bank.raise_reminder(1, branch_id='B2')}"
    assert (await api.call(employee, "GET", path)).status_code == 200
    for action, body in (("acknowledge", None), ("done", {"outcome_code": "other"})):
        answer = await api.call(employee, "POST", f"{path}:{action}", headers=step(), json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "reminder_of_another")
    assert (await api.get("M1", path))["status"] == "new"


@pytest.mark.parametrize(
    ("customer_id", "employee"),
    [(1, "M1"), (1, "H1"), (1, "HL"), (8, "M2"), (8, "MX"), (8, "H2"), (3, "H3")],
)
async def test_owner_head_of_the_lead_and_colleagues_of_a_virtual_owner_handle_it(
    api: Api, shared_bank: Bank, step: Headers, customer_id: int, employee: str
) -> None:
    reminder = shared_bank.raise_reminder(customer_id, branch_id=bank.CUSTOMERS[customer_id][0])
    answer = await api.call(
        employee, "POST", f"/v1/reminders/{reminder}:acknowledge", headers=step()
    )
    assert (answer.status_code, answer.json().get("acknowledged_by")) == (200, employee)


async def test_a_repetition_is_within_the_scope_of_now(
    own_api: Api, own_bank: Bank, step: Headers
) -> None:
    reminder = own_bank.raise_reminder(1)
    path, headers = f"/v1/reminders/{reminder}:acknowledge", step()
    assert (await own_api.call("M1", "POST", path, headers=headers)).status_code == 200
    own_bank.execute(
        "update ocrm.reminders set lead_branch_id = 'B3', branch_id = 'B3', owner_id = 'M3'"
    )
    assert (await own_api.call("M1", "POST", path, headers=headers)).status_code == 404


async def test_an_idempotency_key_keeps_nothing_of_the_answer(
    own_api: Api, own_bank: Bank, step: Headers
) -> None:
    reminder = own_bank.raise_reminder(1)
    body = {"outcome_code": "other", "note": "约定周五面谈"}
    await own_api.call("M1", "POST", f"/v1/reminders/{reminder}:done", headers=step(), json=body)
    kept = own_bank.execute("select status, body, headers from ocrm.idempotency_keys")
    assert kept == [(200, None, {"etag": '"2"'})]


async def test_a_repetition_with_the_same_key_gets_the_first_answer(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    reminder = shared_bank.raise_reminder(1)
    path, headers = f"/v1/reminders/{reminder}:acknowledge", step()
    first = await api.call("M1", "POST", path, headers=headers)
    second = await api.call("M1", "POST", path, headers=headers)
    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["Idempotent-Replay"] == "true"
    for name in ("ETag", "Cache-Control", "Vary"):
        assert second.headers[name] == first.headers[name]
    events = shared_bank.execute(
        "select kind from ocrm.reminder_events where reminder_id = %s order by sequence", reminder
    )
    assert events == [("raised",), ("acknowledged",)]


async def test_a_key_is_required_and_belongs_to_one_request(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    path = f"/v1/reminders/{shared_bank.raise_reminder(1)}"
    missing = await api.call("M1", "POST", f"{path}:acknowledge", headers={"If-Match": '"1"'})
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    headers = step()
    await api.call("M1", "POST", f"{path}:done", headers=headers, json={"outcome_code": "other"})
    reused = await api.call(
        "M1", "POST", f"{path}:done", headers=headers, json={"outcome_code": "resolved"}
    )
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_refused_request_leaves_its_key_free(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    path = f"/v1/reminders/{shared_bank.raise_reminder(1)}:acknowledge"
    key = uuid4().hex
    assert (await api.call("M1", "POST", path, headers=step('"9"', key))).status_code == 412
    assert (await api.call("M1", "POST", path, headers=step('"1"', key))).status_code == 200


async def test_of_many_at_once_one_acknowledges(api: Api, shared_bank: Bank, step: Headers) -> None:
    path = f"/v1/reminders/{shared_bank.raise_reminder(1)}:acknowledge"
    await api.token("M1")
    answers = await asyncio.gather(
        *(api.call("M1", "POST", path, headers=step()) for _ in range(8))
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes.count(200) == 1
    assert set(codes) <= {200, 409, 412}


async def test_the_same_key_at_the_same_time_acts_once(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    reminder = shared_bank.raise_reminder(1)
    path, headers = f"/v1/reminders/{reminder}:acknowledge", step()
    await api.token("M1")
    answers = await asyncio.gather(
        *(api.call("M1", "POST", path, headers=headers) for _ in range(6))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)
    version = shared_bank.execute(
        "select version from ocrm.reminders where reminder_id = %s", reminder
    )
    assert version == [(2,)]


@pytest.mark.parametrize("outcome", ["", "sold_everything", None])
async def test_an_unknown_outcome_is_refused(
    api: Api, shared_bank: Bank, step: Headers, outcome: str | None
) -> None:
    path = f"/v1/reminders/{shared_bank.raise_reminder(1)}:done"
    answer = await api.call("M1", "POST", path, headers=step(), json={"outcome_code": outcome})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/outcome_code"


async def test_out_of_scope_is_not_found_and_changes_nothing(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    path = f"/v1/reminders/{shared_bank.raise_reminder(9, branch_id='B3')}:acknowledge"
    assert (await api.call("M1", "POST", path, headers=step())).status_code == 404


async def test_an_answer_follows_a_commit_that_held(
    own_api: Api, own_bank: Bank, step: Headers
) -> None:
    reminder = own_bank.raise_reminder(1)
    own_bank.execute(
        "create function ocrm.fail() returns trigger language plpgsql as"
        " $$ begin raise exception 'planted'; end $$"
    )
    own_bank.execute(
        "create constraint trigger planted after update on ocrm.reminders"
        " deferrable initially deferred for each row execute function ocrm.fail()"
    )
    answer = await own_api.call(
        "M1", "POST", f"/v1/reminders/{reminder}:acknowledge", headers=step()
    )
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert own_bank.execute("select status from ocrm.reminders") == [("new",)]
    assert own_bank.execute("select count(*) from ocrm.idempotency_keys") == [(0,)]
