"""The organisation as every employee sees it."""

from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api


async def test_the_organisation_is_a_tree(api: Api) -> None:
    body = await api.get("TE", "/v1/org-units")
    (union,) = body["items"]
    assert [entity["org_id"] for entity in union["children"]] == ["L1", "L2"]
    assert [branch["org_id"] for branch in union["children"][0]["children"]] == ["B1", "B2"]


async def test_employees_come_in_pages_with_their_roles(api: Api) -> None:
    found, cursor = [], None
    while True:
        params = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        body = await api.get("TE", "/v1/employees", params=params)
        found += body["items"]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert [one["employee_id"] for one in found] == sorted(bank.ROLES)
    roles = {one["employee_id"]: one["roles"] for one in found}
    assert roles["NO"] == []
    assert roles["MX"] == [
        {"role": "data_analyst", "org_id": "U"}, {"role": "relationship_manager", "org_id": "B2"},
    ]  # fmt: skip


async def test_employees_are_found_by_role_and_unit(api: Api) -> None:
    params = {"org_id": "B1", "role": "branch_head"}
    body = await api.get("TE", "/v1/employees", params=params)
    assert [one["employee_id"] for one in body["items"]] == ["H1"]
