"""The newest of many branches without a sort; expiry by an index that row-level security allows."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Under row-level security a condition may use an index only where it cannot leak a hidden row, and
# PostgreSQL does not know that of coalesce; of case it does.
INDEXES = """
create index reminders_newest on ocrm.reminders (raised_at, reminder_id)
    where status in ('new', 'seen', 'acknowledged');
drop index ocrm.reminders_expiring;
create index reminders_expiring
    on ocrm.reminders (rule_code, (case when due_on is null then business_date else due_on end))
    where status in ('new', 'seen', 'snoozed');
"""


def upgrade() -> None:
    op.execute(INDEXES)
