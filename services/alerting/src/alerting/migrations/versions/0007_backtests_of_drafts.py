"""A draft keeps what its last backtest said, so that the second person decides by it."""

from alembic import op

revision = "0007"
down_revision = "0006"

_COLUMN = """
alter table alerting.rule_drafts add column backtest jsonb;
comment on column alerting.rule_drafts.backtest is
    'What the parameters would have raised on delivered days, beside the version in force then.';
"""


def upgrade() -> None:
    """Add the column."""
    op.execute(_COLUMN)
