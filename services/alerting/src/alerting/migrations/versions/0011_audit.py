"""Who read a customer's bookings, and what for; reminders are found by their customer."""

from alembic import op

revision = "0011"
down_revision = "0010"

_TABLE = """
create table alerting.audit_log (
    audit_id bigint generated always as identity primary key,
    occurred_at timestamptz not null default now(),
    said_by text not null,
    action text not null,
    subject_type text not null,
    subject_id text not null,
    purpose text not null,
    details jsonb not null default '{}'
);
create index audit_log_subject on alerting.audit_log (subject_type, subject_id, occurred_at);
comment on table alerting.audit_log is
    'One row per look at personal data: who (as said at the prompt), what for, when, at whom.';

create function alerting.refuse_change_of_audit() returns trigger language plpgsql as $$
begin
    raise exception 'The audit log is append-only.' using errcode = 'insufficient_privilege';
end
$$;
create trigger append_only before update or delete on alerting.audit_log
    for each row execute function alerting.refuse_change_of_audit();
create trigger append_only_whole before truncate on alerting.audit_log
    for each statement execute function alerting.refuse_change_of_audit();
"""


def upgrade() -> None:
    """Build the index while the service writes, then create the table."""
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists alerting.reminders_customer")
        op.execute(
            "create index concurrently reminders_customer"
            " on alerting.reminders (customer_id, rule_code)"
        )
    op.execute(_TABLE)
