"""No answers in idempotency keys, an audit clock of the database, scope keys that fit."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The answers held personal data. A later migration drops the column, once nothing writes it.
IDEMPOTENCY_KEYS = """
alter table ocrm.idempotency_keys alter column body drop not null;
update ocrm.idempotency_keys set body = null;
comment on column ocrm.idempotency_keys.body is 'No longer written.';
"""

AUDIT_CLOCK = """
create function ocrm.set_occurred_at() returns trigger language plpgsql as $$
begin
    new.occurred_at := now();
    return new;
end
$$;
create trigger now_only before insert on ocrm.audit_log
    for each row execute function ocrm.set_occurred_at();
"""

SCOPE_KEYS = """
alter table ocrm.scopes add constraint scope_key_is_of_branches check (
    scope_key = left(
        encode(sha256(convert_to(array_to_string(branch_ids, E'\\n'), 'UTF8')), 'hex'), 20
    )
) not valid;
alter table ocrm.scopes validate constraint scope_key_is_of_branches;
"""

# A new permission: the next request of every session works its roles out again.
SESSIONS = "update ocrm.sessions set publication_run_id = null"


def upgrade() -> None:
    op.execute(IDEMPOTENCY_KEYS)
    op.execute(AUDIT_CLOCK)
    op.execute(SCOPE_KEYS)
    op.execute(SESSIONS)
