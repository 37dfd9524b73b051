"""How far closed reminders have been routed anew: one round after another, by whichever intake."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLE = """
create table ocrm.closed_routes (
    only_row boolean primary key default true check (only_row),
    run_id uuid,
    customer_id bigint,
    reminder_id uuid,
    check ((customer_id is null) = (reminder_id is null))
);
comment on table ocrm.closed_routes is
    'The publication by which the last round began, and the last reminder of it; null: it is over.';
insert into ocrm.closed_routes default values;
revoke all on ocrm.closed_routes from ocrm_app;
grant select, update on ocrm.closed_routes to ocrm_app;
"""


def upgrade() -> None:
    op.execute(_TABLE)
