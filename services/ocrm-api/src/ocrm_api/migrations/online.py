"""Indexes of tables that are in use and may be huge: made without holding up who writes.

Such an index is made outside a transaction, so it has a migration of its own, without anything
else but others like it: what was broken off is then simply done again.
"""

from alembic import op
from sqlalchemy import text


def create_index(name: str, definition: str) -> None:
    """Create an index `on table (…)`; what an earlier try left of it, unfinished, is replaced.

    It waits for transactions that are open, however long: that holds up nobody else.
    """
    with op.get_context().autocommit_block():
        before = op.get_bind().execute(text("show lock_timeout")).scalar_one()
        op.execute("set lock_timeout = 0")
        op.execute(f"drop index concurrently if exists ocrm.{name}")
        op.execute(f"create index concurrently {name} {definition}")
        op.execute(f"set lock_timeout = '{before}'")
