"""The database, roles, schemas and rights that the services expect to find."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.credentials import role_password
from deploy.local.errors import RoleUnusable, ServerDoesNotAnswer

ROLES_SQL = Path(__file__).parents[1] / "postgres" / "roles.sql"
ONE_AT_A_TIME = 5_821_046_113


@dataclass(frozen=True)
class RoleUrl:
    """The variable in which a service looks for the URL of its role."""

    variable: str
    role: str


ROLE_URLS = (
    RoleUrl("OCRM_DATABASE_URL", "ocrm_app"),
    RoleUrl("OCRM_MIGRATION_URL", "ocrm_owner"),
    RoleUrl("ACRM_DATABASE_URL", "acrm_owner"),
    RoleUrl("ALERTING_DATABASE_URL", "alerting_owner"),
)


def with_database(url: str, database: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(database)}"))


def role_urls(superuser_url: str, given: Mapping[str, str]) -> dict[str, str]:
    """The URL of each role in the database of the superuser, unless the environment names one."""
    parts = urlsplit(superuser_url)
    place = parts.netloc.rpartition("@")[2]
    urls = {}
    for entry in ROLE_URLS:
        login = entry.role
        if parts.password is not None:
            login += ":" + role_password(unquote(parts.password), entry.role)
        derived = urlunsplit(parts._replace(netloc=f"{login}@{place}"))
        urls[entry.variable] = given.get(entry.variable) or derived
    return urls


def bootstrap(superuser_url: str, urls: Mapping[str, str]) -> None:
    """Create what is missing in the database and see that every role can log in; idempotent."""
    try:
        _create_database(superuser_url)
        with psycopg.connect(superuser_url, connect_timeout=5, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (ONE_AT_A_TIME,))
            apply_roles(connection)
            _set_missing_passwords(connection, urls)
    except psycopg.OperationalError as error:
        raise ServerDoesNotAnswer(
            f"PostgreSQL at {_address(superuser_url)} does not answer: {_first_line(error)} "
            "Start it, or correct CRM_POSTGRES_URL."
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise RoleUnusable(
            f"The login of CRM_POSTGRES_URL may not create roles: {_first_line(error)} "
            "Use a superuser, or run deploy/postgres/roles.sql by hand and name the role URLs."
        ) from error
    for entry in ROLE_URLS:
        _check_login(entry, urls[entry.variable])


def apply_roles(connection: psycopg.Connection) -> None:
    """Run roles.sql in the database of the connection, in one transaction."""
    with connection.transaction():
        connection.execute(ROLES_SQL.read_bytes())


def _create_database(superuser_url: str) -> None:
    database = unquote(urlsplit(superuser_url).path.lstrip("/"))
    try:
        psycopg.connect(superuser_url, connect_timeout=5).close()
        return
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):
            raise
    maintenance = with_database(superuser_url, "postgres")
    with psycopg.connect(maintenance, connect_timeout=5, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def _set_missing_passwords(connection: psycopg.Connection, urls: Mapping[str, str]) -> None:
    """A role gets a password once; one that has a password keeps it."""
    for entry in ROLE_URLS:
        password = urlsplit(urls[entry.variable]).password
        found = connection.execute(
            "SELECT 1 FROM pg_authid WHERE rolname = %s AND rolpassword IS NULL", (entry.role,)
        ).fetchone()
        if password and found:
            verifier = connection.pgconn.encrypt_password(
                unquote(password).encode(), entry.role.encode(), b"scram-sha-256"
            )
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(entry.role), sql.Literal(verifier.decode())
                )
            )


def _check_login(entry: RoleUrl, url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        raise RoleUnusable(
            f"The role {entry.role} cannot log in at {_address(url)}: {_first_line(error)} "
            f"Set {entry.variable} to a URL with its password."
        ) from error


def _address(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}"


def _first_line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if line.endswith(".") else f"{line}."
