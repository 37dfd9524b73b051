"""Use cases of reminders: take one up, finish it, show it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared import clock
from ocrm_api import audit
from ocrm_api.conditional import require_match
from ocrm_api.languages import Language
from ocrm_api.problems import NotFound
from ocrm_api.reminders import repository, texts
from ocrm_api.reminders.errors import ReminderOfAnother
from ocrm_api.reminders.models import Reminder
from ocrm_api.reminders.schemas import Done
from ocrm_api.sessions import Viewer, scope_of_permission


async def acknowledge(
    session: AsyncSession,
    viewer: Viewer,
    reminder_id: UUID,
    if_match: str | None,
    *,
    request_id: str,
) -> None:
    """Take a new reminder up."""
    reminder = await _to_change(session, viewer, reminder_id, if_match)
    reminder.acknowledge(viewer.employee_id, clock.now())
    await _changed(session, viewer, reminder, "acknowledged", request_id=request_id, details={})


async def finish(
    session: AsyncSession,
    viewer: Viewer,
    reminder_id: UUID,
    if_match: str | None,
    done: Done,
    *,
    request_id: str,
) -> None:
    """Finish an open reminder with its outcome."""
    reminder = await _to_change(session, viewer, reminder_id, if_match)
    reminder.finish(viewer.employee_id, clock.now(), done.outcome_code, done.note)
    details = {"outcome_code": done.outcome_code}
    await _changed(session, viewer, reminder, "done", request_id=request_id, details=details)


async def _to_change(
    session: AsyncSession, viewer: Viewer, reminder_id: UUID, if_match: str | None
) -> Reminder:
    reminder = await repository.to_change(session, viewer.scope, reminder_id)
    if reminder is None:
        raise NotFound
    headed = await scope_of_permission(session, viewer, "reminders.handle_for_others")
    if not reminder.is_for(viewer.employee_id, viewer.scope, headed):
        raise ReminderOfAnother
    require_match(if_match, reminder.etag)
    return reminder


async def _changed(
    session: AsyncSession,
    viewer: Viewer,
    reminder: Reminder,
    kind: str,
    *,
    request_id: str,
    details: Mapping[str, Any],
) -> None:
    await session.flush()
    await audit.record(
        session,
        viewer,
        f"reminder.{kind}",
        ("reminder", reminder.reminder_id),
        request_id=request_id,
        details={**details, "version": reminder.version},
    )
    await repository.append_event(session, reminder, kind)


def shown(row: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A reminder as its reader sees it, texts in the reader's language."""
    item = dict(row)
    version = item.pop("version")
    return {
        **item,
        "title": texts.title(row["rule_code"], language),
        "text": texts.text(row, language),
        "etag": f'"{version}"',
    }


async def open_reminders(
    session: AsyncSession, viewer: Viewer, customer_id: int, language: Language
) -> list[dict[str, Any]]:
    """The section of the 360 view, for who may read reminders, where that permission holds."""
    scope = await scope_of_permission(session, viewer, "reminders.read")
    if scope is None:
        return []
    rows = await repository.open_of_customer(session, scope, viewer.published_on, customer_id)
    return [shown(row, language) for row in rows]
