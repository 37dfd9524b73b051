"""What time does to reminders: snoozed ones wake on their day, what is past its use expires.

Every process of the interface has a timekeeper. One of them works at a time, a part in each
transaction, and what it did it does not find again; so it may be killed at any moment.

Snoozes end by the bank's calendar. Expiry counts from the published business date, not from today:
after a night without a publication nothing is older than it was.
"""

import asyncio
import contextlib
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared import clock, logging
from crm_shared.postgres import advisory_key
from crm_shared.reminder_rules import RULES
from ocrm_api import parameters, scope
from ocrm_api.access import current_publication
from ocrm_api.db import Database, is_undefined_relation
from ocrm_api.parameters import EVERY, Values
from ocrm_api.reminders import repository
from ocrm_api.reminders.by_itself import AWAKE, RETURNING, audited, may
from ocrm_api.reminders.parameters import EXPIRY_DAYS
from ocrm_api.reminders.repository import Audience
from ocrm_api.reminders.telling import tell_within
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

_EXPIRE = text(
    audited(
        f"""
update ocrm.reminders r
set status = 'expired', expired_at = now(), snoozed_until_on = null, snoozed_until_event = null,
    version = r.version + 1
from (
    select reminder_id from ocrm.reminders
    where rule_code = :rule and coalesce(due_on, business_date) < :before
      and status {may("expire")}
      and (lead_branch_id = any (cast(:branches as text[]))) = :of_these
    order by coalesce(due_on, business_date), reminder_id limit :limit for update skip locked
) one
where r.reminder_id = one.reminder_id and r.status {may("expire")}
{RETURNING}""",
        "expired", "timekeeper",
    )
)  # fmt: skip

_BRANCHES = text(
    "select legal_entity_id, org_id from acrm.org_units"
    " where business_date = :day and org_type = 'branch'"
    " and legal_entity_id = any (cast(:entities as text[]))"
)

log = logging.get(__name__)


async def keep(database: Database, hub: Hub[Audience], seconds: float) -> None:
    """Look every so many seconds until cancelled; a failure is logged and tried again."""
    while True:
        await asyncio.sleep(seconds)
        try:
            while await turn(database, clock.now()):
                await hub.wake()
        except Exception as error:
            if not is_undefined_relation(error):  # nothing was published yet
                log.warning("timekeeper_put_off", error=type(error).__name__)


async def turn(database: Database, now: datetime) -> int:
    """One transaction's part of what is due; how many reminders changed, 0 when all is done."""
    async with database.sessions() as session:
        mine = await session.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not mine.scalar_one():
            return 0
        whole = await repository.every_branch(session)
        await scope.ensure(session, [whole])
        await scope.enter(session, whole)
        changed = await _wake(session, clock.bank_date(now))
        if not changed:
            changed = await _expire(session, clock.bank_date(now))
        await session.commit()
    return changed


async def _wake(session: AsyncSession, today: date) -> int:
    rows = await session.execute(_WAKE, {"today": today, "limit": AT_ONCE})
    woken = [(row.reminder_id, "woken") for row in rows]
    await tell_within(session, woken)
    return len(woken)


async def _expire(session: AsyncSession, today: date) -> int:
    publication = await current_publication(session)
    if publication is None:
        return 0
    values = await parameters.in_force(session, today)
    entities = await _branches_of(session, publication.business_date, values)
    for rule in RULES:
        for entity, branches, of_these in entities:
            days = values.of(EXPIRY_DAYS, entity, rule)
            limits = {
                "rule": rule, "before": publication.business_date - timedelta(days=days),
                "branches": branches, "of_these": of_these, "limit": AT_ONCE,
            }  # fmt: skip
            rows = await session.execute(_EXPIRE, limits)
            expired = [(row.reminder_id, "expired") for row in rows]
            if expired:
                await tell_within(session, expired)
                return len(expired)
    return 0


async def _branches_of(
    session: AsyncSession, day: date, values: Values
) -> list[tuple[str, list[str], bool]]:
    """Each legal entity that has a value of its own with its branches, then all the others."""
    own = values.legal_entities(EXPIRY_DAYS)
    rows = (await session.execute(_BRANCHES, {"day": day, "entities": own})).all() if own else []
    found = [(entity, [row[1] for row in rows if row[0] == entity], True) for entity in own]
    return [*found, (EVERY, [row[1] for row in rows], False)]


@contextlib.asynccontextmanager
async def running(database: Database, hub: Hub[Audience], seconds: float) -> Any:
    """A timekeeper for as long as the block runs."""
    task = asyncio.create_task(keep(database, hub, seconds))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
