"""Topics that get more partitions: how many each had, and where old records may still wait."""

from alembic import op

revision = "0019"
down_revision = "0018"

_COLUMNS = """
alter table alerting.partitions add column topic_partitions integer,
    add column moving_since timestamptz;
comment on column alerting.partitions.topic_partitions is
    'How many partitions the topic had when this was last known; null: not known yet.';
comment on column alerting.partitions.moving_since is
    'Since when the topic has more partitions, until this old one was seen without lag; else null.';
"""


def upgrade() -> None:
    """Add the columns; the members fill in the numbers when they take their partitions."""
    op.execute(_COLUMNS)
