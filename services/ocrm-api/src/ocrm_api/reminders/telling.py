"""The one place through which everything that happens to a reminder is told: to the stream now."""

from collections.abc import Sequence
from typing import Any, NamedTuple
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
    (sequence, reminder_id, kind, branch_id, lead_branch_id, owner_id, head_id)
select next.before + told.position, told.reminder_id, told.kind, r.branch_id, r.lead_branch_id,
       r.owner_id, told.head_id
from next
cross join unnest(cast({ids} as uuid[]), cast({kinds} as text[]), cast({heads} as text[]))
    with ordinality as told (reminder_id, kind, head_id, position)
join ocrm.reminders r on r.reminder_id = told.reminder_id
"""
_NAMES = ("ids", "kinds", "heads")
_OF_THE_INTAKE = _TELL.format_map({name: f"%({name})s" for name in _NAMES}).encode()
_OF_THE_INTERFACE = text(_TELL.format_map({name: f":{name}" for name in _NAMES}))


class Happened(NamedTuple):
    """What happened to a reminder, and the head whom it concerns besides its owner."""

    reminder_id: UUID
    kind: str
    head_id: str | None = None


def tell(connection: psycopg.Connection, told: Sequence[Happened]) -> None:
    """Append to the stream. Last before the commit: it holds the stream's lock until then."""
    if told:
        connection.execute(_OF_THE_INTAKE, _parameters(told))


async def tell_within(session: AsyncSession, told: Sequence[Happened]) -> None:
    """The same on a session of the interface."""
    if told:
        await session.execute(_OF_THE_INTERFACE, _parameters(told))


def _parameters(told: Sequence[Happened]) -> dict[str, list[Any]]:
    return {name: list(given) for name, given in zip(_NAMES, zip(*told, strict=True), strict=True)}
