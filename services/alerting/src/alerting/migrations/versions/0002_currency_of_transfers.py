"""Transfers keep their currency, so that amounts of different currencies are never summed."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; what was kept before was in CNY."""
    op.execute("alter table alerting.inbox add column currency text not null default 'CNY'")
