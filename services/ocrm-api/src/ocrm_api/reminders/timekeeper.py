"""What time does to reminders: snoozed ones wake on their day, those that nobody answers go to the
head, what is past its use expires.

Every process of the interface has a timekeeper. One of them works at a time, a part in each
transaction, and what it did it does not find again; so it may be killed at any moment.

Snoozes end by the bank's calendar, and a head is called after so many working hours. Expiry counts
from the published business date, not from today: after a night without a publication nothing is
older than it was. Who came to the lobby is gone when his day is published.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared import clock, logging
from crm_shared.postgres import advisory_key
from crm_shared.working_time import WorkingTime
from ocrm_api import parameters, scope, tasks
from ocrm_api.access import current_publication
from ocrm_api.db import Database, database_error, is_undefined_relation, sqlstate
from ocrm_api.parameters import Parameter, Values
from ocrm_api.reminders import outbox, repository, usefulness
from ocrm_api.reminders.by_itself import AWAKE, RETURNING, audited, may
from ocrm_api.reminders.limits import BRANCHES, LIMITS, OF_THESE, limits_of
from ocrm_api.reminders.parameters import ESCALATION_HOURS, EXPIRY_DAYS, LOBBY_ARRIVAL
from ocrm_api.reminders.repository import Audience
from ocrm_api.reminders.routing import HEADED, IN_ORDER
from ocrm_api.reminders.telling import Happened, tell_within
from ocrm_api.streams import Hub

#: In a transaction, so that nobody waits long for the rows or for the stream.
AT_ONCE = 500
_LOCK = advisory_key("ocrm timekeeper")

_WAKE = text(
    audited(
        f"""
update ocrm.reminders r set {AWAKE}, version = r.version + 1
from (
    select reminder_id from ocrm.reminders
    where status = 'snoozed' and snoozed_until_on <= :today
    order by snoozed_until_on, reminder_id limit :limit for update skip locked
) one
where r.reminder_id = one.reminder_id and r.status {may("wake")}
{RETURNING}""",
        "woken", "timekeeper",
    )
)  # fmt: skip

#: As the index has it; with coalesce row-level security would not let it be used.
_RELEVANT_ON = "case when due_on is null then business_date else due_on end"
_EXPIRE = text(
    audited(
        f"""
update ocrm.reminders r
set status = 'expired', expired_at = now(), snoozed_until_on = null, snoozed_until_event = null,
    version = r.version + 1
from (
    select due.reminder_id
    from {LIMITS.format(limits=":limits", type="date")}
    cross join lateral (
        select reminder_id from ocrm.reminders
        where rule_code = limits.rule and {_RELEVANT_ON} < limits.before
          and status {may("expire")} and {OF_THESE}
        order by {_RELEVANT_ON}, reminder_id limit :limit for update skip locked
    ) due limit :limit
) one
where r.reminder_id = one.reminder_id and r.status {may("expire")}
{RETURNING}""",
        "expired", "timekeeper",
    )
)  # fmt: skip

_ESCALATE = text(
    audited(
        f"""
