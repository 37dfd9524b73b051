"""The one place through which everything that happens to a reminder is told: to the stream now."""

from collections.abc import Sequence
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

#: Sequence numbers come from one row, locked until the commit.
_TELL = """
with next as (
    update ocrm.reminder_stream
    set last_sequence = last_sequence + cardinality(cast({ids} as uuid[]))
    returning last_sequence - cardinality(cast({ids} as uuid[])) as before
)
insert into ocrm.reminder_events
    (sequence, reminder_id, kind, branch_id, lead_branch_id, owner_id)
select next.before + told.position, told.reminder_id, told.kind, r.branch_id, r.lead_branch_id,
       r.owner_id
from next
cross join unnest(cast({ids} as uuid[]), cast({kinds} as text[])) with ordinality
    as told (reminder_id, kind, position)
join ocrm.reminders r on r.reminder_id = told.reminder_id
"""
_OF_THE_INTAKE = _TELL.format(ids="%(ids)s", kinds="%(kinds)s").encode()
_OF_THE_INTERFACE = text(_TELL.format(ids=":ids", kinds=":kinds"))

#: What happened to which reminder.
Told = Sequence[tuple[UUID, str]]


def tell(connection: psycopg.Connection, told: Told) -> None:
    """Append to the stream. Last before the commit: it holds the stream's lock until then."""
    if told:
        connection.execute(_OF_THE_INTAKE, _parameters(told))


async def tell_within(session: AsyncSession, told: Told) -> None:
    """The same on a session of the interface."""
    if told:
        await session.execute(_OF_THE_INTERFACE, _parameters(told))


def _parameters(told: Told) -> dict[str, list[UUID] | list[str]]:
    return {"ids": [one for one, _ in told], "kinds": [kind for _, kind in told]}
