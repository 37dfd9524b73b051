"""The schema `alerting`: bringing it to the newest version, and knowing whether it is."""

from functools import cache
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from crm_shared import postgres
from crm_shared.errors import NotReadyError


class SchemaOutdatedError(NotReadyError):
    """The tables are not those this version of the program works on."""

    code = "schema_outdated"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@cache
def newest() -> str:
    """The revision this program expects."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def upgrade(url: str) -> str:
    """Bring the schema to the newest revision, one process at a time; returns the revision."""
    with (
        postgres.connect(url, application_name="alerting migrate lock", autocommit=True) as guard,
        postgres.advisory_lock(guard, "alerting migrate"),
    ):
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: postgres.connect(url, application_name="alerting migrate"),
            poolclass=NullPool,
        )
        config = _config()
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
