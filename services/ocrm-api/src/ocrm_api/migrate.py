"""Bring schema `ocrm` to the version of this product."""

from functools import lru_cache
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from crm_shared import postgres
from crm_shared.errors import CrmError, NotReadyError
from crm_shared.settings import load
from ocrm_api.settings import MigrationSettings

FOLDER = Path(__file__).parent / "migrations"


class MigrationError(CrmError):
    """A migration could not be applied; the versions before it are kept."""

    code = "migration_failed"


class LockTimeoutError(NotReadyError):
    """Somebody holds a lock that the migration needs."""

    code = "lock_timeout"


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER))
    configuration.set_main_option("path_separator", "os")
    return configuration


@lru_cache(maxsize=1)
def head() -> str:
    """The version that this product needs."""
    found = ScriptDirectory.from_config(_configuration()).get_current_head()
    if found is None:
        raise MigrationError("The product was installed without its migrations; install it anew.")
    return found


def run(settings: MigrationSettings | None = None) -> str:
    """Upgrade to head, a transaction for each version, one process at a time; returns the head."""
    settings = settings or load(MigrationSettings)
    url = settings.url.get_secret_value()
    configuration = _configuration()
    configuration.attributes["url"] = make_url(url).set(drivername="postgresql+psycopg")
    configuration.attributes["lock_timeout"] = settings.lock_timeout_seconds
    with (
        # Without a transaction, whose end an index that is made concurrently would wait for.
        postgres.connect(url, application_name="ocrm-migrate", autocommit=True) as connection,
        postgres.advisory_lock(connection, "ocrm migrate"),
    ):
        try:
            command.upgrade(configuration, "head")
        except DBAPIError as error:
            raise _explained(error, settings, _half_made(connection)) from error
    return head()


def check_version(connection: psycopg.Connection) -> None:
    """`NotReadyError` where the schema is not at the version of this product."""
    try:
        row = connection.execute("select version_num from ocrm.alembic_version").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        row = None
    if row is None or row[0] != head():
        raise NotReadyError(
            "Schema ocrm is not at the version of this product; run `ocrm migrate` first."
        )


def _half_made(connection: psycopg.Connection) -> str:
    """Indexes that cannot be used, as their making was broken off; empty where there are none."""
    try:
        rows = connection.execute(
            "select relname from pg_index join pg_class c on c.oid = indexrelid"
            " where not indisvalid and relnamespace = to_regnamespace('ocrm') order by 1"
        ).fetchall()
    except psycopg.Error:  # PostgreSQL is away: what failed says so already
        return ""
    return ", ".join(name for (name,) in rows)


def _explained(error: DBAPIError, settings: MigrationSettings, half_made: str) -> CrmError:
    reason = str(error.orig).strip().splitlines()[0]
    if half_made:
        return MigrationError(
            f"The migration failed ({reason}); the versions before it are kept, and it left an"
            f" index half made ({half_made}), which costs writers time and helps nobody. Run `ocrm"
            " migrate` again: it makes the index anew."
        )
    if "lock timeout" in reason:
        return LockTimeoutError(
            f"A lock was not free within {settings.lock_timeout_seconds} s. The versions before are"
            " kept, and this one changed nothing: run `ocrm migrate` again when the database is"
            " quiet."
        )
    return MigrationError(
        f"The migration failed ({reason}); the versions before it are kept, and it changed nothing."
        " Give the role of OCRM_MIGRATION_URL the rights on schema ocrm, then run it again."
    )
