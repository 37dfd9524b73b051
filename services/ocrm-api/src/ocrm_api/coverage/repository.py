"""Queries of coverage."""

from datetime import date
from typing import Any

from sqlalchemy import Row, Text, and_, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.db import fetch
from ocrm_api.published import COVERAGE, COVERAGE_DECISIONS, EMPLOYEES
from ocrm_api.scope import Scope, within


async def rows_of_customer(
    session: AsyncSession, scope: Scope, day: date, customer_id: int
) -> list[dict[str, Any]]:
    """Who leads and assists at the viewer's branches, lead first."""
    c = COVERAGE.c
    statement = (
        select(
            c.branch_id, c.role, c.manager_id, c.lead_branch_id,
            case((c.role == "lead", c.rule)).label("rule"),
        )
        .where(c.business_date == day, c.customer_id == customer_id, within(c.branch_id, scope))
        .order_by(c.role.desc(), c.branch_id)
    )  # fmt: skip
    return await fetch(session, statement)


async def decision(
    session: AsyncSession, scope: Scope, day: date, customer_id: int
) -> Row[Any] | None:
    """The decision of the night, for the lead's side only."""
    c = COVERAGE_DECISIONS.c
    statement = select(COVERAGE_DECISIONS, cast(c.inputs, Text).label("inputs_text")).where(
        c.business_date == day, c.customer_id == customer_id, within(c.lead_branch_id, scope)
    )
    return (await session.execute(statement)).one_or_none()


async def counts_of_branch(
    session: AsyncSession, scope: Scope, day: date, branch_id: str
) -> list[dict[str, Any]]:
    """Customers per manager of a branch of the scope."""
    c, employee = COVERAGE.c, EMPLOYEES.c
    leads = c.role == "lead"
    statement = (
        select(
            c.manager_id,
            func.max(employee.name).label("name"),
            func.count().filter(leads).label("lead_customers"),
            func.count().filter(~leads).label("assist_customers"),
            func.count().filter(leads, c.is_key_customer).label("key_customers"),
        )
        .select_from(COVERAGE)
        .outerjoin(
            EMPLOYEES, and_(employee.business_date == day, employee.employee_id == c.manager_id)
        )
        .where(c.business_date == day, c.branch_id == branch_id, within(c.branch_id, scope))
        .group_by(c.manager_id)
        .order_by(c.manager_id)
    )
    return await fetch(session, statement)
