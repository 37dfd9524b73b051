"""When a day was checked for the first time; retractions by their event."""

from alembic import op

revision = "0020"
down_revision = "0019"

_CHANGES = """
alter table alerting.days_checked add column first_checked_at timestamptz not null default now();
update alerting.days_checked set first_checked_at = checked_at;
comment on column alerting.days_checked.first_checked_at is
    'From the day that was checked first, every day counts; earlier ones where they are checked.';
create index retractions_event on alerting.retractions (event_id);
"""


def upgrade() -> None:
    """A check before this revision counts as the first one of its day."""
    op.execute(_CHANGES)
