"""What employees want to be told by, as the interface reads and keeps it: each his own."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.db import fetch
from ocrm_api.notifications.schemas import NotificationWishes

_FOUND = text("""
select enabled, channel, language from ocrm.notification_preferences
where employee_id = :employee_id
""")
_KEEP = text("""
insert into ocrm.notification_preferences (employee_id, enabled, channel, language)
values (:employee_id, :enabled, :channel, :language)
on conflict (employee_id) do update
set enabled = excluded.enabled, channel = excluded.channel, language = excluded.language,
    updated_at = now()
""")
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('notified|' || :employee_id, 0))")


async def preferences(
    session: AsyncSession, employee_id: str, *, lock: bool = False
) -> dict[str, Any]:
    """What an employee wants, or what holds for who never said; locked, nobody else changes it
    until the transaction ends."""
    if lock:
        await session.execute(_LOCK, {"employee_id": employee_id})
    found = await fetch(session, _FOUND.bindparams(employee_id=employee_id))
    holds = found[0] if found else {"enabled": True, "channel": None, "language": None}
    return {"employee_id": employee_id, **holds}


async def keep(session: AsyncSession, employee_id: str, wishes: NotificationWishes) -> None:
    """Note what an employee wants from now on."""
    await session.execute(_KEEP, {"employee_id": employee_id, **wishes.model_dump()})
