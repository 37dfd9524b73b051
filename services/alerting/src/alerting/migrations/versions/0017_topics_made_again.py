"""Which topic a partition belongs to: one that was deleted and made again has another id."""

from alembic import op

revision = "0017"
down_revision = "0016"

_COLUMNS = """
alter table alerting.partitions add column topic_id uuid, add column recreated_at timestamptz;
comment on column alerting.partitions.topic_id is
    'The id of the topic to which next_offset belongs; null: not known yet.';
comment on column alerting.partitions.recreated_at is
    'When the topic was last found to have been made again, and begun anew; null: never.';
"""


def upgrade() -> None:
    """Add the columns; the members fill in the ids when they take their partitions."""
    op.execute(_COLUMNS)
