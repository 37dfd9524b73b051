"""Lists of customers: whose, at which amounts, in which order."""

from collections.abc import Iterator
from hashlib import md5
from typing import Any

import pytest
import sqlalchemy

from ocrm_api import scope as scopes
from ocrm_api.customers.repository import CustomerFilter, list_customers
from ocrm_api.pagination import Page
from ocrm_api.scope import scope_of
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank, make_app, running


async def listed(api: Api, employee: str, **params: Any) -> dict[int, dict[str, Any]]:
    """The customers of a list by id."""
    body = await api.get(employee, "/v1/customers", params={"limit": 200, **params})
    assert body["next_cursor"] is None
    found = {item["customer_id"]: item for item in body["items"]}
    assert len(found) == len(body["items"])
    return found


async def test_a_manager_sees_the_own_portfolio_by_default(api: Api) -> None:
    assert set(await listed(api, "M1")) == {1, 2, 3, 4, 5, 6, 7, 10}
    assert set(await listed(api, "N1")) == {7}


async def test_the_branch_portfolio_has_each_customer_once(api: Api) -> None:
    assert set(await listed(api, "H1", portfolio="branch")) == {1, 2, 3, 4, 5, 6, 7, 10}


@pytest.mark.parametrize("portfolio", ["mine", "branch"])
async def test_the_lead_sees_the_whole_union_the_assistant_its_own(
    api: Api, portfolio: str
) -> None:
    of_b1 = await listed(api, "M1", portfolio=portfolio)
    assert (of_b1[1]["deposit_balance"], of_b1[1]["amounts"]) == ("1000.00", "union")
    assert (of_b1[2]["deposit_balance"], of_b1[2]["amounts"]) == ("50.00", "branch")
    assert (of_b1[3]["deposit_balance"], of_b1[3]["loan_balance"]) == ("10.00", "1.00")
    of_b2 = await listed(api, "M2", portfolio=portfolio)
    assert (of_b2[1]["deposit_balance"], of_b2[1]["amounts"]) == ("300.00", "branch")
    assert (of_b2[2]["deposit_balance"], of_b2[2]["amounts"]) == ("500.00", "union")


async def test_the_second_manager_at_the_lead_branch_sees_the_whole_union(api: Api) -> None:
    of_n1 = await listed(api, "N1")
    assert (of_n1[7]["role"], of_n1[7]["deposit_balance"]) == ("assist", "900.00")
    assert of_n1[7]["amounts"] == "union"


async def test_a_head_of_two_assisting_branches_sees_their_sum(api: Api) -> None:
    of_l1 = await listed(api, "HL", portfolio="branch")
    assert set(of_l1) == {1, 2, 3, 4, 5, 6, 7, 8, 10}
    assert (of_l1[3]["deposit_balance"], of_l1[3]["role"]) == ("30.00", "assist")
    assert (of_l1[1]["deposit_balance"], of_l1[1]["role"]) == ("1000.00", "lead")


async def test_the_role_filter_tells_lead_from_assist(api: Api) -> None:
    for employee in ("M1", "H1", "HL"):
        portfolio = "mine" if employee == "M1" else "branch"
        leading = await listed(api, employee, portfolio=portfolio, role="lead")
        assisting = await listed(api, employee, portfolio=portfolio, role="assist")
        assert {item["role"] for item in leading.values()} == {"lead"}
        assert not set(leading) & set(assisting)
        assert 3 in assisting


async def test_a_second_role_elsewhere_gives_no_customers_there(api: Api) -> None:
    assert set(await listed(api, "MX", portfolio="branch")) == {1, 2, 3, 8}


