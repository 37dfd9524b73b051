"""How much waits for the managers of the whole bank: for operations, not for anybody's screen."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api import scope
from ocrm_api.reminders import repository
from ocrm_api.reminders.transitions import LIVE, OPEN, sql

_COUNT = text(f"""
select status, count(*),
       count(*) filter (where due_on < :today and status {sql(OPEN)})
from ocrm.reminders where status {sql(LIVE)} group by status
""")


async def counts(session: AsyncSession, today: date) -> tuple[dict[str, int], int]:
    """How many live reminders there are in each state, and how many of the open ones are past the
    date they were about. Reads all of them; the session must be committed."""
    whole = await repository.every_branch(session)
    await scope.ensure(session, [whole])
    await scope.enter(session, whole)
    rows = (await session.execute(_COUNT, {"today": today})).all()
    by_status = {status: number for status, number, _ in rows}
    return {one: by_status.get(one, 0) for one in LIVE}, sum(overdue for _, _, overdue in rows)
