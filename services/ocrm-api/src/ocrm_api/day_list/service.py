"""The day list as its reader sees it: what to do first, and why."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared import clock
from crm_shared.clock import BANK_ZONE
from ocrm_api import parameters
from ocrm_api.day_list import repository, texts
from ocrm_api.day_list.ranking import COMPONENTS, DAILY_BUDGET, Component
from ocrm_api.day_list.repository import Line, Wanted
from ocrm_api.languages import Language
from ocrm_api.pagination import Page
from ocrm_api.reminders import repository as reminders
from ocrm_api.reminders.service import shown
from ocrm_api.scope import Scope
from ocrm_api.sessions import Viewer

Row = Mapping[str, Any]


async def day_list(
    session: AsyncSession,
    viewer: Viewer,
    owner_id: str,
    *,
    line: Line,
    page: Page,
    language: Language,
) -> dict[str, Any]:
    """A page of a manager's list of today, by the parameters of his legal entity."""
    scope, day = viewer.scope, viewer.published_on
    wanted, budget = await todays(session, scope, day, owner_id, line)
    groups, cursor = await repository.customers_to_see_to(session, scope, wanted, page)
    ids = [UUID(member["reminder_id"]) for group in groups for member in group["members"]]
    known = await reminders.some(session, scope, day, ids)
    return {
        "day": wanted.today,
        "owner_id": owner_id,
        "budget": budget,
        "items": [
            one for group in groups if (one := _group(group, known, wanted, language)) is not None
        ],
        "next_cursor": cursor,
    }


async def todays(
    session: AsyncSession, scope: Scope, day: date | None, owner_id: str, line: Line
) -> tuple[Wanted, dict[str, int]]:
    """A manager's list of today, and the budget of it, by the parameters of his legal entity."""
    today = clock.bank_date(clock.now())
    entity = await repository.legal_entity_of(session, day, owner_id) or parameters.EVERY
    values = await parameters.in_force(session, today)
    weights: dict[str, int] = {one.code: values.of(one.weight, entity) for one in COMPONENTS}
    midnight = datetime.combine(today, time(0), BANK_ZONE)
    budget = values.of(DAILY_BUDGET, entity)
    seen_to = await repository.customers_seen_to(session, scope, owner_id, midnight)
    above = max(0, budget - seen_to)
    wanted = Wanted(owner_id, today, day, weights, above, line)
    return wanted, {"customers": budget, "seen_to": seen_to, "left": above}


def _group(
    group: Row, known: Mapping[UUID, Row], wanted: Wanted, language: Language
) -> dict[str, Any] | None:
    """A customer; None where nothing is left of him since he was ranked."""
    members = [
        (member, known[UUID(member["reminder_id"])])
        for member in group["members"]
        if UUID(member["reminder_id"]) in known
    ]
    if not members:
        return None
    items = [_item(member, row, wanted, language) for member, row in members]
    first = members[0][1]
    best = sorted(items[0]["components"], key=lambda one: one["points"], reverse=True)
    return {
        "rank": group["rank"],
        "above_line": group["rank"] <= wanted.above,
        "score": float(group["score"]),
        "why": texts.why([one["detail"] for one in best], language),
        "customer_id": group["customer_id"],
        "customer_name": first["customer_name"],
        "reminders": items,
    }


def _item(member: Row, row: Row, wanted: Wanted, language: Language) -> dict[str, Any]:
    return {
        "score": member["score"],
        "components": [_component(one, member, row, wanted, language) for one in COMPONENTS],
        "muted_by": member["muted_by"],
        "reminder": shown(row, language),
    }


def _component(
    component: Component, member: Row, row: Row, wanted: Wanted, language: Language
) -> dict[str, Any]:
    code = component.code
    return {
        "code": code,
        "name": component.name.in_(language),
        "value": member[code],
        "weight": wanted.weights[code],
        "points": member[f"{code}_points"],
        "detail": texts.detail(code, member, row, wanted.today, language),
    }
