"""What was worked on of each business date, counted with the offsets: is the day complete?"""

from alembic import op

revision = "0010"
down_revision = "0009"

_TABLES = """
create table if not exists alerting.days_worked (
    topic text not null,
    partition integer not null,
    business_date date not null,
    kind text not null,
    records bigint not null,
    late bigint not null,
    control_total bigint not null,
    primary key (topic, partition, business_date, kind)
);
create index if not exists days_worked_day on alerting.days_worked (business_date);
comment on table alerting.days_worked is
    'One row per partition, business date and kind of event: the records worked on, repeats'
    ' included, and the sum of their event ids modulo 2^60, by which a day is proven complete.';
"""


def upgrade() -> None:
    """Create the table, and build an index while the service writes; what was before is not
    counted."""
    op.execute(_TABLES)
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists alerting.outbox_day")
        op.execute(
            "create index concurrently outbox_day on alerting.outbox using brin (business_date)"
        )
