"""Records that the topic gave up before the intake came to them: how many, and when it saw that."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COLUMNS = """
alter table ocrm.intake_offsets
    add column missing bigint not null default 0,
    add column missing_at timestamptz;
"""


def upgrade() -> None:
    op.execute(_COLUMNS)
