"""What reminders rest on, so that a reversal or a correction takes back what it has to.

The outbox may tell a reminder more than once from now on: raised, withdrawn, raised again. What was
raised before this revision keeps its state, and nothing it rests on is known.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

_TABLES = """
create table alerting.reminders (
    reminder_id uuid primary key,
    rule_code text not null,
    customer_id bigint not null,
    subject text not null,
    reminder_window text not null,
    state text not null default 'raised' check (state in ('raised', 'withdrawn')),
    revision integer not null default 1,
    changed_at timestamptz not null default now()
);
create index reminders_changed on alerting.reminders (changed_at);
comment on table alerting.reminders is
    'One row per reminder: whether it stands, and how often it has been raised (revision).';

create table alerting.evidence (
    event_id uuid not null,
    rule_code text not null,
    reminder_id uuid not null,
    customer_id bigint not null,
    fact text not null,
    fired_at timestamptz not null default now(),
    primary key (event_id, rule_code)
);
create index evidence_reminder on alerting.evidence (reminder_id);
create index evidence_fact on alerting.evidence (customer_id, fact);
create index evidence_fired on alerting.evidence (fired_at);
comment on table alerting.evidence is
    'One row per event and rule that fired: a reminder stands as long as it has one.';

create table alerting.retractions (
    customer_id bigint not null,
    fact text not null,
    event_id uuid not null,
    counted_at timestamptz,
    received_at timestamptz not null default now(),
    primary key (customer_id, fact)
);
create index retractions_received on alerting.retractions (received_at);
comment on table alerting.retractions is
    'One row per fact that was reversed or corrected, so that it counts for nothing when it comes;'
    ' counted_at is when a transfer was that windows had counted until then.';

alter table alerting.inbox add column fact text;
alter table alerting.outbox
    drop constraint outbox_pkey, add primary key (seq), alter column rule_version drop not null;
create index outbox_reminder on alerting.outbox (reminder_id);
insert into alerting.reminders (reminder_id, rule_code, customer_id, subject, reminder_window)
select reminder_id, rule_code, customer_id, content ->> 'subject', content ->> 'window'
from alerting.outbox, lateral (select convert_from(message, 'UTF8')::jsonb as content) as told;
"""


def upgrade() -> None:
    """Create the tables; reminders already raised are known as such."""
    op.execute(_TABLES)
