"""Outcomes of each rule by day, from which its usefulness follows."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OUTCOMES = """
create table ocrm.rule_outcomes (
    counted_on date not null,
    rule_code text not null,
    useful integer not null,
    useless integer not null,
    primary key (counted_on, rule_code)
);
comment on table ocrm.rule_outcomes is
    'Reminders finished on a day with an outcome for or against their rule; only added to.';
revoke all on ocrm.rule_outcomes from ocrm_app;
grant select, insert on ocrm.rule_outcomes to ocrm_app;
"""


def upgrade() -> None:
    op.execute(OUTCOMES)
