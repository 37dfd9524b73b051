"""What each source of a reminder says, who withdrew it, events told once to owner and head."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# New columns without a value for old rows: nothing is rewritten, and nobody waits.
REMINDERS = """
alter table ocrm.reminders
    add column words jsonb,
    add column withdrawn_by text;
comment on column ocrm.reminders.words is
    'By source its last word: revision, withdrawn, at. Null: taken in before words were kept.';
comment on column ocrm.reminders.revision is 'Of the word that holds.';

alter table ocrm.reminder_events add column head_id text;
comment on column ocrm.reminder_events.head_id is
    'Whom it concerns besides the owner: the head to whom the reminder went.';
"""


def upgrade() -> None:
    op.execute(REMINDERS)
