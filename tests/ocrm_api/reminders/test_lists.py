"""Lists and counts of reminders: filters, order over missing due dates, cursors."""

import base64
from datetime import date
from typing import Any

import pytest

from tests.ocrm_api.conftest import Api, Bank

PATH = "/v1/reminders"


@pytest.fixture
def with_due_dates(own_bank: Bank) -> Bank:
    """Eleven reminders of M1: due dates repeat and are missing."""
    for number in range(11):
        due = None if number % 3 == 0 else date(2026, 7, 1 + number % 4)
        own_bank.raise_reminder(4, "R02.DEPOSIT_MATURES" if due else "R01.LARGE_INFLOW", due_on=due)
    return own_bank


async def pages(api: Api, **params: Any) -> list[dict[str, Any]]:
    """All items, two at a time."""
    items: list[dict[str, Any]] = []
    params |= {"limit": 2}
    while True:
        body = await api.get("M1", PATH, params=params)
        items += body["items"]
        if body["next_cursor"] is None:
            return items
        params["cursor"] = body["next_cursor"]


@pytest.mark.parametrize(
    "sort",
    ["due_on", "-due_on", "priority,-due_on", "-priority,due_on", "-raised_at", "raised_at",
     "due_on,-priority,raised_at"],
)  # fmt: skip
async def test_pages_hold_every_reminder_once_with_missing_dates_last(
    own_api: Api, with_due_dates: Bank, sort: str
) -> None:
    items = await pages(own_api, sort=sort)
    assert len({item["reminder_id"] for item in items}) == len(items) == 11
    if sort in ("due_on", "-due_on"):
        due = [item["due_on"] for item in items]
        known = [value for value in due if value is not None]
        assert known == sorted(known, reverse=sort.startswith("-"))
        assert due[len(known) :] == [None] * 4


async def test_filters_are_closed_and_typed(own_api: Api, with_due_dates: Bank) -> None:
    due = await own_api.get(
        "M1", PATH, params={"due_on.gte": "2026-07-02", "due_on.lte": "2026-07-03"}
    )
    assert {item["due_on"] for item in due["items"]} == {"2026-07-02", "2026-07-03"}
    by_rule = await own_api.get("M1", PATH, params={"rule_code": "R01.LARGE_INFLOW"})
    assert len(by_rule["items"]) == 4
    assert (await own_api.get("M1", PATH, params={"customer_id": 5}))["items"] == []
    for params in ({"status": "x"}, {"sort": "note"}, {"limit": 201}, {"due_on.gte": "soon"}):
        assert (await own_api.call("M1", "GET", PATH, params=params)).status_code == 422


async def test_a_cursor_goes_with_its_filter_and_sort(own_api: Api, with_due_dates: Bank) -> None:
    cursor = (await own_api.get("M1", PATH, params={"limit": 2}))["next_cursor"]
    for params in ({"sort": "due_on"}, {"status": "new"}, {"portfolio": "branch"}):
        answer = await own_api.call("M1", "GET", PATH, params=params | {"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_a_cursor_that_was_touched_is_refused(own_api: Api, with_due_dates: Bank) -> None:
    cursor = (await own_api.get("M1", PATH, params={"limit": 2}))["next_cursor"]
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[-3] ^= 1
    for touched in (base64.urlsafe_b64encode(raw).decode(), cursor[:-4], "x", "äöü", ""):
        answer = await own_api.call("M1", "GET", PATH, params={"cursor": touched})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_counts_are_by_status_and_rule(own_api: Api, with_due_dates: Bank) -> None:
    counts = await own_api.get("M1", f"{PATH}/counts")
    assert counts == {
        "items": [
            {"status": "new", "rule_code": "R01.LARGE_INFLOW", "count": 4},
            {"status": "new", "rule_code": "R02.DEPOSIT_MATURES", "count": 7},
        ],
        "capped": False,
    }
    assert (await own_api.get("M2", f"{PATH}/counts"))["items"] == []