update ocrm.reminders r
set escalated_at = now(), escalated_to = one.head_id, version = r.version + 1
from (
    with given as materialized (
        select due.*
        from {LIMITS.format(limits=":limits", type="timestamptz")}
        cross join lateral (
            select reminder_id, lead_branch_id, owner_id from ocrm.reminders
            where rule_code = limits.rule and waiting_since <= limits.before
              and status in ('new', 'seen') and escalated_at is null
              and lead_branch_id <> '{scope.UNROUTED}' and {OF_THESE}
            order by waiting_since, reminder_id limit :limit for update skip locked
        ) due limit :limit
    ), headed as ({HEADED.format(day=":day")})
    select given.reminder_id, headed.head_id from given
    left join headed on headed.lead_branch_id = given.lead_branch_id
                    and headed.owner_id is not distinct from given.owner_id
) one
where r.reminder_id = one.reminder_id
{RETURNING}, new.escalated_to""",
        "escalated", "timekeeper", "jsonb_build_object('head_id', escalated_to)",
    )
)  # fmt: skip

_BRANCHES = text(BRANCHES.format(day=":day", entities=":entities"))

log = logging.get(__name__)


class Timekeeper:
    """Works for as long as a process of the interface lives."""

    def __init__(
        self, database: Database, hub: Hub[Audience], working: WorkingTime, faults: Counter
    ) -> None:
        self._database = database
        self._hub = hub
        self._faults = faults
        self._working = working
        self._warned: set[int] = set()

    async def keep(self, seconds: float) -> None:
        """Look every so many seconds until cancelled; a failure is logged and tried again."""
        while True:
            await asyncio.sleep(seconds)
            try:
                while await self.turn(clock.now()):
                    await self._hub.wake()
            except Exception as error:
                self._note(error)

    def _note(self, error: Exception) -> None:
        if is_undefined_relation(error):  # nothing was published yet
            return
        self._faults.inc()
        cause = database_error(error)
        said = str(getattr(cause, "orig", None) or cause or error).strip().splitlines()
        log.warning(
            "timekeeper_put_off",
            error=type(cause or error).__name__,
            sqlstate=sqlstate(error),
            message=said[0] if said else "",  # the lines after it may quote values
        )

    async def turn(self, now: datetime) -> int:
        """One transaction's part of what is due; how much was told of it, 0 when all is done."""
        self._warn_of_unknown_holidays(clock.bank_date(now).year)
        async with self._database.sessions() as session:
            lock = text("select pg_try_advisory_xact_lock(:key)")
            if not (await session.execute(lock, {"key": _LOCK})).scalar_one():
                return 0
            whole = await repository.every_branch(session)
            await scope.ensure(session, [whole])
            await scope.enter(session, whole)
            await session.execute(text(IN_ORDER))
            told = await self._changes(session, now)
            await outbox.add_within(session, told)
            await tell_within(session, told)
            await session.commit()
        return len(told)

    async def _changes(self, session: AsyncSession, now: datetime) -> list[Happened]:
        today = clock.bank_date(now)
        if woken := await _wake(session, today):
            return woken
        publication = await current_publication(session)
        if publication is None:
            return []
        values = await parameters.in_force(session, today)
        day = publication.business_date
        told = await self._escalate(session, day, values, now) or await _expire(
            session, day, values
        )
        if not told:
            await usefulness.count_a_day(session, today)
        return told

    async def _escalate(
        self, session: AsyncSession, day: date, values: Values, now: datetime
    ) -> list[Happened]:
        limits = await _limits(session, day, values, ESCALATION_HOURS)
        hours = {one["value"] for one in limits} - {0}
        befores = {one: self._working.before(now, one) for one in hours}
        given = _given(limits, lambda one: befores.get(one["value"]))
        rows = await session.execute(_ESCALATE, given | {"day": day})
        return [Happened(row.reminder_id, "escalated", row.escalated_to) for row in rows]

    def _warn_of_unknown_holidays(self, year: int) -> None:
        if year not in self._working.years and year not in self._warned:
            self._warned.add(year)
            log.warning(
                "holidays_unknown",
                year=year,
                advice=f"Public holidays of {year} count as working days, and only weekends do not;"
                f" put the State Council's notice into {year}.json in OCRM_HOLIDAYS_DIR.",
            )


async def _wake(session: AsyncSession, today: date) -> list[Happened]:
    rows = await session.execute(_WAKE, {"today": today, "limit": AT_ONCE})
    return [Happened(row.reminder_id, "woken") for row in rows]


async def _expire(session: AsyncSession, day: date, values: Values) -> list[Happened]:
    def before(one: Mapping[str, Any]) -> date:
        since = day + timedelta(days=1) if one["rule"] == LOBBY_ARRIVAL else day
        return since - timedelta(days=one["value"])

    limits = await _limits(session, day, values, EXPIRY_DAYS)
    rows = await session.execute(_EXPIRE, _given(limits, before))
    return [Happened(row.reminder_id, "expired") for row in rows]


async def _limits(
    session: AsyncSession, day: date, values: Values, parameter: Parameter
) -> list[dict[str, Any]]:
    """The limits of a parameter on a day, by the branches of its publication."""
    own = values.legal_entities(parameter)
    rows = (await session.execute(_BRANCHES, {"day": day, "entities": own})).all() if own else []
    return limits_of(values, parameter, [(row[0], row[1]) for row in rows])


def _given(
    limits: Sequence[Mapping[str, Any]],
    before: Callable[[Mapping[str, Any]], date | datetime | None],
) -> dict[str, Any]:
    """The parameters of a statement: of each limit before when it lies; without it, no limit."""
    rows = [
        {**one, "before": found.isoformat()} for one in limits if (found := before(one)) is not None
    ]
    return {"limits": orjson.dumps(rows).decode(), "limit": AT_ONCE}


@contextlib.asynccontextmanager
async def running(timekeeper: Timekeeper, seconds: float) -> AsyncIterator[None]:
    """The timekeeper works for as long as the block runs."""
    task = asyncio.create_task(timekeeper.keep(seconds))
    try:
        yield
    finally:
        await tasks.stop([task])
