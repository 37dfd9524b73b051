"""What the commands have in common: a connection to a migrated database."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Annotated

import psycopg
import typer

from alerting import audit, database, migrate, scopes
from alerting.scopes import Find, Found
from alerting.settings import AlertingSettings
from crm_shared import postgres

#: Where customers are shown only to somebody who says so; see `audit.asker`.
MaybeBy = Annotated[
    str | None, typer.Option("--by", help="Who asks to see customers as well; kept.")
]
MaybePurpose = Annotated[
    audit.Purpose | None, typer.Option("--purpose", help="What they are asked for; kept.")
]

#: Said where customers are not.
NOT_SHOWN = "Customers are shown to who says --by and --purpose; both are kept."

AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]


@contextmanager
def connected(ours: AlertingSettings, *, seconds: float = 120) -> Iterator[psycopg.Connection]:
    """A connection for `seconds`; `SchemaOutdatedError` where the schema is not the program's."""
    connection = _connect(ours)
    with connection, postgres.bounded(connection, seconds):
        migrate.require_newest(connection)
        yield connection


def published(ours: AlertingSettings) -> Find:
    """Looks up legal entities and tiers, on a connection of its own each time.

    Each statement is bounded, not all together, for those of a long range are many.
    """

    def find(
        branches: Collection[tuple[str, date]], customers: Collection[tuple[int, date]]
    ) -> Found:
        connection = _connect(ours)
        with connection:
            connection.autocommit = True
            bound = partial(postgres.bounded, connection, ours.statement_timeout_seconds)
            return scopes.find(connection, branches, customers, each=bound)

    return find


def _connect(ours: AlertingSettings) -> psycopg.Connection:
    return database.connect(
        ours.url,
        purpose="command",
        statement_timeout_seconds=ours.statement_timeout_seconds,
    )
