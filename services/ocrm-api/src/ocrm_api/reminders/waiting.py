"""How much waits for the managers of the whole bank: for operations, not for anybody's screen."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api import scope
from ocrm_api.reminders import repository
from ocrm_api.reminders.transitions import LIVE, OPEN, sql

_COUNT = text(f"""
select status, count(*),
       count(*) filter (where due_on < :today and status {sql(OPEN)}) as overdue,
       count(*) filter (where lead_branch_id = '{scope.UNROUTED}') as unrouted
from ocrm.reminders where status {sql(LIVE)} group by status
""")


class Waiting(NamedTuple):
    """How many live reminders there are in each state, how many of the open ones are past the date
    they were about, and how many of the live ones no branch has."""

    by_status: dict[str, int]
    overdue: int
    unrouted: int


async def counts(session: AsyncSession, today: date) -> Waiting:
    """Count what waits now. Reads all of it; the session must be committed."""
    whole = await repository.every_branch(session)
    await scope.ensure(session, [whole])
    await scope.enter(session, whole)
    rows = (await session.execute(_COUNT, {"today": today})).all()
    by_status = {row.status: row[1] for row in rows}
    return Waiting(
        {one: by_status.get(one, 0) for one in LIVE},
        sum(row.overdue for row in rows),
        sum(row.unrouted for row in rows),
    )
