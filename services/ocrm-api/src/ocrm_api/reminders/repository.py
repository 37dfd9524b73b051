"""Queries of reminders and of their stream. Scope: the lead branch, and the branch whose business
it is about."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.db import fetch
from ocrm_api.pagination import Page, SortKey, page_of, paginate
from ocrm_api.published import CUSTOMERS, ORG_UNITS
from ocrm_api.reminders.models import Reminder, ReminderEvent
from ocrm_api.reminders.transitions import OPEN
from ocrm_api.scope import UNROUTED, Scope, scope_of, within

COUNT_CAP = 10_000
#: A heartbeat comes every two seconds, and a transaction of the intake takes 30 at most.
STALE_SECONDS = 60
_TABLE = Reminder.__table__
_COLUMNS = (
    "reminder_id", "rule_code", "customer_id", "branch_id", "lead_branch_id", "owner_id", "status",
    "priority", "business_date", "due_on", "amount", "currency", "facts", "late", "raised_at",
    "seen_at", "seen_by", "acknowledged_at", "acknowledged_by", "snoozed_at", "snoozed_by",
    "snoozed_until_on", "snoozed_until_event", "done_at", "done_by", "outcome_code", "note",
    "waiting_since", "escalated_at", "escalated_to", "withdrawn_at", "withdrawn_by",
    "withdrawn_reason", "expired_at", "version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReminderFilter:
    """Which reminders a list is about: a manager's own, those that went to a head, or all."""

    owner_id: str | None = None
    escalated_to: str | None = None
    statuses: tuple[str, ...] = OPEN
    rule_code: str | None = None
    customer_id: int | None = None
    due_from: date | None = None
    due_until: date | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The WHERE of the list, without the scope."""
        conditions: list[ColumnElement[bool]] = [Reminder.status.in_(self.statuses)]
        for name in ("owner_id", "escalated_to", "rule_code", "customer_id"):
            if (value := getattr(self, name)) is not None:
                conditions.append(_TABLE.c[name] == value)
        if self.due_from is not None:
            conditions.append(Reminder.due_on >= self.due_from)
        if self.due_until is not None:
            conditions.append(Reminder.due_on <= self.due_until)
        return conditions

    def fingerprint(self) -> dict[str, Any]:
        """What a cursor is bound to."""
        return {"list": "reminders", **asdict(self)}


def visible(scope: Scope, table: FromClause = _TABLE) -> ColumnElement[bool]:
    """The scope's branches lead the customer, or the business is theirs."""
    return or_(within(table.c.lead_branch_id, scope), within(table.c.branch_id, scope))


def _select(day: date | None) -> Select[Any]:
    customer = CUSTOMERS.c
    return select(
        *(_TABLE.c[name] for name in _COLUMNS), customer.name.label("customer_name")
    ).join_from(
        _TABLE,
        CUSTOMERS,
        and_(customer.business_date == day, customer.customer_id == _TABLE.c.customer_id),
        isouter=True,
    )


def sort_keys(sort: str) -> list[SortKey]:
    """The order of a list, such as `priority,-raised_at`, ending in the id."""
    parts = sort.split(",")
    down = parts[0].startswith("-")
    keys = {
        part.lstrip("-"): SortKey(
            part.lstrip("-"),
            _TABLE.c[part.lstrip("-")],
            part.startswith("-"),
            nullable=part.lstrip("-") == "due_on",
        )
        for part in parts
    }
    return [*keys.values(), SortKey("reminder_id", _TABLE.c.reminder_id, down)]


