"""Which topic the offsets of the intake belong to: one that was made again has another id."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMN = """
alter table ocrm.intake_offsets add column topic_id uuid;
comment on column ocrm.intake_offsets.topic_id is
    'The id of the topic to which next_offset belongs; null: not known yet.';
"""

_LETTERS = """
alter table ocrm.intake_dead_letters drop constraint intake_dead_letters_pkey;
create unique index intake_dead_letters_record on ocrm.intake_dead_letters
    (topic, partition, "offset", md5(coalesce(value, '')));
"""


def upgrade() -> None:
    """Add the column, which the intake fills in; offsets of dead letters may come again."""
    op.execute(_COLUMN)
    op.execute(_LETTERS)
