"""The outbox of notifications: which reminders somebody is to be notified of, written in the
transaction by which they came to him. What becomes of them is decided when they are sent.
"""

from collections.abc import Sequence
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.reminders.telling import Happened
from ocrm_api.reminders.transitions import OPEN, sql

#: Of these an owner is notified: of what was routed only where it came to another owner. What went
#: to the head concerns the head.
_CONCERNS_OWNER = ("raised", "woken", "routed")

#: Nobody reads for a virtual manager; what he owns is seen by whoever serves the branch. 0 is the
#: priority of what went to the head.
_ADD = f"""
insert into ocrm.notification_items (reminder_id, version, rule_code, priority)
select r.reminder_id, r.version, r.rule_code,
       case when r.escalated_to is null then r.priority else 0 end
from unnest(cast({{ids}} as uuid[])) as told (reminder_id)
join ocrm.reminders r on r.reminder_id = told.reminder_id
where r.status {sql(OPEN)} and (r.escalated_to is not null or left(r.owner_id, 2) <> 'V:')
on conflict do nothing
"""
_OF_THE_INTAKE = _ADD.format(ids="%(ids)s").encode()
_OF_THE_INTERFACE = text(_ADD.format(ids=":ids"))


def add(connection: psycopg.Connection, told: Sequence[Happened]) -> None:
    """Note what the intake brought to somebody. Of what was routed it is given only that which came
    to another owner."""
    if ids := _of_concern(told):
        connection.execute(_OF_THE_INTAKE, {"ids": ids})


async def add_within(session: AsyncSession, told: Sequence[Happened]) -> None:
    """Note what the clock brought to somebody."""
    if ids := _of_concern(told):
        await session.execute(_OF_THE_INTERFACE, {"ids": ids})


def _of_concern(told: Sequence[Happened]) -> list[UUID]:
    return [
        one.reminder_id
        for one in told
        if one.kind in _CONCERNS_OWNER or (one.kind == "escalated" and one.head_id is not None)
    ]
