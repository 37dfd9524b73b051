"""How far back the outbox has been deleted from, so that no stream resumes over a silent hole."""

from alembic import op

revision = "0012"
down_revision = "0011"

_TABLE = """
create table alerting.outbox_trimmed (
    only_row boolean primary key default true check (only_row),
    until bigint not null
);
comment on table alerting.outbox_trimmed is
    'One row: the highest seq that was ever deleted from alerting.outbox.';
insert into alerting.outbox_trimmed (until)
select coalesce(min(seq) - 1, 0) from alerting.outbox;

create function alerting.note_trimmed() returns trigger language plpgsql as $$
begin
    update alerting.outbox_trimmed set until = gone.seq
    from (select max(seq) as seq from deleted) as gone where gone.seq > until;
    return null;
end
$$;
create trigger outbox_trimmed after delete on alerting.outbox
    referencing old table as deleted
    for each statement execute function alerting.note_trimmed();
"""


def upgrade() -> None:
    """Create the table and what keeps it; whatever is missing now may have been deleted."""
    op.execute(_TABLE)
