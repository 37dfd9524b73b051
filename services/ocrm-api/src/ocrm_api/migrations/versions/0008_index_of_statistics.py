"""Statistics of a branch by the period in which reminders were raised.

From here on indexes are made while the tables are in use. Those of 0004 to 0006 are made inside
the transaction of their migration, which holds up writers of `ocrm.reminders` meanwhile.
"""

from ocrm_api.migrations.online import create_index

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("reminders_raised", "on ocrm.reminders (lead_branch_id, raised_at)")
