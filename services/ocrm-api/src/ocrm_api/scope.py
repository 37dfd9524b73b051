"""Scope: the branches whose customers and amounts a viewer may see, for one operation.

Amounts are the union's where the customer's lead branch is in the scope, else the sums of the
scope's own branches. Row-level security holds the same rule once more: the transaction-local
setting `app.scope` names a row of `ocrm.scopes`, and without it nothing is visible.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, any_, literal, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

#: The pseudo branch of reminders that no branch can be found for; operations see it.
UNROUTED = "-"


@dataclass(frozen=True, slots=True)
class Scope:
    """A set of branches and the key of its row in `ocrm.scopes`."""

    key: str
    branch_ids: tuple[str, ...]

    def leads(self, lead_branch_id: str) -> bool:
        """Whether the viewer sees the customer's business in the whole union."""
        return lead_branch_id in self.branch_ids


def scope_of(branch_ids: Iterable[str]) -> Scope:
    """The scope of a set of branches; the same set has the same key."""
    ordered = tuple(sorted(set(branch_ids)))
    digest = hashlib.sha256("\n".join(ordered).encode()).hexdigest()
    return Scope(digest[:20], ordered)


async def ensure(session: AsyncSession, scopes: Iterable[Scope]) -> None:
    """Write the rows that row-level security will look up."""
    statement = text(
        "insert into ocrm.scopes (scope_key, branch_ids) values (:key, :branch_ids)"
        " on conflict (scope_key) do nothing"
    )
    for scope in sorted(set(scopes), key=lambda one: one.key):
        await session.execute(statement, {"key": scope.key, "branch_ids": list(scope.branch_ids)})


async def enter(session: AsyncSession, scope: Scope) -> None:
    """Let the rest of this transaction see what the scope sees."""
    await session.execute(text("select set_config('app.scope', :key, true)"), {"key": scope.key})


def within(column: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    """The row's branch is one of the scope's."""
    return column == any_(literal(list(scope.branch_ids), ARRAY(Text())))


def meets(column: ColumnElement[Any], scope: Scope) -> ColumnElement[bool]:
    """The row's branches and the scope's have one in common."""
    return column.op("&&", is_comparison=True)(literal(list(scope.branch_ids), ARRAY(Text())))
