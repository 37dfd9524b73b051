"""Seen, snoozed and expired reminders, revisions of their source, dated parameters."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

REMINDERS = """
alter table ocrm.reminders
    add column revision integer not null default 1,
    add column seen_at timestamptz,
    add column seen_by text,
    add column snoozed_at timestamptz,
    add column snoozed_by text,
    add column snoozed_until_on date,
    add column snoozed_until_event text,
    add column expired_at timestamptz,
    drop constraint reminders_status_check,
    add constraint reminders_status_check check (
        status in ('new', 'seen', 'acknowledged', 'snoozed', 'done', 'withdrawn', 'expired')
    ) not valid,
    add constraint snoozed_until_some_day check (
        status <> 'snoozed' or snoozed_until_on is not null
    ) not valid;
alter table ocrm.reminders validate constraint reminders_status_check;
alter table ocrm.reminders validate constraint snoozed_until_some_day;
comment on column ocrm.reminders.revision is
    'Of its source: a greater one may raise a withdrawn reminder again.';

alter table ocrm.reminder_events
    drop constraint reminder_events_kind_check,
    add constraint reminder_events_kind_check check (
        kind in ('raised', 'changed', 'seen', 'acknowledged', 'snoozed', 'woken', 'done',
                 'withdrawn', 'expired', 'routed')
    ) not valid;
alter table ocrm.reminder_events validate constraint reminder_events_kind_check;
"""

INDEXES = """
drop index ocrm.reminders_open;
create index reminders_live on ocrm.reminders (customer_id, reminder_id)
    where status in ('new', 'seen', 'acknowledged', 'snoozed');
create index reminders_snoozed on ocrm.reminders (snoozed_until_on) where status = 'snoozed';
create index reminders_waking on ocrm.reminders (customer_id)
    where status = 'snoozed' and snoozed_until_event is not null;
create index reminders_expiring
    on ocrm.reminders (rule_code, (coalesce(due_on, business_date)), lead_branch_id)
    where status in ('new', 'seen', 'snoozed');
"""

PARAMETERS = """
create table ocrm.parameters (
    code text not null,
    legal_entity_id text not null default '*',
    rule_code text not null default '*',
    effective_from date not null,
    value integer not null,
    added_at timestamptz not null default now(),
    primary key (code, legal_entity_id, rule_code, effective_from)
);
comment on table ocrm.parameters is 'What replaces the default of a parameter; only added to.';
revoke all on ocrm.parameters from ocrm_app;
grant select, insert on ocrm.parameters to ocrm_app;
"""

# Codes and ids of what a request did to each of many things, so that a repetition can say it.
IDEMPOTENCY_KEYS = "alter table ocrm.idempotency_keys add column result jsonb"


def upgrade() -> None:
    op.execute(REMINDERS)
    op.execute(INDEXES)
    op.execute(PARAMETERS)
    op.execute(IDEMPOTENCY_KEYS)
