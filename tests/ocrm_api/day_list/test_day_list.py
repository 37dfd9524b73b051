"""The day list: what to do first, why, and what the day does not hold."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from math import log10
from typing import Any
from uuid import UUID

import pytest

from crm_shared import clock
from crm_shared.reminder_rules import RULES
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank

PATH = "/v1/day-list"
TODAY = clock.bank_date(clock.now())


def days(number: int) -> Any:
    """A day so many days from today."""
    return TODAY + timedelta(days=number)


def news(of: Bank, customer_id: int, rule: str, age: int = 0, **given: Any) -> UUID:
    """A reminder of a fact so many days old."""
    branch = bank.CUSTOMERS[customer_id][0]
    return of.raise_reminder(customer_id, rule, branch, business_date=days(-age), **given)


def set_parameter(of: Bank, code: str, value: int, entity: str = "*") -> None:
    """Let a parameter hold since long."""
    of.execute(
        "insert into ocrm.parameters (code, legal_entity_id, effective_from, value)"
        " values (%s, %s, '2020-01-01', %s)", code, entity, value,
    )  # fmt: skip


async def customers(api: Api, employee: str = "M1", **params: Any) -> list[int]:
    """The customers of a list, in its order."""
    items = (await api.get(employee, PATH, params=params))["items"]
    return [one["customer_id"] for one in items]


async def test_forty_reminders_at_half_past_eight_say_what_to_do_first_and_why(
    own_api: Api, own_bank: Bank
) -> None:
    set_parameter(own_bank, "day_list.budget", 3, "L1")
    for customer in (1, 4, 5, 6, 7, 10):
        for number in range(6):
            news(own_bank, customer, "R04.TIER_UP", age=3, window=f"w{customer}{number}",
                 amount=None)  # fmt: skip
    urgent = news(own_bank, 5, "R03.OVERDUE", amount="5000000.00")
    deposit = news(own_bank, 7, "R02.DEPOSIT_MATURES", amount="600000.00", due_on=days(2))
    news(own_bank, 4, "R04.BIRTHDAY", amount=None, due_on=days(3))
    answer = await own_api.get("M1", PATH, headers={"Accept-Language": "en"})
    assert answer["budget"] == {"customers": 3, "seen_to": 0, "left": 3}
    assert (answer["day"], answer["owner_id"]) == (str(TODAY), "M1")
    first, second, *others = answer["items"]
    assert [one["customer_id"] for one in (first, second)] == [5, 7]
    assert first["why"] == "Priority 1, a matter of arrears or risk; 5,000,000.00 CNY."
    assert second["why"] == f"Priority 2, due in 2 days, on {days(2)}; 600,000.00 CNY."
    assert [one["rank"] for one in answer["items"]] == [1, 2, 3, 4, 5, 6]
    assert [one["above_line"] for one in answer["items"]] == [True] * 3 + [False] * 3
    assert [len(one["reminders"]) for one in (first, second)] == [7, 7]
    assert [one["reminders"][0]["reminder"]["reminder_id"] for one in (first, second)] == [
        str(urgent), str(deposit),
    ]  # fmt: skip
    assert {one["customer_id"] for one in others} == {1, 4, 6, 10}
    below = await customers(own_api, line="below")
    assert await customers(own_api, line="above") + below == await customers(own_api)
    assert len(below) == 3


def strength(amount: float | None) -> int | None:
    """The value of an amount, written down a second time."""
    if amount is None:
        return None
    return min(100, max(0, round(25 * log10(max(amount, 1) / 1000))))


@pytest.mark.parametrize(
    ("rule", "given", "urgency", "amount"),
    [
        ("R01.LARGE_INFLOW", {"age": 0, "amount": "600000.00"}, (75 + 100) // 2, 600000),
        ("R01.LARGE_INFLOW", {"age": 4, "amount": "1000.00"}, (75 + 60) // 2, 1000),
        ("R01.LARGE_INFLOW", {"age": 99, "amount": "99999999999.00"}, 75 // 2, 99999999999),
        ("R02.LOAN_MATURES", {"amount": "80000.00", "due_on": days(15)}, (75 + 50) // 2, 80000),
        ("R02.LOAN_MATURES", {"amount": "0.00", "due_on": days(60)}, 75 // 2, 0),
        ("R02.LOAN_MATURES", {"amount": "1.00", "due_on": days(-9)}, (75 + 100) // 2, 1),
        ("R03.KEY_DATA_CHANGED", {"age": 30, "amount": None}, (50 + 100) // 2, None),
        ("R04.FESTIVAL", {"amount": None, "due_on": days(6)}, (0 + 80) // 2, None),
        ("R04.TIER_DOWN", {"age": 2, "amount": None, "due_on": days(9)}, (75 + 80) // 2, None),
    ],
)
async def test_the_score_is_the_weighted_mean_of_its_components(
    own_api: Api, rule: str, given: dict[str, Any], urgency: int, amount: float | None
) -> None:
    """Customer 10 has loans of 10,000; nothing is known of the rule."""
    assert RULES[rule].priority in (2, 3, 5)
    news(own_api.bank, 10, rule, **given)
    (group,) = (await own_api.get("M1", PATH))["items"]
    (ranked,) = group["reminders"]
    found = {one["code"]: one for one in ranked["components"]}
    values = {
        "urgency": urgency, "amount": strength(amount), "customer_value": 25, "usefulness": 50,
    }  # fmt: skip
    assert {code: one["value"] for code, one in found.items()} == values
    assert {code: one["weight"] for code, one in found.items()} == {
        "urgency": 40, "amount": 25, "customer_value": 20, "usefulness": 15,
    }  # fmt: skip
    known = sum(one["weight"] for one in found.values() if one["value"] is not None)
    assert known == (75 if amount is None else 100)
    points = [
        (Decimal(one["weight"]) * (one["value"] or 0) / known).quantize(
            Decimal("0.01"), "ROUND_HALF_UP"
        )
        for one in found.values()
    ]
    assert group["score"] == ranked["score"] == float(sum(points))
    assert sum(one["points"] for one in found.values()) == pytest.approx(group["score"])


async def test_weights_are_parameters_of_the_manager_s_legal_entity(
    own_api: Api, own_bank: Bank
) -> None:
    for customer, amount, branch in ((4, "900000.00", "B1"), (5, "2000.00", "B1")):
        due = days(1) if customer == 5 else days(29)
        own_bank.raise_reminder(customer, "R02.LOAN_MATURES", branch, amount=amount, due_on=due)
    assert await customers(own_api) == [5, 4]
    for code, weight in (("amount", 100), ("urgency", 0)):
        set_parameter(own_bank, f"day_list.weight_{code}", weight, "L2")
    assert await customers(own_api) == [5, 4]
    for code, weight in (("amount", 100), ("urgency", 0)):
        set_parameter(own_bank, f"day_list.weight_{code}", weight, "L1")
    assert await customers(own_api) == [4, 5]
    own_bank.execute("delete from ocrm.parameters")
    for code in ("urgency", "amount", "customer_value", "usefulness"):
        set_parameter(own_bank, f"day_list.weight_{code}", 0)
    items = (await own_api.get("M1", PATH))["items"]
    assert [(one["customer_id"], one["score"]) for one in items] == [(4, 0.0), (5, 0.0)]


async def test_what_says_it_less_well_is_muted_and_not_lost(own_api: Api, own_bank: Bank) -> None:
    closed = news(own_bank, 4, "R01.ACCOUNT_CLOSED", subject="account:1", amount=None)
    emptied = news(own_bank, 4, "R01.LARGE_OUTFLOW", age=3, amount="9000000.00")
    long_before = news(own_bank, 4, "R01.LARGE_OUTFLOW", age=4, amount="1000.00")
    overdue = news(own_bank, 5, "R03.OVERDUE", subject="loan:7", amount="1000.00")
    due = news(own_bank, 5, "R02.REPAYMENT_DUE", subject="loan:7", due_on=days(5))
    of_another = news(own_bank, 5, "R02.REPAYMENT_DUE", subject="loan:8", due_on=days(5))

    async def muted() -> dict[str, str | None]:
        items = (await own_api.get("M1", PATH))["items"]
        return {
            one["reminder"]["reminder_id"]: one["muted_by"]
            for group in items
            for one in group["reminders"]
        }

    assert await muted() == {
        str(closed): None, str(emptied): str(closed), str(long_before): None,
        str(overdue): None, str(due): str(overdue), str(of_another): None,
    }  # fmt: skip
    last = (await own_api.get("M1", PATH))["items"][1]["reminders"][-1]
    assert last["muted_by"] is not None
    everything = (await own_api.get("M1", "/v1/reminders"))["items"]
    assert len(everything) == 6
    own_bank.execute(
        "update ocrm.reminders set status = 'snoozed', snoozed_until_on = '2100-01-01'"
        " where reminder_id in (%s, %s)", closed, long_before,
    )  # fmt: skip
    assert await customers(own_api) == [5]
    own_bank.execute("update ocrm.reminders set status = 'withdrawn' where status = 'snoozed'")
    assert (await muted())[str(emptied)] is None


async def test_pages_neither_repeat_nor_skip_while_news_arrives(
    own_api: Api, own_bank: Bank
) -> None:
    for position, customer in enumerate((1, 4, 5, 6, 7, 10)):
        news(own_bank, customer, "R01.LARGE_INFLOW", age=position // 2, amount="5000.00")
    whole = await own_api.get("M1", PATH)
    seen: list[tuple[int, int]] = []
    cursor = None
    for number in range(6):
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = await own_api.get("M1", PATH, params=params)
        seen += [(one["rank"], one["customer_id"]) for one in page["items"]]
        cursor = page["next_cursor"]
        if number == 2:  # above everything, of a customer of the first page
            news(own_bank, seen[0][1], "R03.OVERDUE", amount="1.00")
    assert cursor is None
    assert seen == [(one["rank"], one["customer_id"]) for one in whole["items"]]
    changed = await own_api.call(
        "M1", "GET", PATH, params={"cursor": page["next_cursor"] or "x", "line": "above"}
    )
    assert changed.status_code == 400


async def test_finishing_moves_the_line_and_not_the_budget(
    own_api: Api, own_bank: Bank, step: Callable[..., dict[str, str]]
) -> None:
    set_parameter(own_bank, "day_list.budget", 2)
    for customer in (4, 5, 6):
        news(own_bank, customer, "R01.LARGE_INFLOW")
    first = (await own_api.get("M1", PATH))["items"][0]["reminders"][0]["reminder"]
    await own_api.call(
        "M1", "POST", f"/v1/reminders/{first['reminder_id']}:done", headers=step(),
        json={"outcome_code": "sold"},
    )  # fmt: skip
    after = await own_api.get("M1", PATH)
    assert after["budget"] == {"customers": 2, "seen_to": 1, "left": 1}
    assert [one["above_line"] for one in after["items"]] == [True, False]
    own_bank.execute("update ocrm.reminders set done_at = done_at - interval '1 day'")
    assert (await own_api.get("M1", PATH))["budget"]["left"] == 2


async def test_who_has_another_open_reminder_does_not_count_twice(
    own_api: Api, own_bank: Bank, step: Callable[..., dict[str, str]]
) -> None:
    set_parameter(own_bank, "day_list.budget", 2)
    for customer, rule in ((4, "R01.LARGE_INFLOW"), (4, "R03.ARREARS"), (5, "R01.LARGE_INFLOW")):
        news(own_bank, customer, rule)
    of_both = next(
        one for one in (await own_api.get("M1", PATH))["items"] if one["customer_id"] == 4
    )
    await own_api.call(
        "M1", "POST", f"/v1/reminders/{of_both['reminders'][0]['reminder']['reminder_id']}:done",
        headers=step(), json={"outcome_code": "sold"},
    )  # fmt: skip
    after = await own_api.get("M1", PATH)
    assert after["budget"] == {"customers": 2, "seen_to": 0, "left": 2}
    assert [one["above_line"] for one in after["items"]] == [True, True]


async def test_a_list_holds_what_the_reader_s_branches_lead(own_api: Api, own_bank: Bank) -> None:
    for customer in (1, 2, 8):
        news(own_bank, customer, "R01.LARGE_INFLOW")
    own_bank.raise_reminder(2, "R01.LARGE_OUTFLOW", "B1")
    assert await customers(own_api) == [1]
    assert await customers(own_api, "H1", owner_id="M1") == [1]
    assert await customers(own_api, "M2", owner_id="M1") == []
    assert await customers(own_api, "H1", owner_id="M2") == []
    assert await customers(own_api, "M2", owner_id="V:B2") == [8]
    assert await customers(own_api, "M2", owner_id="V:nowhere") == []
    assert await customers(own_api, "HL", owner_id="M2") == [2]
    assert (await own_api.call("TE", "GET", PATH)).status_code == 403


async def test_a_rule_is_as_useful_as_its_outcomes_of_the_days_before(
    own_api: Api, own_bank: Bank
) -> None:
    async def usefulness() -> tuple[int, str]:
        (group,) = (await own_api.get("M1", PATH, headers={"Accept-Language": "en"}))["items"]
        found = group["reminders"][0]["components"][-1]
        return found["value"], found["detail"]

    yesterday = clock.now() - timedelta(days=1)
    for outcome in ("sold", "interested", "not_relevant", "not_reached") * 5:
        done = news(own_bank, 4, "R01.LARGE_INFLOW", window=f"{outcome}{clock.now()}")
        own_bank.execute(
            "update ocrm.reminders set status = 'done', done_at = %s, outcome_code = %s"
            " where reminder_id = %s", yesterday, outcome, done,
        )  # fmt: skip
    news(own_bank, 5, "R01.LARGE_INFLOW")
    assert (await usefulness())[0] == 50
    await own_api.app.state.timekeeper.turn(clock.now())
    assert await usefulness() == (
        60, "about 60 % of what came of its rule in 90 days was useful",
    )  # fmt: skip
    counted = "select count(distinct counted_on), sum(useful), sum(useless) from ocrm.rule_outcomes"
    for turns in (2, 3):
        await own_api.app.state.timekeeper.turn(clock.now())
        assert await asyncio.to_thread(own_bank.execute, counted) == [(turns, 10, 5)]
