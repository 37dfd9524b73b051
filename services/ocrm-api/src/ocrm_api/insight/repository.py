"""Queries of indicators, holdings and tags."""

from datetime import date
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Text, cast, literal, null, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.db import fetch
from ocrm_api.json_responses import as_is
from ocrm_api.pagination import Page, SortKey, page_of, paginate
from ocrm_api.published import (
    BRANCH_INDICATORS,
    CUSTOMER_BRANCH_INDICATORS,
    CUSTOMER_INDICATORS,
    CUSTOMER_TAGS,
    DICTIONARY,
    HOLDINGS,
)
from ocrm_api.scope import Scope, within

MAX_HOLDINGS = 500
MAX_DAYS = 400


async def holdings(
    session: AsyncSession, scope: Scope, day: date, customer_id: int
) -> list[dict[str, Any]]:
    """All holdings for the lead's side, else the viewer's branches'; one more than is shown."""
    c = HOLDINGS.c
    statement = (
        select(
            c.kind, c.holding_id, c.branch_id, c.product, c.currency, c.balance, c.opened_on,
            c.matures_on, c.status, cast(c.details, Text).label("details"),
        )
        .where(
            c.business_date == day,
            c.customer_id == customer_id,
            or_(within(c.lead_branch_id, scope), within(c.branch_id, scope)),
        )
        .order_by(c.kind, c.holding_id)
        .limit(MAX_HOLDINGS + 1)
    )  # fmt: skip
    return await fetch(session, statement)


async def indicators(
    session: AsyncSession, scope: Scope, day: date, customer_id: int, *, leads: bool
) -> list[dict[str, Any]]:
    """The union's indicators where the viewer leads, else one entry per branch of the viewer."""
    days = await indicator_days(session, scope, customer_id, leads=leads, until=day, since=day)
    return days.get(day, [])


async def indicator_days(
    session: AsyncSession,
    scope: Scope,
    customer_id: int,
    *,
    leads: bool,
    until: date,
    since: date | None,
) -> dict[date, list[dict[str, Any]]]:
    """Indicators by business date, newest first.

    Who does not lead today sees the own branches' values on every day, also on those on which the
    viewer's branch still led. Who leads today sees the same for days on which another branch did.
    """
    whole, own = CUSTOMER_INDICATORS.c, CUSTOMER_BRANCH_INDICATORS.c

    def days(column: ColumnElement[date]) -> list[ColumnElement[bool]]:
        bounds = [column <= until]
        return bounds if since is None else [*bounds, column >= since]

    statement = union_all(
        select(
            whole.business_date,
            cast(null(), Text).label("branch_id"),
            cast(whole.indicators, Text).label("values"),
        ).where(
            literal(leads),
            whole.customer_id == customer_id,
            within(whole.lead_branch_id, scope),
            *days(whole.business_date),
        ),
        select(own.business_date, own.branch_id, cast(own.indicators, Text)).where(
            own.customer_id == customer_id, within(own.branch_id, scope), *days(own.business_date)
        ),
    )
    found: dict[date, list[dict[str, Any]]] = {}
    for row in await fetch(session, statement):
        found.setdefault(row["business_date"], []).append(
            {"branch_id": row["branch_id"], "values": as_is(row["values"])}
        )
    newest = sorted(found, reverse=True)[:MAX_DAYS]
    return {day: _widest(found[day]) for day in newest}


def _widest(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    whole = [entry for entry in entries if entry["branch_id"] is None]
    return whole or sorted(entries, key=lambda entry: str(entry["branch_id"]))


async def tags(session: AsyncSession, scope: Scope, day: date, customer_id: int) -> list[str]:
    """The customer's tags, for the lead's side only: they speak of the whole union."""
    c = CUSTOMER_TAGS.c
    statement = select(c.tags).where(
        c.business_date == day, c.customer_id == customer_id, within(c.lead_branch_id, scope)
    )
    return list((await session.execute(statement)).scalar_one_or_none() or [])


async def dictionary(
    session: AsyncSession, day: date, page: Page, kind: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Entries of the dictionary, by code."""
    c = DICTIONARY.c
    statement = select(*(column for column in c if column.name != "business_date")).where(
        c.business_date == day
    )
    if kind is not None:
        statement = statement.where(c.kind == kind)
    keys = [SortKey("code", c.code)]
    bound = {"list": "dictionary", "kind": kind}
    rows = await fetch(session, paginate(statement, keys, page, bound))
    return page_of(rows, keys, page, bound)


async def branch_indicators(
    session: AsyncSession, scope: Scope, day: date, branch_id: str
) -> orjson.Fragment | None:
    """The indicators of a branch of the scope."""
    c = BRANCH_INDICATORS.c
    statement = select(cast(c.indicators, Text)).where(
        c.business_date == day, c.org_id == branch_id, within(c.org_id, scope)
    )
    found = (await session.execute(statement)).scalar_one_or_none()
    return None if found is None else as_is(found)
