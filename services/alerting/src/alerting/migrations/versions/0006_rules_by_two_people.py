"""New versions of rules by two people, one who drafts and one who approves; none ever changes."""

from alembic import op

revision = "0006"
down_revision = "0005"

_TABLES = """
create table alerting.rule_drafts (
    draft_id bigint generated always as identity primary key,
    code text not null,
    base_version integer not null,
    parameters jsonb not null,
    reason text not null,
    maker text not null,
    made_at timestamptz not null default now(),
    state text not null default 'draft' check (state in ('draft', 'approved', 'rejected')),
    checker text check (checker <> maker),
    decided_at timestamptz,
    decision_reason text,
    check ((state = 'draft') = (checker is null))
);
create unique index rule_drafts_open on alerting.rule_drafts (code) where state = 'draft';
comment on table alerting.rule_drafts is
    'One row per proposed version of a rule: who proposed it and why, who decided. One at a time.';

alter table alerting.rules
    add column draft_id bigint unique references alerting.rule_drafts (draft_id);
comment on column alerting.rules.draft_id is
    'The approved draft that became this version; empty where the database was set up with it.';

create function alerting.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'A version of a rule never changes: draft a new one with alerting rules draft.';
end
$$;
create trigger rules_are_kept before update or delete on alerting.rules
    for each row execute function alerting.refuse_change();
"""


def upgrade() -> None:
    """Create the table; versions there are stay as they are, and cannot be changed any more."""
    op.execute(_TABLES)
