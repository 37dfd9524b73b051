"""The schema `alerting`: bringing it to the newest version, and knowing whether it is."""

from functools import cache
from pathlib import Path

import psycopg

from crm_shared import postgres
from crm_shared.errors import NotReadyError


class SchemaOutdatedError(NotReadyError):
    """The tables are not those this version of the program works on."""

    code = "schema_outdated"


_MIGRATIONS = Path(__file__).parent / "migrations"


@cache
def newest() -> str:
    """The revision this program expects: the highest number among the files of the revisions."""
    return max(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def upgrade(url: str) -> str:
    """Bring the schema to the newest revision, one process at a time; returns the revision."""
    # Alembic and SQLAlchemy take half a second, which no other command is to wait for.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    with (
        postgres.connect(url, application_name="alerting migrate lock", autocommit=True) as guard,
        postgres.advisory_lock(guard, "alerting migrate"),
    ):
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: postgres.connect(url, application_name="alerting migrate"),
            poolclass=NullPool,
        )
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        engine.dispose()
    return newest()


def require_newest(connection: psycopg.Connection) -> None:
    """Raise `SchemaOutdatedError` unless the schema is at the revision this program expects."""
    found = current(connection)
    if found != newest():
        raise SchemaOutdatedError(
            f"The schema alerting is at revision {found or 'none'} and this program needs "
            f"{newest()}; run `alerting migrate`."
        )


def current(connection: psycopg.Connection) -> str | None:
    """The revision of the schema, None where nothing was migrated yet."""
    with connection.transaction():
        table = connection.execute("select to_regclass('alerting.alembic_version')").fetchone()
        if table is None or table[0] is None:
            return None
        row = connection.execute("select version_num from alerting.alembic_version").fetchone()
    return row[0] if row else None
