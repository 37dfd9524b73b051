"""The audit log: who did what to whom and why, in the business transaction, append-only."""

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
