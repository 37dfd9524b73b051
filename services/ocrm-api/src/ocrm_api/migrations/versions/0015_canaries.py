"""When alerting had sent the newest canary that the intake took in."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_COLUMN = """
alter table ocrm.intake_offsets add column canary_at timestamptz;
"""


def upgrade() -> None:
    op.execute(_COLUMN)
