"""Messages that a storm holds say so themselves, and lie in an index of their own."""

from alembic import op

revision = "0009"
down_revision = "0008"

_COLUMN = """
alter table alerting.outbox add column if not exists held boolean not null default false;
comment on column alerting.outbox.held is
    'Whether a storm of its rule holds the message back, until a person ends the storm.';
"""

_INDEXES = {
    "outbox_to_send": "alerting.outbox (seq) where sent_at is null and not held",
    "outbox_held": "alerting.outbox (rule_code, seq) where held",
}

_HOLD = """
update alerting.outbox o set held = true from alerting.storms s
where o.sent_at is null and o.rule_code = s.rule_code and s.ended_at is null
  and (o.rule_version is not null
       or exists (select from alerting.outbox e
                  where e.reminder_id = o.reminder_id and e.seq < o.seq and e.sent_at is null))
"""


def upgrade() -> None:
    """Add the column, build the indexes while the service writes, hold what storms hold now."""
    op.execute(_COLUMN)
    with op.get_context().autocommit_block():
        for name, target in _INDEXES.items():
            op.execute(f"drop index concurrently if exists alerting.{name}")
            op.execute(f"create index concurrently {name} on {target}")
        op.execute("drop index concurrently if exists alerting.outbox_unsent")
    op.execute(_HOLD)
