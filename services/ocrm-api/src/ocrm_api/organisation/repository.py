"""Queries of organisation units and employees. They are visible to every employee."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.db import fetch
from ocrm_api.pagination import Page, SortKey, page_of, paginate
from ocrm_api.published import EMPLOYEE_ROLES, EMPLOYEES, ORG_UNITS


async def org_units(session: AsyncSession, day: date) -> list[dict[str, Any]]:
    """Every unit, by id."""
    unit = ORG_UNITS.c
    statement = (
        select(unit.org_id, unit.parent_id, unit.org_type, unit.name_zh, unit.name_en, unit.region)
        .where(unit.business_date == day)
        .order_by(unit.org_id)
    )
    return await fetch(session, statement)


async def employees(
    session: AsyncSession, day: date, page: Page, *, org_id: str | None, role: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Employees by id, those with a role at a unit where one is asked for."""
    employee, held = EMPLOYEES.c, EMPLOYEE_ROLES.c
    pair = func.jsonb_build_object(cast("role", Text), held.role, cast("org_id", Text), held.org_id)
    roles = (
        select(
            func.coalesce(
                func.jsonb_agg(aggregate_order_by(pair, held.role, held.org_id)),
                text("'[]'::jsonb"),
                type_=JSONB,
            )
        )
        .where(held.business_date == day, held.employee_id == employee.employee_id)
        .scalar_subquery()
    )
    statement = select(
        employee.employee_id, employee.name, employee.home_org_id, roles.label("roles")
    ).where(employee.business_date == day)
    if org_id is not None or role is not None:
        matching = select(held.employee_id).where(held.business_date == day)
        matching = matching.where(held.org_id == org_id) if org_id is not None else matching
        matching = matching.where(held.role == role) if role is not None else matching
        statement = statement.where(employee.employee_id.in_(matching))
    keys = [SortKey("employee_id", employee.employee_id)]
    bound = {"list": "employees", "org_id": org_id, "role": role}
    rows = await fetch(session, paginate(statement, keys, page, bound))
    return page_of(rows, keys, page, bound)


async def employee_name(session: AsyncSession, day: date, employee_id: str) -> str | None:
    """The name of an employee on the date."""
    statement = select(EMPLOYEES.c.name).where(
        EMPLOYEES.c.business_date == day, EMPLOYEES.c.employee_id == employee_id
    )
    name: str | None = (await session.execute(statement)).scalar_one_or_none()
    return name


async def branches_by_permission(session: AsyncSession, session_id: UUID) -> dict[str, list[str]]:
    """The permissions of a session and the branches in which each holds."""
    rows = await session.execute(
        text(
            "select held.key as permission, c.branch_ids from ocrm.sessions s"
            " cross join lateral jsonb_each_text(s.scopes) held"
            " join ocrm.scopes c on c.scope_key = held.value"
            " where s.session_id = :session_id order by held.key"
        ),
        {"session_id": session_id},
    )
    return {row.permission: list(row.branch_ids) for row in rows}
