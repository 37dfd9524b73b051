"""Queries of customers. Lists start from coverage, branch first, with the sort key in the index."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.db import fetch
from ocrm_api.pagination import Page, SortKey, page_of, paginate
from ocrm_api.published import COVERAGE, CUSTOMERS
from ocrm_api.scope import Scope, meets, within


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers a list is about; `manager_id` makes it that manager's portfolio."""

    manager_id: str | None = None
    role: str | None = None
    phone_index: bytes | None = None
    document_index: bytes | None = None
    name_prefix: str | None = None

    def fingerprint(self) -> dict[str, Any]:
        """What a cursor is bound to."""
        return {
            "list": "customers",
            "manager_id": self.manager_id,
            "role": self.role,
            "phone": self.phone_index.hex() if self.phone_index else None,
            "document": self.document_index.hex() if self.document_index else None,
            "name_prefix": self.name_prefix,
        }


async def list_customers(
    session: AsyncSession, scope: Scope, day: date, wanted: CustomerFilter, *, sort: str, page: Page
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of customers at the amounts of the scope; each customer once."""
    if len(scope.branch_ids) == 1 and wanted.manager_id is None:
        covered = _of_one_branch(scope, day, wanted)
    else:
        covered = _of_scope(scope, day, wanted)
    if personal := _personal(wanted):
        c = CUSTOMERS.c
        found = select(c.customer_id).where(c.business_date == day, *personal)
        covered = covered.where(COVERAGE.c.customer_id.in_(found))
    rows, bound = covered.subquery("covered"), wanted.fingerprint()
    # The page first, identities for its rows only.
    inner = paginate(select(rows), _keys(rows, sort), page, bound).subquery("page")
    keys = _keys(inner, sort)
    statement = _with_identity(inner, day).order_by(*(key.order() for key in keys))
    return page_of(await fetch(session, statement), keys, page, bound)


def _keys(rows: Subquery, sort: str) -> list[SortKey]:
    names = dict.fromkeys((sort.lstrip("-"), "customer_id"))
    return [SortKey(name, rows.c[name], sort.startswith("-")) for name in names]


def _with_identity(rows: Subquery, day: date) -> Select[Any]:
    customer = CUSTOMERS.c
    same = and_(customer.business_date == day, customer.customer_id == rows.c.customer_id)
    return select(rows, customer.customer_type, customer.name, customer.phone_masked).join_from(
        rows, CUSTOMERS, same
    )


def _personal(wanted: CustomerFilter) -> list[ColumnElement[bool]]:
    customer = CUSTOMERS.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.phone_index is not None:
        conditions.append(customer.phone_index == wanted.phone_index)
    if wanted.document_index is not None:
        conditions.append(customer.document_index == wanted.document_index)
    if wanted.name_prefix is not None:
        conditions.append(customer.name.startswith(wanted.name_prefix, autoescape=True))
    return conditions


def _of_one_branch(scope: Scope, day: date, wanted: CustomerFilter) -> Select[Any]:
    """One row per customer of the branch, straight from the index.

    The lead branch's second manager has an assist row there; the lead row stands for both.
    """
    c = COVERAGE.c
    branch = scope.branch_ids[0]
    second = and_(c.role == "assist", c.lead_branch_id == branch)
    statement = select(
        c.customer_id, c.role, c.manager_id, c.lead_branch_id,
        case((c.role == "lead", c.is_key_customer)).label("is_key_customer"),
        c.deposit_balance, c.loan_balance,
        case((c.role == "lead", "union"), else_="branch").label("amounts"),
    ).where(c.business_date == day, c.branch_id == branch, ~second)  # fmt: skip
    return statement if wanted.role is None else statement.where(c.role == wanted.role)


def _of_scope(scope: Scope, day: date, wanted: CustomerFilter) -> Select[Any]:
    """One row per customer of several branches or of one manager.

    A lead row in the scope has the union's amounts; without one, the scope's own rows are summed.
    """
    c = COVERAGE.c
    leads = c.role == "lead"
    role: ColumnElement[Any] = func.max(c.role)
    if wanted.manager_id is not None:
        role = role.filter(c.manager_id == wanted.manager_id)

    def amount(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.coalesce(func.max(column).filter(leads), func.sum(column)).label(column.key)

    statement = (
        select(
            c.customer_id,
            role.label("role"),
            func.coalesce(func.max(c.manager_id).filter(leads), func.min(c.manager_id)).label(
                "manager_id"
            ),
            func.max(c.lead_branch_id).label("lead_branch_id"),
            func.bool_or(c.is_key_customer).filter(leads).label("is_key_customer"),
            amount(c.deposit_balance),
            amount(c.loan_balance),
            case((func.bool_or(leads), literal("union")), else_="branch").label("amounts"),
        )
        .where(c.business_date == day, within(c.branch_id, scope))
        .group_by(c.customer_id)
    )
    if wanted.manager_id is not None:
        mine = COVERAGE.alias("mine").c
        statement = statement.where(
            c.customer_id.in_(
                select(mine.customer_id).where(
                    mine.business_date == day,
                    within(mine.branch_id, scope),
                    mine.manager_id == wanted.manager_id,
                )
            )
        )
    return statement if wanted.role is None else statement.having(role == wanted.role)


async def customer(
    session: AsyncSession, scope: Scope, day: date, customer_id: int
) -> Row[Any] | None:
    """One customer whom a branch of the scope covers, encrypted columns included."""
    c = CUSTOMERS.c
    statement = select(CUSTOMERS).where(
        c.business_date == day, c.customer_id == customer_id, meets(c.covering_branch_ids, scope)
    )
    return (await session.execute(statement)).one_or_none()


async def is_visible(session: AsyncSession, scope: Scope, day: date, customer_id: int) -> bool:
    """Whether a branch of the scope covers the customer."""
    c = CUSTOMERS.c
    statement = select(c.customer_id).where(
        c.business_date == day, c.customer_id == customer_id, meets(c.covering_branch_ids, scope)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def lead_in_scope(session: AsyncSession, scope: Scope, day: date, customer_id: int) -> bool:
    """Whether a branch of the scope leads the customer."""
    c = COVERAGE.c
    statement = select(c.customer_id).where(
        c.business_date == day,
        c.customer_id == customer_id,
        c.role == "lead",
        within(c.branch_id, scope),
    )
    return (await session.execute(statement)).one_or_none() is not None
