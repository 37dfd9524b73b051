"""What was finished on a day, by everybody and by a manager."""

from ocrm_api.migrations.online import create_index

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("reminders_finished", "on ocrm.reminders (done_at) where status = 'done'")
    create_index(
        "reminders_finished_of_owner",
        "on ocrm.reminders (owner_id, done_at) where status = 'done'",
    )
