"""The organisation as every employee may see it, and the viewer."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from crm_shared.landing.tables import ROLES
from ocrm_api.db import Session
from ocrm_api.json_responses import json_response
from ocrm_api.lists import ListOf
from ocrm_api.organisation import repository
from ocrm_api.organisation.schemas import Employee, Me, OrgTree
from ocrm_api.pagination import Page, requested_page
from ocrm_api.permissions import AUTHENTICATED
from ocrm_api.problems import InvalidCursor, NothingPublished
from ocrm_api.security import BusinessDate, CurrentViewer, operation

router = APIRouter(prefix="/v1", tags=["organisation"])


@router.get(
    "/org-units",
    response_model=OrgTree,
    summary="The organisation as a tree",
    **operation("organisation.read", NothingPublished),
)
async def list_org_units(*, session: Session, day: BusinessDate) -> Response:
    """Union, legal entities and branches on the business date."""
    units = [row | {"children": []} for row in await repository.org_units(session, day)]
    return json_response({"business_date": day, "items": _tree(units)})


def _tree(units: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_id = {unit["org_id"]: unit for unit in units}
    roots: list[dict[str, Any]] = []
    for unit in units:
        parent = by_id.get(unit["parent_id"])
        (roots if parent is None else parent["children"]).append(unit)
    return roots


@router.get(
    "/employees",
    response_model=ListOf[Employee],
    summary="Employees and their roles",
    **operation("organisation.read", NothingPublished, InvalidCursor),
)
async def list_employees(
    *,
    session: Session,
    day: BusinessDate,
    page: Annotated[Page, Depends(requested_page)],
    org_id: Annotated[str | None, Query(max_length=32, examples=["B0101"])] = None,
    role: Annotated[
        str | None, Query(max_length=32, json_schema_extra={"enum": list(ROLES)})
    ] = None,
) -> Response:
    """Employees by id; with `org_id` or `role`, those who hold that role there."""
    items, cursor = await repository.employees(session, day, page, org_id=org_id, role=role)
    return json_response({"items": items, "next_cursor": cursor})


@router.get("/me", response_model=Me, summary="Who is logged in", **operation(AUTHENTICATED))
async def show_me(*, session: Session, viewer: CurrentViewer) -> Response:
    """The viewer's roles in force and where each permission holds."""
    day = viewer.published_on
    name = await repository.employee_name(session, day, viewer.employee_id) if day else None
    return json_response(
        {
            "login": viewer.login,
            "employee_id": viewer.employee_id,
            "name": name,
            "business_date": day,
            "roles": [{"role": held.role, "org_id": held.org_id} for held in viewer.roles],
            "permissions": await repository.branches_by_permission(session, viewer.session_id),
        }
    )
