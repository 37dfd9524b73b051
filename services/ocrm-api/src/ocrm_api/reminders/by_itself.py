"""Changes that no person makes: each leaves its row in the audit log, as those of people do."""

from ocrm_api.reminders.transitions import TRANSITIONS, Step, sql

#: Out of `snoozed`: what had been acknowledged is so again.
AWAKE = (
    "status = case when r.acknowledged_at is null then 'new' else 'acknowledged' end,"
    " snoozed_until_on = null, snoozed_until_event = null,"
    " waiting_since = now(), escalated_at = null, escalated_to = null"
)


def audited(update: str, event: str, by: str, details: str = "'{}'::jsonb") -> str:
    """An update that ends in `returning r.reminder_id, …`, with audit rows; gives what it returns.

    The update returns `reminder_id, from_status, to_status, version` and what `details` names.
    """
    return f"""
with changed as ({update}), noted as ({noted(event, by, details)} order by reminder_id)
select * from changed order by reminder_id
"""


def noted(event: str, by: str, details: str) -> str:
    """The audit rows of the rows `changed`; it ends where a condition may follow."""
    return f"""
    insert into ocrm.audit_log (action, subject_type, subject_id, details, request_id)
    select 'reminder.{event}', 'reminder', reminder_id::text,
           jsonb_build_object('from', from_status, 'to', to_status, 'version', version)
           || {details},
           '{by}'
    from changed"""


#: What an audited update returns.
RETURNING = (
    "returning r.reminder_id, old.status as from_status, new.status as to_status, new.version"
)


def may(step: Step) -> str:
    """The states from which a step may be taken, for `where r.status …`."""
    return sql(TRANSITIONS[step].sources)
