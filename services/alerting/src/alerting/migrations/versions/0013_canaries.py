"""When the newest canary of a partition that was worked on had been sent."""

from alembic import op

revision = "0013"
down_revision = "0012"

_COLUMN = """
alter table alerting.partitions add column canary_at timestamptz;
comment on column alerting.partitions.canary_at is
    'When the newest canary that was worked on had been sent; null before the first.';
"""


def upgrade() -> None:
    """Add the column."""
    op.execute(_COLUMN)
