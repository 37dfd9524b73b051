"""Inbox, effects, dead letters, offsets with owner epochs, rules with their parameters."""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = """
create table alerting.partitions (
    topic text not null,
    partition integer not null,
    epoch bigint not null,
    owner text not null,
    taken_at timestamptz not null default now(),
    next_offset bigint not null default 0,
    watermark timestamptz,
    processed bigint not null default 0,
    dead_in_a_row integer not null default 0,
    updated_at timestamptz not null default now(),
    primary key (topic, partition)
);
comment on table alerting.partitions is
    'One row per partition: who owns it (epoch) and how far it has been made durable.';

create table alerting.inbox (
    event_id uuid primary key,
    customer_id bigint not null,
    occurred_at timestamptz not null,
    amount numeric(18, 2) not null,
    branch_id text not null,
    correlation_id text,
    received_at timestamptz not null default now()
);
create index inbox_window on alerting.inbox (customer_id, occurred_at);
comment on table alerting.inbox is 'One row per transfer to another bank: what windows count.';

create table alerting.outbox (
    reminder_id uuid primary key,
    seq bigint generated always as identity,
    rule_code text not null,
    rule_version integer not null,
    customer_id bigint not null,
    business_date date not null,
    message bytea not null,
    created_at timestamptz not null default now(),
    sent_at timestamptz
);
create index outbox_unsent on alerting.outbox (seq) where sent_at is null;
comment on table alerting.outbox is 'One row per reminder raised, and whether the topic has it.';

create table alerting.dead_letters (
    dead_letter_id bigint generated always as identity primary key,
    topic text not null,
    partition integer not null,
    log_offset bigint not null,
    rule_code text not null default '',
    payload_digest bytea not null,
    reason text not null,
    detail text not null,
    message_key bytea,
    payload bytea,
    state text not null default 'dead' check (state in ('dead', 'requeued')),
    attempts integer not null default 1,
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    unique (topic, partition, log_offset, rule_code, payload_digest)
);
create index dead_letters_open on alerting.dead_letters (dead_letter_id) where state = 'dead';
comment on table alerting.dead_letters is
    'One row per record, or record and rule, that could not be worked on. The digest tells apart'
    ' records that lie at the same offset of a topic that was created anew.';

create table alerting.rules (
    code text not null,
    version integer not null check (version >= 1),
    legal_entity text,
    parameters jsonb not null default '{}',
    effective_from timestamptz not null,
    created_at timestamptz not null default now(),
    unique nulls not distinct (code, version, legal_entity)
);
comment on table alerting.rules is
    'One row per rule and version. In force is the highest version whose effective_from has come;'
    ' legal_entity empty: the whole union.';
"""

#: The defaults of docs/rules.md.
_RULES = """
insert into alerting.rules (code, version, parameters, effective_from) values
('R01.LARGE_INFLOW', 1,
 '{"movement.individual_min_amount": "500000.00", "movement.business_min_amount": "5000000.00"}',
 '1900-01-01T00:00:00Z'),
('R01.LARGE_OUTFLOW', 1,
 '{"movement.individual_min_amount": "500000.00", "movement.business_min_amount": "5000000.00"}',
 '1900-01-01T00:00:00Z'),
('R01.FREQUENT_TRANSFERS_OUT', 1,
 '{"frequent_transfers.min_count": "5", "frequent_transfers.window_hours": "24"}',
 '1900-01-01T00:00:00Z'),
('R01.ACCOUNT_CLOSED', 1, '{}', '1900-01-01T00:00:00Z')
"""


def upgrade() -> None:
    """Create the tables and the rules in their first version."""
    op.execute(_TABLES)
    op.execute(_RULES)