async def list_reminders(
    session: AsyncSession,
    scope: Scope,
    day: date | None,
    wanted: ReminderFilter,
    *,
    sort: str,
    page: Page,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of reminders."""
    statement = _select(day).where(visible(scope), *wanted.conditions())
    keys, bound = sort_keys(sort), wanted.fingerprint()
    rows = await fetch(session, paginate(statement, keys, page, bound))
    return page_of(rows, keys, page, bound)


async def counts(
    session: AsyncSession, scope: Scope, wanted: ReminderFilter
) -> tuple[list[dict[str, Any]], bool]:
    """Counts per status and rule, over at most `COUNT_CAP` reminders."""
    some = (
        select(Reminder.status, Reminder.rule_code)
        .where(visible(scope), *wanted.conditions())
        .limit(COUNT_CAP + 1)
        .subquery()
    )
    statement = (
        select(some.c.status, some.c.rule_code, func.count().label("count"))
        .group_by(some.c.status, some.c.rule_code)
        .order_by(some.c.status, some.c.rule_code)
    )
    rows = await fetch(session, statement)
    return rows, sum(row["count"] for row in rows) > COUNT_CAP


async def one(
    session: AsyncSession, scope: Scope, day: date | None, reminder_id: UUID
) -> dict[str, Any] | None:
    """One reminder of the scope."""
    statement = _select(day).where(visible(scope), _TABLE.c.reminder_id == reminder_id)
    return next(iter(await fetch(session, statement)), None)


async def some(
    session: AsyncSession, scope: Scope, day: date | None, reminder_ids: Collection[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Reminders of the scope by id; what is out of scope is left out."""
    statement = _select(day).where(visible(scope), _TABLE.c.reminder_id.in_(reminder_ids))
    return {row["reminder_id"]: row for row in await fetch(session, statement)}


async def to_change(
    session: AsyncSession, scope: Scope, reminder_ids: Collection[UUID]
) -> dict[UUID, Reminder]:
    """Reminders of the scope by id, locked until the commit, in the order of their ids."""
    statement = (
        select(Reminder)
        .where(visible(scope), Reminder.reminder_id.in_(reminder_ids))
        .order_by(Reminder.reminder_id)
        .with_for_update()
    )
    return {one.reminder_id: one for one in (await session.execute(statement)).scalars()}


async def legal_entities(
    session: AsyncSession, day: date | None, branch_ids: Collection[str]
) -> dict[str, str]:
    """The legal entity of each of these branches; one that was not published is left out."""
    unit = ORG_UNITS.c
    statement = select(unit.org_id, unit.legal_entity_id).where(
        unit.business_date == day, unit.org_id.in_(branch_ids)
    )
    return {row.org_id: row.legal_entity_id for row in await session.execute(statement)}


async def history(session: AsyncSession, scope: Scope, reminder_id: UUID) -> list[dict[str, Any]]:
    """What happened to a reminder of the scope since it was raised, oldest first.

    By version, since `occurred_at` is when a transaction began, not when it had its turn.
    """
    known = select(_TABLE).where(visible(scope), _TABLE.c.reminder_id == reminder_id).exists()
    statement = (
        select(
            text(
                "occurred_at, employee_id, substr(action, 10) as event,"
                " details ->> 'from' as from_status, details ->> 'to' as to_status,"
                " details ->> 'reason' as reason, details ->> 'source' as source,"
                " details ->> 'head_id' as head_id,"
                " cast(details ->> 'version' as integer) as version"
            )
        )
        .select_from(text("ocrm.audit_log"))
        .where(
            text("subject_type = 'reminder' and subject_id = cast(:subject as text)").bindparams(
                subject=str(reminder_id)
            ),
            known,
        )
        .order_by(text("version nulls first, audit_id"))
    )
    return await fetch(session, statement)


async def open_of_customer(
    session: AsyncSession, scope: Scope, day: date | None, customer_id: int
) -> list[dict[str, Any]]:
    """The customer's open reminders, most pressing first, at most 50."""
    statement = (
        _select(day)
        .where(visible(scope), _TABLE.c.customer_id == customer_id, _TABLE.c.status.in_(OPEN))
        .order_by(_TABLE.c.priority, _TABLE.c.raised_at.desc(), _TABLE.c.reminder_id)
        .limit(50)
    )
    rows = await fetch(session, statement)
    return rows


class StreamState(NamedTuple):
    """The last event of the stream, and the last one that is no longer kept."""

    last: int
    trimmed_until: int


async def stream_state(session: AsyncSession) -> StreamState:
    """Where the stream is. Everything up to `last` is visible: numbers come in commit order."""
    row = (
        await session.execute(text("select last_sequence, trimmed_until from ocrm.reminder_stream"))
    ).one()
    return StreamState(row.last_sequence, row.trimmed_until)


async def events_after(
    session: AsyncSession,
    scope: Scope,
    day: date | None,
    position: int,
    until: int,
    *,
    owner_id: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Events in (position, until] with their reminders as they are now."""
    event = ReminderEvent
    statement = (
        _select(day)
        .add_columns(event.sequence, event.kind)
        .join(event, event.reminder_id == _TABLE.c.reminder_id)
        .where(visible(scope), event.sequence > position, event.sequence <= until)
        .order_by(event.sequence)
        .limit(limit)
    )
    if owner_id is not None:
        statement = statement.where(or_(event.owner_id == owner_id, event.head_id == owner_id))
    rows = await fetch(session, statement)
    return rows


class Audience(NamedTuple):
    """Whom an event concerns."""

    branch_id: str
    lead_branch_id: str
    owner_id: str | None
    head_id: str | None


async def every_branch(session: AsyncSession) -> Scope:
    """The scope that sees every event, for the one reader that only tells others to look."""
    rows = await session.execute(
        select(ORG_UNITS.c.org_id).where(ORG_UNITS.c.org_type == "branch").distinct()
    )
    return scope_of([*rows.scalars(), UNROUTED])


async def audiences(session: AsyncSession, scope: Scope, after: int, until: int) -> list[Audience]:
    """Whom the events in (after, until] concern."""
    event = ReminderEvent
    statement = select(event.branch_id, event.lead_branch_id, event.owner_id, event.head_id).where(
        event.sequence > after, event.sequence <= until, visible(scope, event.__table__)
    )
    return [Audience(*row) for row in await session.execute(statement)]


async def intake_status(session: AsyncSession, scope: Scope) -> dict[str, Any]:
    """Whether one turns; its workers, unsettled dead letters, open reminders of the scope."""
    workers = await fetch(
        session,
        text(
            "select worker, started_at, heartbeat_at, partitions, lag, records,"
            " heartbeat_at < now() - make_interval(secs => :seconds) as stale"
            " from ocrm.intake_status order by worker"
        ).bindparams(seconds=STALE_SECONDS),
    )
    dead = await session.execute(
        text("select count(*) from ocrm.intake_dead_letters where settled_at is null")
    )
    open_ones = await session.execute(
        select(func.count()).where(visible(scope), Reminder.status.in_(OPEN))
    )
    fresh = any(not worker["stale"] for worker in workers)
    return {
        "status": "running" if fresh else "stale" if workers else "stopped",
        "workers": workers,
        "dead_letters": dead.scalar_one(),
        "unrouted": open_ones.scalar_one(),
    }
