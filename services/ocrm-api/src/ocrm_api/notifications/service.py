"""How who is logged in wants to be notified: only ever his own."""

import hashlib
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api import audit
from ocrm_api.conditional import require_match
from ocrm_api.notifications import repository
from ocrm_api.notifications.schemas import NotificationWishes
from ocrm_api.sessions import Viewer


def shown(preferences: dict[str, Any]) -> dict[str, Any]:
    """Preferences as the interface shows them; the tag follows from what they say."""
    digest = hashlib.sha256(orjson.dumps(preferences, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return preferences | {"etag": f'"{digest[:16]}"'}


async def change_preferences(
    session: AsyncSession,
    viewer: Viewer,
    wishes: NotificationWishes,
    if_match: str | None,
    *,
    request_id: str,
) -> dict[str, Any]:
    """Replace what the viewer wanted, if it is what he saw; noted in the audit log."""
    before = await repository.preferences(session, viewer.employee_id, lock=True)
    require_match(if_match, shown(before)["etag"])
    await repository.keep(session, viewer.employee_id, wishes)
    await audit.record(
        session, viewer, "notification.preferred", ("employee", viewer.employee_id),
        request_id=request_id, details=wishes.model_dump(),
    )  # fmt: skip
    return shown({"employee_id": viewer.employee_id, **wishes.model_dump()})
