"""Since when a reminder waits for its owner, and to which head it went."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Those that wait already begin to wait with this version: nobody gets all the old ones at once.
REMINDERS = """
alter table ocrm.reminders
    add column waiting_since timestamptz not null default now(),
    add column escalated_at timestamptz,
    add column escalated_to text;
create index reminders_unanswered on ocrm.reminders (rule_code, waiting_since)
    where status in ('new', 'seen') and escalated_at is null;
create index reminders_escalated on ocrm.reminders (escalated_to, status, raised_at, reminder_id)
    where escalated_to is not null;

alter table ocrm.reminder_events
    drop constraint reminder_events_kind_check,
    add constraint reminder_events_kind_check check (
        kind in ('raised', 'changed', 'seen', 'acknowledged', 'snoozed', 'woken', 'done',
                 'withdrawn', 'expired', 'routed', 'escalated')
    ) not valid;
alter table ocrm.reminder_events validate constraint reminder_events_kind_check;
"""


def upgrade() -> None:
    op.execute(REMINDERS)
