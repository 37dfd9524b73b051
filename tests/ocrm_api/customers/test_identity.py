"""One customer: masked by default, revealed on purpose, on record, within a quota."""

import asyncio

import pytest

from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank, make_app, running

ASKED = {"fields": ["phone", "document_no", "birth_date"], "purpose": "service"}


async def test_personal_data_is_masked(api: Api) -> None:
    answer = await api.call("M1", "GET", "/v1/customers/1")
    assert answer.json()["phone_masked"] == "19*******01"
    for secret in (bank.phone(1), bank.document(1), "1990-01-01", "Jiefang"):
        assert secret not in answer.text


@pytest.mark.parametrize("path", ["", "/coverage", "/profile", "/indicators"])
async def test_a_customer_of_others_does_not_exist(api: Api, path: str) -> None:
    assert (await api.call("M1", "GET", f"/v1/customers/9{path}")).status_code == 404
    assert (await api.call("M3", "GET", f"/v1/customers/9{path}")).status_code == 200


@pytest.mark.parametrize("customer_id", ["0", "-1", "x", "9007199254740992"])
async def test_an_impossible_number_is_refused(api: Api, customer_id: str) -> None:
    assert (await api.call("M1", "GET", f"/v1/customers/{customer_id}")).status_code == 422


async def test_a_reveal_shows_what_was_asked_for_and_is_on_record(own_api: Api) -> None:
    answer = await own_api.call("M1", "POST", "/v1/customers/1:reveal", json=ASKED)
    assert answer.json() == {
        "customer_id": 1,
        "fields": {
            "birth_date": "1990-01-01", "document_no": bank.document(1), "phone": bank.phone(1),
        },
        "remaining_today": 49,
    }  # fmt: skip
    rows = own_api.bank.execute(
        "select employee_id, action, subject_id, purpose, details::text, request_id"
        " from ocrm.audit_log"
    )
    assert len(rows) == 1
    employee, action, subject, purpose, details, request_id = rows[0]
    assert (employee, action, subject, purpose) == ("M1", "customer.revealed", "1", "service")
    assert request_id == answer.headers["X-Request-ID"]
    assert bank.phone(1) not in details


async def test_a_reveal_needs_a_purpose_and_the_scope(api: Api) -> None:
    without = await api.call("M1", "POST", "/v1/customers/1:reveal", json={"fields": ["phone"]})
    assert without.status_code == 422
    outside = await api.call("M1", "POST", "/v1/customers/9:reveal", json=ASKED)
    assert outside.status_code == 404
    assert (await api.call("LO", "POST", "/v1/customers/1:reveal", json=ASKED)).status_code == 403


async def test_the_quota_holds_also_for_requests_at_the_same_time(
    own_bank: Bank, redis_url: str
) -> None:
    async with running(make_app(own_bank, redis_url, reveals_per_day=3), own_bank) as api:
        await api.token("M1")
        answers = await asyncio.gather(
            *(api.call("M1", "POST", "/v1/customers/1:reveal", json=ASKED) for _ in range(6))
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 3
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "reveal_quota_used"


async def test_the_note_of_a_reveal_keeps_no_number(own_api: Api) -> None:
    note = f"called {bank.phone(1)}, 350000 1990 0101 0001 X, １３９００００００００; 3 days late"
    answer = await own_api.call("M1", "POST", "/v1/customers/1:reveal", json=ASKED | {"note": note})
    assert answer.status_code == 200
    [(kept,)] = own_api.bank.execute("select details ->> 'note' from ocrm.audit_log")
    assert kept == "called ***, *** X, ***; 3 days late"


async def test_a_search_by_a_number_is_on_record_without_the_number(own_api: Api) -> None:
    for body in (
        {"phone": bank.phone(3)},
        {"document_no": bank.document(9), "phone": bank.phone(9), "name_prefix": "黄"},
        {"name_prefix": "王"},
    ):
        answer = await own_api.call("H1", "POST", "/v1/customers:search", json=body)
        assert answer.status_code == 200
    rows = own_api.bank.execute("select * from ocrm.audit_log order by audit_id")
    assert len(rows) == 2
    assert bank.phone(3) not in str(rows) and bank.document(9) not in str(rows)
    found = own_api.bank.execute(
        "select employee_id, action, details from ocrm.audit_log order by audit_id"
    )
    assert found == [
        ("H1", "customer.searched", {"fields": ["phone"]}),
        ("H1", "customer.searched", {"fields": ["phone", "document_no"]}),
    ]


async def test_searches_by_a_number_have_a_quota_per_user(own_bank: Bank, redis_url: str) -> None:
    asked = {"phone": bank.phone(1)}
    async with running(make_app(own_bank, redis_url, searches_per_hour=3), own_bank) as api:
        await api.token("H1")
        answers = await asyncio.gather(
            *(api.call("H1", "POST", "/v1/customers:search", json=asked) for _ in range(5))
        )
        by_name = await api.call("H1", "POST", "/v1/customers:search", json={"name_prefix": "王"})
        other = await api.call("M1", "POST", "/v1/customers:search", json=asked)
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 2
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "search_quota_used"
    assert (by_name.status_code, other.status_code) == (200, 200)
