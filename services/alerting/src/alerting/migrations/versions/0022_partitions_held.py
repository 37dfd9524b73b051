"""Since when a partition is held, as too many dead letters in a row are open."""

from alembic import op

revision = "0022"
down_revision = "0021"

_COLUMN = """
alter table alerting.partitions add column held_at timestamptz;
comment on column alerting.partitions.held_at is
    'Since when its next record waits, as that would be one open dead letter in a row too many;'
    ' empty: it does not.';
"""


def upgrade() -> None:
    """Members that start anew come to the record that was held, and note it."""
    op.execute(_COLUMN)
