"""Who may do what in the database, as roles.sql grants it."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from deploy.local.bootstrap import apply_roles
from tests.databases import PostgresDatabase

TABLES = {
    "ocrm.visits": "ocrm_owner",
    "acrm.indicators": "acrm_owner",
    "alerting.windows": "alerting_owner",
}
ROLES = ("ocrm_owner", "ocrm_app", "acrm_owner", "alerting_owner")


@pytest.fixture(scope="module")
def database(module_database: PostgresDatabase) -> Iterator[PostgresDatabase]:
    """One table in every schema, made by its owner."""
    for table, owner in TABLES.items():
        with psycopg.connect(getattr(module_database, owner)) as connection:
            connection.execute(f"CREATE TABLE {table} (id bigserial PRIMARY KEY)")
    yield module_database


def allowed(url: str, statement: str) -> bool:
    with psycopg.connect(url) as connection:
        try:
            connection.execute(statement)
        except errors.InsufficientPrivilege:
            return False
    return True


@pytest.mark.parametrize("table", TABLES)
def test_a_new_table_is_read_by_its_owner_and_in_ocrm_by_the_application(
    database: PostgresDatabase, table: str
) -> None:
    statement = f"SELECT * FROM {table}"
    readers = {role for role in ROLES if allowed(getattr(database, role), statement)}

    assert readers == {TABLES[table]} | ({"ocrm_app"} if table == "ocrm.visits" else set())


@pytest.mark.parametrize(
    ("owner", "table", "reader", "opened"),
    [
        ("acrm_owner", "acrm.published", "ocrm_app", True),
        ("acrm_owner", "acrm.published", "ocrm_owner", True),
        ("ocrm_owner", "ocrm.consents", "acrm_owner", True),
        ("alerting_owner", "alerting.inbox", "ocrm_app", False),
    ],
)
def test_an_owner_opens_a_table_only_where_the_schema_is_open(
    postgres_database: PostgresDatabase, owner: str, table: str, reader: str, opened: bool
) -> None:
    with psycopg.connect(getattr(postgres_database, owner)) as connection:
        connection.execute(f"CREATE TABLE {table} (id int)")
        connection.execute(f"GRANT SELECT ON {table} TO {reader}")

    assert allowed(getattr(postgres_database, reader), f"SELECT * FROM {table}") is opened


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_written_by_its_owner_and_ocrm_by_the_application(
    database: PostgresDatabase, table: str
) -> None:
    statement = f"INSERT INTO {table} DEFAULT VALUES"
    writers = {role for role in ROLES if allowed(getattr(database, role), statement)}

    assert writers == {TABLES[table]} | ({"ocrm_app"} if table == "ocrm.visits" else set())


def test_the_application_owns_nothing_and_cannot_pass_row_level_security(
    database: PostgresDatabase,
) -> None:
    with psycopg.connect(database.superuser) as connection:
        found = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
            " (SELECT count(*) FROM pg_class WHERE relowner = r.oid)"
            " FROM pg_roles AS r WHERE rolname = 'ocrm_app'"
        ).fetchone()

    assert found == (False, False, False, False, 0)
    assert not allowed(database.ocrm_app, "CREATE TABLE ocrm.mine (id int)")
    assert not allowed(database.ocrm_app, "TRUNCATE ocrm.visits")


def test_nothing_is_granted_to_everybody(database: PostgresDatabase) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger")
        rights = [
            "has_database_privilege('stranger', current_database(), 'CONNECT')",
            "has_database_privilege('stranger', current_database(), 'TEMPORARY')",
            "has_schema_privilege('stranger', 'public', 'USAGE')",
            "has_schema_privilege('stranger', 'ocrm', 'USAGE')",
        ]
        found = connection.execute(f"SELECT {', '.join(rights)}").fetchone()
        connection.execute("DROP ROLE stranger")

    assert found == (False,) * 4


def test_a_function_of_an_owner_is_not_for_everybody(database: PostgresDatabase) -> None:
    with psycopg.connect(database.ocrm_owner) as connection:
        connection.execute("CREATE FUNCTION ocrm.one() RETURNS int LANGUAGE sql RETURN 1")

    assert allowed(database.ocrm_app, "SELECT ocrm.one()")
    assert not allowed(database.acrm_owner, "SELECT ocrm.one()")


def test_the_roles_can_be_applied_again(database: PostgresDatabase) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        apply_roles(connection)
        apply_roles(connection)

    assert allowed(database.ocrm_app, "SELECT * FROM ocrm.visits")


def test_names_are_stored_in_utf_8_and_compared_without_the_operating_system(
    database: PostgresDatabase,
) -> None:
    with psycopg.connect(database.ocrm_app) as connection:
        found = connection.execute(
            "SELECT pg_encoding_to_char(encoding), lower('ÄÖ'), char_length('土楼')"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone()

    assert found == ("UTF8", "äö", 2)
