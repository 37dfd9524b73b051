"""Fresh PostgreSQL databases with the roles, schemas and rights of the services."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from deploy.local.bootstrap import apply_roles, role_urls, with_database


@dataclass(frozen=True)
class PostgresDatabase:
    """A database of its own for a test: one URL per role."""

    superuser: str
    ocrm_owner: str
    ocrm_app: str
    acrm_owner: str
    alerting_owner: str

    @property
    def name(self) -> str:
        """What it is called, by which others are copied from it."""
        return urlsplit(self.superuser).path.removeprefix("/")

    def environment(self) -> dict[str, str]:
        """The variables by which the services find this database."""
        return {
            "CRM_POSTGRES_URL": self.superuser,
            "OCRM_DATABASE_URL": self.ocrm_app,
            "OCRM_MIGRATION_URL": self.ocrm_owner,
            "ACRM_DATABASE_URL": self.acrm_owner,
            "ALERTING_DATABASE_URL": self.alerting_owner,
        }


@contextmanager
def template_database(environment: dict[str, str]) -> Iterator[str]:
    """The name of a database, with the roles applied, that others are copied from."""
    name = f"crm_template_{secrets.token_hex(4)}"
    superuser = environment["CRM_POSTGRES_URL"]
    _run(superuser, "CREATE DATABASE {}", name)
    try:
        with psycopg.connect(with_database(superuser, name), autocommit=True) as connection:
            apply_roles(connection)
        yield name
    finally:
        _run(superuser, "DROP DATABASE {} WITH (FORCE)", name)


@contextmanager
def fresh_database(environment: dict[str, str], template: str) -> Iterator[PostgresDatabase]:
    """A copy of the template, dropped at the end with whoever is still connected."""
    name = f"crm_test_{secrets.token_hex(4)}"
    superuser = environment["CRM_POSTGRES_URL"]
    _run(superuser, "CREATE DATABASE {} TEMPLATE {}", name, template)
    url = with_database(superuser, name)
    try:
        # Rights on a database are not copied from its template.
        with psycopg.connect(url, autocommit=True) as connection:
            apply_roles(connection)
        given = {
            variable: with_database(environment[variable], name)
            for variable in role_urls(superuser, {})
        }
        yield PostgresDatabase(
            superuser=url,
            ocrm_owner=given["OCRM_MIGRATION_URL"],
            ocrm_app=given["OCRM_DATABASE_URL"],
            acrm_owner=given["ACRM_DATABASE_URL"],
            alerting_owner=given["ALERTING_DATABASE_URL"],
        )
    finally:
        _run(superuser, "DROP DATABASE {} WITH (FORCE)", name)


def _run(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
