"""Indexes by which what has been kept long enough is found; built while the service writes."""

from alembic import op

revision = "0003"
down_revision = "0002"

_INDEXES = {
    "outbox_sent": "alerting.outbox (sent_at) where sent_at is not null",
    "inbox_received": "alerting.inbox (received_at)",
}


def upgrade() -> None:
    """Build the indexes; one left unfinished by an earlier attempt is built anew."""
    with op.get_context().autocommit_block():
        for name, target in _INDEXES.items():
            op.execute(f"drop index concurrently if exists alerting.{name}")
            op.execute(f"create index concurrently {name} on {target}")
