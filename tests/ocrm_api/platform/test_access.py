"""Who may call what: every operation of the OpenAPI document by every role."""

import asyncio
import re
from typing import Any

import pytest
from fastapi import APIRouter

from ocrm_api import main
from ocrm_api.permissions import AUTHENTICATED, PUBLIC, ROLE_PERMISSIONS
from ocrm_api.security import UndeclaredPermissionError, operation
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank, make_app

#: Values for the path parameters: things outside everybody's scope.
ELSEWHERE = {
    "customer_id": "424242",
    "branch_id": "B9",
    "reminder_id": "0d6f4f5e-6a53-5d0b-9d38-3f0d7b1f5b77",
    "code": "nothing",
}
BODIES: dict[str, Any] = {
    "search_customers": {},
    "reveal_customer": {"fields": ["phone"], "purpose": "service"},
    "finish_reminder": {"outcome_code": "other"},
    "snooze_reminder": {"until_event": "new_reminder"},
    "take_steps": {
        "action": {"step": "see"},
        "items": [{"reminder_id": "0d6f4f5e-6a53-5d0b-9d38-3f0d7b1f5b77", "etag": '"1"'}],
    },
}
HEADERS = {"Idempotency-Key": "the key of the matrix", "If-Match": '"1"'}


def operations(api: Api) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path with values, and the declaration of every guarded operation."""
    return [
        (method.upper(), re.sub(r"{(\w+)}", lambda m: ELSEWHERE[m[1]], path), details)
        for path, methods in api.app.openapi()["paths"].items()
        for method, details in methods.items()
        if details["x-permission"] != PUBLIC
    ]


def employee_of(role: str) -> str:
    """An employee who holds this role and no other."""
    return next(one for one, held in bank.ROLES.items() if [r for r, _ in held] == [role])


async def status(api: Api, employee: str | None, method: str, path: str, name: str) -> int:
    """The status of a call."""
    body = BODIES.get(name)
    if path.endswith("/stream"):
        return (
            await api.call(employee, "GET", path + "?portfolio=no", headers=HEADERS)
        ).status_code
    answer = await api.call(employee, method, path, json=body, headers=HEADERS)
    return answer.status_code


async def test_nobody_gets_in_without_a_log_in(api: Api) -> None:
    for method, path, details in operations(api):
        assert await status(api, None, method, path, details["operationId"]) == 401, path


@pytest.mark.parametrize("role", sorted(ROLE_PERMISSIONS))
async def test_every_role_may_do_what_is_declared_and_no_more(api: Api, role: str) -> None:
    employee = employee_of(role)
    for method, path, details in operations(api):
        if details["operationId"] == "log_out":
            continue
        found = await status(api, employee, method, path, details["operationId"])
        permission = details["x-permission"]
        if permission == AUTHENTICATED or permission in ROLE_PERMISSIONS[role]:
            expected = {404} if any(one in path for one in ELSEWHERE.values()) else {200, 422}
            assert found in expected, (role, method, path, found)
        else:
            assert found == 403, (role, method, path, found)


async def test_who_holds_no_role_may_see_only_that(api: Api) -> None:
    assert (await api.get("NO", "/v1/me"))["permissions"] == {}
    assert (await api.call("NO", "GET", "/v1/customers")).status_code == 403


async def test_me_shows_where_each_permission_holds(api: Api) -> None:
    me = await api.get("MX", "/v1/me")
    assert me["permissions"]["customers.read"] == ["B2"]
    assert me["permissions"]["branches.read"] == ["B1", "B2", "B3"]


async def test_public_operations_are_the_expected_ones(api: Api) -> None:
    public = {
        (method.upper(), path)
        for path, methods in api.app.openapi()["paths"].items()
        for method, details in methods.items()
        if details["x-permission"] == PUBLIC
    }
    assert public == {
        ("POST", "/v1/session"), ("GET", "/livez"), ("GET", "/readyz"), ("GET", "/metrics"),
        ("GET", "/problems/{code}"),
    }  # fmt: skip


class _Part:
    def __init__(self, **declaration: Any) -> None:
        self.router = APIRouter()
        self.router.get("/v1/planted", **declaration)(self.answer)

    async def answer(self) -> dict[str, str]:
        """Something nobody should see."""
        return {"secret": "1"}


@pytest.mark.parametrize("declaration", [{}, operation("customers.see_everything")])
async def test_a_route_without_a_known_permission_stops_the_start(
    shared_bank: Bank, redis_url: str, monkeypatch: pytest.MonkeyPatch, declaration: dict[str, Any]
) -> None:
    monkeypatch.setattr(main, "SLICES", (*main.SLICES, _Part(**declaration)))
    with pytest.raises(UndeclaredPermissionError, match="GET /v1/planted"):
        make_app(shared_bank, redis_url)


async def test_a_route_that_hides_from_the_document_is_still_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.app.include_router(_Part(include_in_schema=False).router)
    assert (await api.call("H1", "GET", "/v1/planted")).status_code == 500


async def test_a_role_that_ended_gives_nothing_after_the_next_publication(
    own_api: Api, own_bank: Bank
) -> None:
    assert (await own_api.call("M1", "GET", "/v1/customers")).status_code == 200
    next_day = bank.DAY.replace(month=7, day=1)
    roles = [{"employee_id": "M1", "org_id": "B3", "role": "teller"}]
    await asyncio.to_thread(
        bank.publish, own_bank.database.acrm_owner, next_day, {"employee_roles": roles}
    )
    assert (await own_api.call("M1", "GET", "/v1/customers")).status_code == 403
    assert (await own_api.get("M1", "/v1/me"))["roles"] == [{"role": "teller", "org_id": "B3"}]
