"""What `alerting completeness` found of each business date, for the alert of an incomplete day."""

from alembic import op

revision = "0015"
down_revision = "0014"

_TABLE = """
create table alerting.days_checked (
    business_date date primary key,
    complete boolean not null,
    checked_at timestamptz not null default now()
);
comment on table alerting.days_checked is
    'One row per business date: whether all that the core booked was worked on, by the last check.';
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(_TABLE)
