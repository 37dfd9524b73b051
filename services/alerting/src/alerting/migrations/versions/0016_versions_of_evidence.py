"""By which version of its rule an event fired, which is that of the moment it was worked on."""

from alembic import op

revision = "0016"
down_revision = "0015"

_COLUMN = """
alter table alerting.evidence add column if not exists rule_version integer;
comment on column alerting.evidence.rule_version is
    'The version that fired; empty: it fired before this was kept.';
"""


def upgrade() -> None:
    """Add the column; members that do not know it leave it empty."""
    op.execute(_COLUMN)
