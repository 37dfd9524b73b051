"""Reminders, their stream, and the books of the intake."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REMINDERS = """
create table ocrm.reminders (
    reminder_id uuid primary key,
    rule_code text not null,
    rule_version integer not null,
    customer_id bigint not null,
    branch_id text not null,
    lead_branch_id text not null,
    event_branch_id text,
    owner_id text,
    subject text not null,
    reminder_window text not null,
    business_date date not null,
    due_on date,
    amount numeric(18,2),
    currency text not null,
    facts jsonb not null,
    priority smallint not null check (priority between 1 and 5),
    late boolean not null default false,
    status text not null check (status in ('new', 'acknowledged', 'done', 'withdrawn')),
    outcome_code text,
    note text,
    raised_at timestamptz not null,
    received_at timestamptz not null default now(),
    acknowledged_at timestamptz,
    acknowledged_by text,
    done_at timestamptz,
    done_by text,
    withdrawn_at timestamptz,
    withdrawn_reason text,
    version integer not null default 1,
    check ((status = 'done') = (done_at is not null and outcome_code is not null))
);
comment on column ocrm.reminders.event_branch_id is
    'As the producer said it; branch_id is what became of it: a branch of the bank, or the lead.';
create index reminders_of_owner on ocrm.reminders (owner_id, status, raised_at, reminder_id);
create index reminders_of_branch on ocrm.reminders (branch_id, status, raised_at, reminder_id);
create index reminders_of_lead on ocrm.reminders (lead_branch_id, status, raised_at, reminder_id);
create index reminders_of_customer on ocrm.reminders (customer_id, status);
create index reminders_open on ocrm.reminders (customer_id)
    where status in ('new', 'acknowledged');
"""

# Sequence numbers come from one row, locked until the commit, so they become visible in order and
# without gaps. Numbers of a PostgreSQL sequence become visible in commit order: a reader that has
# seen 7 would miss a 6 that is committed later.
STREAM = """
create table ocrm.reminder_stream (
    only_row boolean primary key default true check (only_row),
    last_sequence bigint not null default 0,
    trimmed_until bigint not null default 0
);
insert into ocrm.reminder_stream default values;

create table ocrm.reminder_events (
    sequence bigint primary key,
    reminder_id uuid not null,
    kind text not null check (kind in ('raised', 'acknowledged', 'done', 'withdrawn', 'routed')),
    branch_id text not null,
    lead_branch_id text not null,
    owner_id text,
    occurred_at timestamptz not null default now()
);
create index reminder_events_age on ocrm.reminder_events (occurred_at);
"""

INTAKE = """
create table ocrm.intake_offsets (
    topic text not null,
    partition integer not null,
    next_offset bigint not null,
    updated_at timestamptz not null default now(),
    primary key (topic, partition)
);

create table ocrm.intake_dead_letters (
    topic text not null,
    partition integer not null,
    "offset" bigint not null,
    reason text not null,
    value bytea,
    received_at timestamptz not null default now(),
    settled_at timestamptz,
    primary key (topic, partition, "offset")
);

create table ocrm.intake_status (
    worker text primary key,
    started_at timestamptz not null,
    heartbeat_at timestamptz not null,
    partitions integer not null,
    lag bigint not null,
    records bigint not null
);
"""

_BRANCHES = (
    "(select s.branch_ids from ocrm.scopes s"
    " where s.scope_key = nullif(current_setting('app.scope', true), ''))::text[]"
)


def _protect(table: str) -> None:
    test = f"(lead_branch_id = any ({_BRANCHES}) or branch_id = any ({_BRANCHES}))"
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy everybody on {table} to ocrm_app using (true) with check (true)")
    op.execute(
        f"create policy scope on {table} as restrictive to ocrm_app using {test} with check {test}"
    )


RIGHTS = """
revoke all on ocrm.reminders, ocrm.reminder_events, ocrm.reminder_stream, ocrm.intake_offsets,
    ocrm.intake_dead_letters, ocrm.intake_status from ocrm_app;
grant select, insert, update on ocrm.reminders, ocrm.intake_offsets, ocrm.intake_dead_letters
    to ocrm_app;
grant select, insert, update, delete on ocrm.intake_status to ocrm_app;
grant select, insert, delete on ocrm.reminder_events to ocrm_app;
grant select, update on ocrm.reminder_stream to ocrm_app;
grant select on ocrm.reminders to acrm_owner;
create policy evaluation on ocrm.reminders for select to acrm_owner using (true);
"""


def upgrade() -> None:
    op.execute(REMINDERS)
    op.execute(STREAM)
    op.execute(INTAKE)
    _protect("ocrm.reminders")
    _protect("ocrm.reminder_events")
    op.execute(RIGHTS)
