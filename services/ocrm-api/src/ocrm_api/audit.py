"""The audit log: who did what to whom and why, in the business transaction, append-only."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.sessions import Viewer

_WRITE = text("""
insert into ocrm.audit_log
    (user_id, employee_id, action, subject_type, subject_id, purpose, details, request_id)
values (:user_id, :employee_id, :action, :subject_type, :subject_id, :purpose, :details,
        :request_id)
""").bindparams(bindparam("details", type_=JSONB))

#: Six digits or more, with or without separators, are more than a text about a reason needs.
_NUMBER = re.compile(r"\d(?:[\s.\-/()]*\d){5,}[Xx]?")


def without_numbers(text: str | None) -> str | None:
    """A free text as the log may keep it: long numbers, which may be somebody's, are hidden."""
    return None if text is None else _NUMBER.sub("***", text)


async def count_since(session: AsyncSession, viewer: Viewer, action: str, hours: int) -> int:
    """How often the viewer has done this within the last hours; others of the viewer wait."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"{action}|{viewer.user_id}"},
    )
    found = await session.execute(
        text(
            "select count(*) from ocrm.audit_log where user_id = :user_id and action = :action"
            " and occurred_at > now() - make_interval(hours => :hours)"
        ),
        {"user_id": viewer.user_id, "action": action, "hours": hours},
    )
    count: int = found.scalar_one()
    return count


async def record(
    session: AsyncSession,
    viewer: Viewer,
    action: str,
    subject: tuple[str, object],
    *,
    request_id: str,
    purpose: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry. `details` names fields and codes, never a personal value."""
    subject_type, subject_id = subject
    await session.execute(
        _WRITE,
        {
            "user_id": viewer.user_id,
            "employee_id": viewer.employee_id,
            "action": action,
            "subject_type": subject_type,
            "subject_id": str(subject_id),
            "purpose": purpose,
            "details": dict(details or {}),
            "request_id": request_id,
        },
    )
