"""The audit log: who looked at a customer's data, what for, and at what; append-only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from crm_shared.errors import UsageError

_WRITE = """
insert into alerting.audit_log (said_by, action, subject_type, subject_id, purpose, details)
values (%s, %s, %s, %s, %s, %s)
"""


class Purpose(StrEnum):
    """What personal data is looked at for; all but `operations` as in the OCRM."""

    OPERATIONS = "operations"
    SERVICE = "service"
    VERIFICATION = "verification"
    COMPLAINT = "complaint"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants to see customers, and what for."""

    by: str
    purpose: Purpose


def asker(by: str | None, purpose: Purpose | None) -> Asker | None:
    """Who wants to see customers; None: nobody does, so none are shown."""
    if by is None and purpose is None:
        return None
    if by is None or not by.strip() or purpose is None:
        raise UsageError("To see customers, say who asks (--by) and what for (--purpose).")
    return Asker(by, purpose)


def record(
    connection: psycopg.Connection,
    action: str,
    subject: tuple[str, object],
    *,
    by: str,
    purpose: Purpose,
    details: Mapping[str, Any],
) -> None:
    """Write one entry, to be committed before anything is shown.

    `details` names codes, days and numbers, never a personal value.
    """
    if not by.strip():
        raise UsageError("Say who asks: --by with the name or number of the employee.")
    subject_type, subject_id = subject
    values = (by.strip(), action, subject_type, str(subject_id), purpose, Jsonb(dict(details)))
    with connection.transaction():
        connection.execute(_WRITE, values)
