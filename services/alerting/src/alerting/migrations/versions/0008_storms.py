"""A rule that raises far more than it may in an hour is stored on, and its messages are held."""

from alembic import op

revision = "0008"
down_revision = "0007"

_TABLES = """
create table alerting.storm_counts (
    rule_code text not null,
    hour timestamptz not null,
    raised integer not null,
    primary key (rule_code, hour)
);
create index storm_counts_hour on alerting.storm_counts (hour);
comment on table alerting.storm_counts is
    'One row per rule and hour of event time: how many reminders were raised.';

create table alerting.storms (
    storm_id bigint generated always as identity primary key,
    rule_code text not null,
    hour timestamptz not null,
    raised integer not null,
    max_per_hour integer not null,
    began_at timestamptz not null default now(),
    ended_at timestamptz,
    ended_by text,
    end_reason text,
    check ((ended_at is null) = (ended_by is null))
);
create unique index storms_open on alerting.storms (rule_code) where ended_at is null;
create index storms_of_hour on alerting.storms (rule_code, hour);
comment on table alerting.storms is
    'One row per storm: while it lasts, the messages of the rule stay in the outbox.';
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(_TABLES)
