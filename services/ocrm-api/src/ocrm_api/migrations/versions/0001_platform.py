"""Scopes, users, sessions, idempotency keys, audit log."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
create table ocrm.scopes (
    scope_key text primary key,
    branch_ids text[] not null
);

create table ocrm.users (
    user_id uuid primary key,
    login text not null unique check (login <> ''),
    employee_id text not null,
    password_hash text,
    is_active boolean not null default true,
    created_at timestamptz not null default now()
);

create table ocrm.sessions (
    token_hash bytea primary key,
    session_id uuid not null unique,
    user_id uuid not null references ocrm.users (user_id),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    roles jsonb not null,
    scopes jsonb not null,
    publication_run_id uuid
);
create index sessions_user on ocrm.sessions (user_id);
create index sessions_expiry on ocrm.sessions (expires_at);

create table ocrm.idempotency_keys (
    user_id uuid not null references ocrm.users (user_id),
    key text not null check (length(key) between 8 and 128),
    request_hash bytea not null,
    status smallint not null,
    body bytea not null,
    headers jsonb not null,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
);
create index idempotency_keys_age on ocrm.idempotency_keys (created_at);

create table ocrm.audit_log (
    audit_id bigint generated always as identity primary key,
    occurred_at timestamptz not null default now(),
    user_id uuid,
    employee_id text,
    action text not null,
    subject_type text not null,
    subject_id text not null,
    purpose text,
    details jsonb not null default '{}',
    request_id text not null
);
create index audit_log_subject on ocrm.audit_log (subject_type, subject_id, occurred_at);
create index audit_log_user on ocrm.audit_log (user_id, action, occurred_at);
"""

APPEND_ONLY = """
create function ocrm.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'The audit log is append-only.' using errcode = 'insufficient_privilege';
end
$$;
create trigger append_only before update or delete on ocrm.audit_log
    for each row execute function ocrm.refuse_change();
create trigger append_only_whole before truncate on ocrm.audit_log
    for each statement execute function ocrm.refuse_change();
"""

RIGHTS = """
revoke all on ocrm.scopes, ocrm.users, ocrm.sessions, ocrm.idempotency_keys, ocrm.audit_log
    from ocrm_app;
grant select, insert on ocrm.scopes, ocrm.audit_log to ocrm_app;
grant select, insert, update on ocrm.users to ocrm_app;
grant select, insert, update, delete on ocrm.sessions, ocrm.idempotency_keys to ocrm_app;
grant select on ocrm.alembic_version to ocrm_app;
revoke insert, update, delete on ocrm.alembic_version from ocrm_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(APPEND_ONLY)
    op.execute(RIGHTS)
