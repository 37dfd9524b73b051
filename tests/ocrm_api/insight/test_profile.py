"""The 360 view and indicators, at the amounts the viewer may see."""

import asyncio
from datetime import date
from typing import Any

import pytest

from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank


def balances(profile: dict[str, Any]) -> dict[str, str]:
    """The balances of the holdings by branch."""
    return {one["branch_id"]: one["balance"] for one in profile["holdings"]}


async def test_the_lead_sees_the_business_of_the_whole_union(api: Api) -> None:
    profile = await api.get("M1", "/v1/customers/1/profile")
    assert profile["amounts"] == "union"
    assert balances(profile) == {"B1": "700.00", "B2": "300.00"}
    assert profile["indicators"] == [{"branch_id": None, "values": {"DEP_BAL": 1000}}]
    assert profile["tags"] == ["VALUE/AUM/MASS"]


@pytest.mark.parametrize(
    ("employee", "customer_id", "own"),
    [
        ("M2", 1, {"B2": "300.00"}),
        ("M1", 3, {"B1": "10.00"}),
        ("HL", 3, {"B1": "10.00", "B2": "20.00"}),
    ],
)
async def test_an_assisting_branch_sees_only_its_own_business(
    api: Api, employee: str, customer_id: int, own: dict[str, str]
) -> None:
    profile = await api.get(employee, f"/v1/customers/{customer_id}/profile")
    assert profile["amounts"] == "branch"
    assert balances(profile) == own
    assert {
        one["branch_id"]: f"{one['values']['DEP_BAL']}.00" for one in profile["indicators"]
    } == own
    assert profile["tags"] == []


async def test_no_answer_to_an_assisting_branch_contains_the_union_s_amount(api: Api) -> None:
    for path in (
        "/v1/customers?portfolio=branch", "/v1/customers?portfolio=mine", "/v1/customers/3",
        "/v1/customers/3/profile", "/v1/customers/3/coverage", "/v1/customers/3/indicators",
    ):  # fmt: skip
        text = (await api.call("M1", "GET", path)).text
        assert "970" not in text.replace("1990", "") and "980" not in text, path
    found = await api.call("M1", "POST", "/v1/customers:search", json={"name_prefix": "李"})
    assert [item["deposit_balance"] for item in found.json()["items"]] == ["10.00"]


async def test_open_reminders_are_part_of_the_profile(api: Api, shared_bank: Bank) -> None:
    at_b2 = str(shared_bank.raise_reminder(2, branch_id="B2"))
    at_b1 = str(shared_bank.raise_reminder(2, branch_id="B1"))
    lead = await api.get("M2", "/v1/customers/2/profile")
    assert {one["reminder_id"] for one in lead["open_reminders"]} == {at_b1, at_b2}
    assistant = await api.get("M1", "/v1/customers/2/profile")
    assert {one["reminder_id"] for one in assistant["open_reminders"]} == {at_b1}
    lobby = await api.get("LO", "/v1/customers/2/profile")
    assert lobby["open_reminders"] == []


async def test_amounts_of_indicators_keep_their_digits(own_api: Api, own_bank: Bank) -> None:
    own_bank.execute("""update acrm.customer_indicators set indicators = '{"DEP_BAL": 10.10}'""")
    answer = await own_api.call("M1", "GET", "/v1/customers/1/indicators")
    assert '"DEP_BAL": 10.10' in answer.text


async def test_the_history_has_every_kept_day_at_today_s_view(own_api: Api, own_bank: Bank) -> None:
    await asyncio.to_thread(bank.publish, own_bank.database.acrm_owner, date(2026, 7, 1))
    history = await own_api.get("M1", "/v1/customers/1/indicators")
    assert [item["business_date"] for item in history["items"]] == ["2026-07-01", "2026-06-30"]
    since = {"since": "2026-07-01"}
    assert len((await own_api.get("M1", "/v1/customers/1/indicators", params=since))["items"]) == 1
    own_bank.execute(
        "update acrm.coverage set lead_branch_id = 'B3', branch_id = 'B3' where customer_id = 1"
        " and role = 'lead' and business_date = '2026-07-01'"
    )
    for item in (await own_api.get("M1", "/v1/customers/1/indicators"))["items"]:
        assert [one["branch_id"] for one in item["indicators"]] == ["B1"]


async def test_the_dictionary_is_there_for_everybody(api: Api) -> None:
    body = await api.get("TE", "/v1/indicators", params={"kind": "indicator"})
    assert [entry["code"] for entry in body["items"]] == ["DEP_BAL"]
    assert body["items"][0]["class"] == "I01"
