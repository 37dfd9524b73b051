"""Queries of the day list. Scope: what the scope's branches lead, so amounts are the union's."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import CTE, BigInteger, Numeric, Select, Uuid, column, exists, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from ocrm_api.day_list.ranking import SCORED
from ocrm_api.db import fetch
from ocrm_api.pagination import Page, SortKey, page_of, paginate
from ocrm_api.published import EMPLOYEES, ORG_UNITS
from ocrm_api.reminders.models import Reminder
from ocrm_api.reminders.transitions import OPEN
from ocrm_api.scope import Scope, within

Line = Literal["all", "above", "below"]


class Wanted(NamedTuple):
    """Whose list, of which day, by which publication, and how its score is weighed."""

    owner_id: str
    today: date
    published_on: date | None
    weights: Mapping[str, int]
    #: So many customers are above the line.
    above: int
    line: Line


def _scored(scope: Scope, wanted: Wanted) -> CTE:
    """A row for each open reminder, with its score and what mutes it."""
    return (
        text(SCORED)
        .bindparams(
            owner=wanted.owner_id,
            branches=list(scope.branch_ids),
            today=wanted.today,
            published=wanted.published_on,
            **{f"weight_{code}": weight for code, weight in wanted.weights.items()},
        )
        .columns(
            column("reminder_id", Uuid),
            column("customer_id", BigInteger),
            column("muted_by", Uuid),
            column("score", Numeric),
        )
        .cte("scored")
    )


def _ranked(scope: Scope, wanted: Wanted) -> Select[Any]:
    """A row for each customer with something to do: rank, score, reminders with components."""
    one = _scored(scope, wanted).c
    groups = (
        select(one.customer_id, func.max(one.score).filter(one.muted_by.is_(None)).label("score"))
        .group_by(one.customer_id)
        .having(func.count().filter(one.muted_by.is_(None)) > 0)
        .cte("groups")
    )
    rank = func.row_number().over(order_by=(groups.c.score.desc(), groups.c.customer_id))
    ranked = select(groups, rank.label("rank")).cte("ranked")
    members = (
        select(
            func.jsonb_agg(
                text(
                    "to_jsonb(scored) order by scored.muted_by is not null, scored.score desc,"
                    " scored.priority, scored.reminder_id"
                ),
                type_=JSONB,
            )
        )
        .where(one.customer_id == ranked.c.customer_id)
        .scalar_subquery()
    )
    statement = select(ranked, members.label("members"))
    if wanted.line == "above":
        return statement.where(ranked.c.rank <= wanted.above)
    return statement.where(ranked.c.rank > wanted.above) if wanted.line == "below" else statement


async def customers_to_see_to(
    session: AsyncSession, scope: Scope, wanted: Wanted, page: Page
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the list, best first."""
    statement = _ranked(scope, wanted)
    columns = statement.selected_columns
    keys = [
        SortKey("score", columns["score"], descending=True),
        SortKey("customer_id", columns["customer_id"]),
    ]
    bound = {
        "list": "day",
        "owner_id": wanted.owner_id,
        "line": wanted.line,
        "today": wanted.today,
        "weights": [weight for _, weight in sorted(wanted.weights.items())],
    }
    rows = await fetch(session, paginate(statement, keys, page, bound))
    return page_of(rows, keys, page, bound)


async def place_of_customer(
    session: AsyncSession, scope: Scope, wanted: Wanted, customer_id: int
) -> dict[str, Any] | None:
    """A customer's row of the list; None where nothing of him is to be done now."""
    ranked = _ranked(scope, wanted).subquery()
    found = await fetch(session, select(ranked).where(ranked.c.customer_id == customer_id))
    return next(iter(found), None)


async def customers_seen_to(
    session: AsyncSession, scope: Scope, owner_id: str, since: datetime
) -> int:
    """Of how many customers a manager's reminders were finished since an instant, and none is
    open: whoever still has one stands in the list and takes his place there."""
    still = aliased(Reminder)
    statement = select(func.count(Reminder.customer_id.distinct())).where(
        Reminder.owner_id == owner_id,
        Reminder.status == "done",
        Reminder.done_at >= since,
        within(Reminder.lead_branch_id.expression, scope),
        ~exists().where(
            still.customer_id == Reminder.customer_id,
            still.owner_id == owner_id,
            still.status.in_(OPEN),
        ),
    )
    return (await session.execute(statement)).scalar_one()


async def legal_entity_of(session: AsyncSession, day: date | None, owner_id: str) -> str | None:
    """The legal entity of an employee's home, or of a virtual manager's branch."""
    home = (
        select(EMPLOYEES.c.home_org_id)
        .where(EMPLOYEES.c.business_date == day, EMPLOYEES.c.employee_id == owner_id)
        .scalar_subquery()
    )
    branch = owner_id.removeprefix("V:") if owner_id.startswith("V:") else home
    statement = select(ORG_UNITS.c.legal_entity_id).where(
        ORG_UNITS.c.business_date == day, ORG_UNITS.c.org_id == branch
    )
    return (await session.execute(statement)).scalar_one_or_none()