@pytest.mark.parametrize(
    "sort", ["-deposit_balance", "deposit_balance", "customer_id", "-customer_id"]
)
@pytest.mark.parametrize(
    ("employee", "portfolio"), [("M1", "mine"), ("H1", "branch"), ("HL", "branch")]
)
async def test_pages_hold_every_customer_once_in_order(
    api: Api, employee: str, portfolio: str, sort: str
) -> None:
    params: dict[str, Any] = {"portfolio": portfolio, "sort": sort, "limit": 2}
    items: list[dict[str, Any]] = []
    while True:
        body = await api.get(employee, "/v1/customers", params=params)
        items += body["items"]
        if body["next_cursor"] is None:
            break
        params["cursor"] = body["next_cursor"]
    assert len({item["customer_id"] for item in items}) == len(items)
    assert set(await listed(api, employee, portfolio=portfolio)) == {
        item["customer_id"] for item in items
    }
    column = sort.lstrip("-")
    values = [float(item[column]) for item in items]
    assert values == sorted(values, reverse=sort.startswith("-"))


async def test_sorting_by_deposits_uses_the_amounts_the_viewer_sees(api: Api) -> None:
    body = await api.get("H2", "/v1/customers", params={"portfolio": "branch"})
    assert [item["customer_id"] for item in body["items"]] == [2, 1, 8, 3]


async def search(api: Api, employee: str, **body: Any) -> list[int]:
    """The customers a search finds."""
    answer = await api.call(employee, "POST", "/v1/customers:search", json=body)
    assert answer.status_code == 200, answer.text
    return [item["customer_id"] for item in answer.json()["items"]]


async def test_a_customer_is_found_by_the_whole_phone_or_document(api: Api) -> None:
    assert await search(api, "H1", phone=bank.phone(3)) == [3]
    assert await search(api, "H1", document_no=bank.document(3)) == [3]
    assert await search(api, "H1", phone=bank.phone(3)[:-1] + "9") == []


def counted(plan: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Every node of a plan that ran, and how many rows it looked at."""
    rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    yield plan.get("Index Name", plan["Node Type"]), rows * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from counted(part)


@pytest.mark.parametrize("name", ["phone", "document"])
@pytest.mark.parametrize("branches", [["B1"], ["B1", "B2", "B3"]])
async def test_a_search_by_number_starts_from_its_index(
    own_bank: Bank, redis_url: str, name: str, branches: list[str]
) -> None:
    own_bank.execute(
        "insert into acrm.customers select (jsonb_populate_record(c, jsonb_build_object("
        " 'customer_id', 100 + number,"
        " 'phone_index', '\\x' || md5(number::text), 'document_index', '\\x' || md5(number::text)"
        "))).* from acrm.customers c, generate_series(1, 20000) number where customer_id = 4"
    )
    own_bank.execute(
        "insert into acrm.coverage select (jsonb_populate_record(c, jsonb_build_object("
        " 'customer_id', 100 + number))).*"
        " from acrm.coverage c, generate_series(1, 20000) number where customer_id = 4"
    )
    own_bank.execute("analyze acrm.customers, acrm.coverage")

    def explain(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> Any:
        return "explain (analyze, format json) " + statement, parameters

    scope = scope_of(branches)
    identity: dict[str, Any] = {f"{name}_index": md5(b"19977").digest()}
    wanted = CustomerFilter(**identity)
    page = Page(50, None, b"a secret of this test")
    async with running(make_app(own_bank, redis_url), own_bank) as api:
        database = api.app.state.database
        async with database.sessions() as session:
            await scopes.ensure(session, [scope])
            await scopes.enter(session, scope)
            sqlalchemy.event.listen(
                database.engine.sync_engine, "before_cursor_execute", explain, retval=True
            )
            (row,), _ = await list_customers(
                session, scope, bank.DAY, wanted, sort="-deposit_balance", page=page
            )
    nodes = list(counted(row["QUERY PLAN"][0]["Plan"]))
    assert any(f"{name}_index" in node for node, _ in nodes), nodes
    assert max(rows for _, rows in nodes) < 10, nodes


async def test_a_search_does_not_leave_the_scope(api: Api) -> None:
    assert await search(api, "H1", phone=bank.phone(9)) == []
    assert await search(api, "H3", phone=bank.phone(9)) == [9]


async def test_names_are_found_from_their_beginning(api: Api) -> None:
    assert sorted(await search(api, "HL", name_prefix="王")) == [1, 2]
    assert await search(api, "HL", name_prefix="丽") == []
    assert await search(api, "HL", name_prefix="%") == []
