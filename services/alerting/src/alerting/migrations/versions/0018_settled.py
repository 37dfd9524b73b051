"""Dead letters and days that a person has settled: nobody will do more about them."""

from alembic import op

revision = "0018"
down_revision = "0017"

_CHANGES = """
alter table alerting.dead_letters drop constraint dead_letters_state_check,
    add constraint dead_letters_state_check check (state in ('dead', 'requeued', 'settled'));
alter table alerting.days_checked add column settled boolean not null default false;
comment on column alerting.days_checked.settled is
    'Whether a person has settled an incomplete day; who and why says alerting.audit_log.';
comment on table alerting.audit_log is
    'One row per look at personal data, and per requeue and settlement: who (as said at the'
    ' prompt), what for, when, at whom or what.';
"""


def upgrade() -> None:
    """Nothing was settled before."""
    op.execute(_CHANGES)
