"""Who covers a customer, and why; portfolios of a branch."""

import pytest

from tests.ocrm_api.conftest import Api


async def test_the_lead_learns_why(api: Api) -> None:
    body = await api.get("M1", "/v1/customers/1/coverage", headers={"Accept-Language": "en"})
    assert body["lead_branch_id"] == "B1"
    assert body["covering_branch_ids"] == ["B1", "B2"]
    assert body["decision"]["inputs"] == {"averages": {"B1": 700, "B2": 300}}
    assert body["decision"]["why"].startswith("The branch has the largest average deposits")


async def test_the_assistant_learns_who_leads_and_no_amounts(api: Api) -> None:
    body = await api.get("M2", "/v1/customers/1/coverage")
    assert (body["lead_branch_id"], body["decision"]) == ("B1", None)
    assert body["items"] == [
        {"branch_id": "B2", "role": "assist", "manager_id": "M2", "rule": None}
    ]


_LISTS = [
    f"/v1/customers?portfolio={portfolio}&sort={sort}{role}"
    for portfolio in ("mine", "branch")
    for sort in ("-deposit_balance", "deposit_balance", "customer_id", "-customer_id")
    for role in ("", "&role=lead", "&role=assist")
]
_OF_THE_CUSTOMER = [
    f"/v1/customers/3{part}" for part in ("", "/profile", "/coverage", "/indicators")
]
_OF_THE_BRANCH = ["/v1/branches/B1/coverage", "/v1/branches/B1/indicators", "/v1/me"]


@pytest.mark.parametrize("employee", ["M1", "H1", "HL"])
async def test_an_assistant_cannot_learn_why_another_leads_nor_how_valuable_the_customer_is(
    own_api: Api, employee: str
) -> None:
    async def everything() -> list[str]:
        paths = [*_LISTS, *_OF_THE_CUSTOMER, *_OF_THE_BRANCH]
        answers = [await own_api.call(employee, "GET", path) for path in paths]
        searches = [
            {"name_prefix": "李", "sort": sort, "role": role}
            for sort in ("-deposit_balance", "customer_id")
            for role in (None, "assist")
        ]
        answers += [
            await own_api.call(employee, "POST", "/v1/customers:search", json=body)
            for body in searches
        ]
        assert {answer.status_code for answer in answers} <= {200, 403}
        return [answer.text for answer in answers]

    before = await everything()
    own_api.bank.execute(
        "update acrm.coverage set rule = 'loan', is_key_customer = true where customer_id = 3"
    )
    assert await everything() == before


async def test_the_counts_of_a_branch_are_by_manager(api: Api) -> None:
    body = await api.get("H2", "/v1/branches/B2/coverage")
    counts = {
        item["manager_id"]: (item["lead_customers"], item["assist_customers"])
        for item in body["items"]
    }
    assert counts == {"M2": (1, 2), "V:B2": (1, 0)}


async def test_another_branch_does_not_exist(api: Api) -> None:
    assert (await api.call("H2", "GET", "/v1/branches/B1/coverage")).status_code == 404
    assert (await api.call("H2", "GET", "/v1/branches/B1/indicators")).status_code == 404
    assert (await api.call("HL", "GET", "/v1/branches/B1/coverage")).status_code == 200
