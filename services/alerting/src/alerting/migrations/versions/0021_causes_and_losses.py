"""Which event caused a message, which event a dead letter is of, when records were lost."""

from alembic import op

revision = "0021"
down_revision = "0020"

_CHANGES = r"""
alter table alerting.outbox add column caused_by uuid;
comment on column alerting.outbox.caused_by is
    'The event that raised or withdrew the reminder; empty: stored before this was kept.';
alter table alerting.dead_letters add column event_id uuid;
comment on column alerting.dead_letters.event_id is
    'The event, where the record names one that can be read.';
update alerting.dead_letters set event_id = substring(
    encode(payload, 'escape')
    from '"event_id"\s*:\s*"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})')::uuid;
create index dead_letters_event on alerting.dead_letters (event_id) where event_id is not null;
alter table alerting.partitions add column records_lost_at timestamptz;
comment on column alerting.partitions.records_lost_at is
    'When it was last found that the topic had deleted records before their turn.';
"""


def upgrade() -> None:
    """Dead letters that are kept get the event they name."""
    op.execute(_CHANGES)
