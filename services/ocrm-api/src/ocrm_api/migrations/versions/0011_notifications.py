"""What employees are notified of: an outbox of reminders, the notifications made of it, choices."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# One row for each time that a reminder came to somebody: the version that it had then. Priority 0
# is what went to the head. What is found by its rule is told at once, what by its age in a digest.
ITEMS = """
create table ocrm.notification_items (
    reminder_id uuid not null,
    version integer not null,
    rule_code text not null,
    priority smallint not null check (priority between 0 and 5),
    created_at timestamptz not null default now(),
    primary key (reminder_id, version)
);
create index notification_items_of_rule on ocrm.notification_items (rule_code, priority);
create index notification_items_age on ocrm.notification_items (created_at);
"""

NOTIFICATIONS = """
create table ocrm.notifications (
    notification_id uuid primary key default uuidv7(),
    employee_id text not null,
    kind text not null check (kind in ('urgent', 'digest')),
    channel text not null,
    language text not null check (language in ('zh-CN', 'en')),
    reminder_ids uuid[] not null,
    status text not null default 'waiting'
        check (status in ('waiting', 'sent', 'failed', 'dropped')),
    attempts integer not null default 0,
    created_at timestamptz not null,
    next_attempt_at timestamptz not null,
    closed_at timestamptz,
    reason text,
    check ((status = 'waiting') = (closed_at is null))
);
comment on column ocrm.notifications.notification_id is
    'The same at every attempt, so that a receiver knows what it has already.';
create index notifications_waiting on ocrm.notifications (channel, next_attempt_at)
    where status = 'waiting';
create index notifications_urgent on ocrm.notifications (created_at, employee_id)
    where kind = 'urgent';
create index notifications_closed on ocrm.notifications (status, closed_at)
    where status <> 'waiting';

create table ocrm.notification_preferences (
    employee_id text primary key,
    enabled boolean not null default true,
    channel text,
    language text check (language in ('zh-CN', 'en')),
    updated_at timestamptz not null default now()
);
"""

RIGHTS = """
revoke all on ocrm.notification_items, ocrm.notifications, ocrm.notification_preferences
    from ocrm_app;
grant select, insert, delete on ocrm.notification_items to ocrm_app;
grant select, insert, update, delete on ocrm.notifications to ocrm_app;
grant select, insert, update on ocrm.notification_preferences to ocrm_app;
"""


def upgrade() -> None:
    op.execute(ITEMS)
    op.execute(NOTIFICATIONS)
    op.execute(RIGHTS)
