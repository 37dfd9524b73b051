"""Who covers a customer, and why; portfolios of a branch."""

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
        {"branch_id": "B2", "role": "assist", "manager_id": "M2", "rule": "deposit"}
    ]


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
