"""What an operator asks of notifications: which failed and why, try again, who wants what."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from crm_shared.errors import UsageError
from ocrm_api.languages import Language
from ocrm_api.settings import ChannelName

_LIST = b"""
select notification_id, status, employee_id, kind, channel, cardinality(reminder_ids) as reminders,
       attempts, created_at, next_attempt_at, closed_at, reason
from ocrm.notifications where status = %s
order by closed_at desc nulls first, notification_id desc limit %s
"""
_RETRY = b"""
with again as (
    update ocrm.notifications
    set status = 'waiting', attempts = 0, next_attempt_at = now(), closed_at = null, reason = null
    where status = 'failed' and (%(every)s or notification_id = any (%(ids)s))
    returning notification_id
), noted as (
    insert into ocrm.audit_log (action, subject_type, subject_id, request_id)
    select 'notification.retried', 'notification', notification_id::text, 'command line'
    from again order by notification_id
)
select notification_id from again
"""
_PREFER = b"""
insert into ocrm.notification_preferences as known (employee_id, enabled, channel, language)
values (%(employee_id)s, coalesce(%(enabled)s, true), %(channel)s, %(language)s)
on conflict (employee_id) do update
set enabled = coalesce(%(enabled)s, known.enabled), channel = coalesce(%(channel)s, known.channel),
    language = coalesce(%(language)s, known.language), updated_at = now()
returning employee_id, enabled, channel, language
"""
_PREFERRED = b"""
select %(employee_id)s as employee_id, coalesce(enabled, true) as enabled, channel, language
from (values (1)) one left join ocrm.notification_preferences on employee_id = %(employee_id)s
"""


def listed(connection: psycopg.Connection, status: str, limit: int) -> list[dict[str, Any]]:
    """Notifications in a state, the last ones first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LIST, (status, limit)).fetchall()


def retry(connection: psycopg.Connection, ids: list[UUID] | None) -> int:
    """Let failed ones be tried anew, all of them without ids; how many there were."""
    given = {"every": ids is None, "ids": ids or []}
    return len(connection.execute(_RETRY, given).fetchall())


def prefer(
    connection: psycopg.Connection,
    employee_id: str,
    *,
    enabled: bool | None,
    channel: ChannelName | None,
    language: Language | None,
) -> dict[str, Any]:
    """Note what an employee wants, and leave what is None as it was; what holds then."""
    _require_employee(connection, employee_id)
    given = {"enabled": enabled, "channel": channel, "language": language}
    changes = any(one is not None for one in given.values())
    if changes:
        # Who changes his own by the API compares them with what he saw, under the same lock.
        connection.execute(
            "select pg_advisory_xact_lock(hashtextextended('notified|' || %s, 0))", (employee_id,)
        )
    with connection.cursor(row_factory=dict_row) as cursor:
        statement = _PREFER if changes else _PREFERRED
        holds = cursor.execute(statement, {"employee_id": employee_id, **given}).fetchone() or {}
    if changes:
        connection.execute(
            "insert into ocrm.audit_log (action, subject_type, subject_id, details, request_id)"
            " values ('notification.preferred', 'employee', %s, %s, 'command line')",
            (employee_id, Jsonb(given)),
        )
    return holds


def _require_employee(connection: psycopg.Connection, employee_id: str) -> None:
    try:
        found = connection.execute(
            "select exists (select from acrm.employees where employee_id = %s)", (employee_id,)
        ).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        found = None
    if not found or not found[0]:
        raise UsageError(
            f"{employee_id} is no employee that was published; take the employee_id of"
            " GET /v1/employees."
        )
