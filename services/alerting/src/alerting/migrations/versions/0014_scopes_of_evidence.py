"""By whose parameters a rule fired: those of a legal entity or a tier, or everybody's.

A version says all of them in its parameters, so a version is one row.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

_CHANGES = """
alter table alerting.evidence add column scope text not null default '';
comment on column alerting.evidence.scope is
    'Whose parameters fired: legal entity, /tier, or legal entity/tier; empty: those of everybody.';

alter table alerting.rules drop column legal_entity;
alter table alerting.rules add unique (code, version);
comment on table alerting.rules is
    'One row per rule and version. In force is the highest version whose effective_from has come.';
"""


def upgrade() -> None:
    """Whatever fired before did so by everybody's; no program ever wrote a legal entity."""
    op.execute(_CHANGES)
