"""The backstops of the database: row-level security, the append-only audit log, its rights."""

from collections.abc import Iterator

import psycopg
import pytest

from crm_shared import published
from ocrm_api.scope import scope_of
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Bank

PROTECTED = [
    f"acrm.{table.name}" for table in published.TABLES.values() if table.visibility != "everybody"
] + ["ocrm.reminders", "ocrm.reminder_events"]


@pytest.fixture
def connection(shared_bank: Bank) -> Iterator[psycopg.Connection]:
    """The application's role, rolled back."""
    shared_bank.raise_reminder(1)
    with psycopg.connect(shared_bank.database.ocrm_app) as opened:
        yield opened
        opened.rollback()


def count(connection: psycopg.Connection, table: str) -> int:
    """How many rows the role sees."""
    row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def enter(connection: psycopg.Connection, *branches: str) -> None:
    """Enter a scope on this transaction."""
    scope = scope_of(branches)
    connection.execute(
        "insert into ocrm.scopes values (%s, %s) on conflict do nothing",
        (scope.key, list(scope.branch_ids)),
    )
    connection.execute("select set_config('app.scope', %s, true)", (scope.key,))


@pytest.mark.parametrize("table", PROTECTED)
def test_a_query_that_forgets_the_scope_sees_nothing(
    connection: psycopg.Connection, table: str
) -> None:
    assert count(connection, table) == 0


@pytest.mark.parametrize("key", ["", "unknown", "' or true --"])
def test_an_unknown_scope_sees_nothing(connection: psycopg.Connection, key: str) -> None:
    connection.execute("select set_config('app.scope', %s, true)", (key,))
    assert [count(connection, table) for table in PROTECTED] == [0] * len(PROTECTED)


def test_a_scope_sees_its_rows_and_is_gone_with_the_transaction(
    connection: psycopg.Connection,
) -> None:
    enter(connection, "B2")
    assert count(connection, "acrm.coverage") == 4
    assert count(connection, "acrm.customer_indicators") == 2
    connection.commit()
    assert count(connection, "acrm.coverage") == 0


def test_partitions_are_out_of_reach(connection: psycopg.Connection) -> None:
    enter(connection, "B1", "B2", "B3")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        count(connection, f"acrm.coverage_{bank.DAY:%Y%m%d}")


def test_the_application_cannot_write_outside_its_scope(connection: psycopg.Connection) -> None:
    enter(connection, "B1")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("update ocrm.reminders set branch_id = 'B3', lead_branch_id = 'B3'")


def test_the_application_owns_nothing_and_bypasses_nothing(connection: psycopg.Connection) -> None:
    row = connection.execute(
        "select rolsuper, rolbypassrls, (select count(*) from pg_class where relowner = r.oid)"
        " from pg_roles r where rolname = current_user"
    ).fetchone()
    assert row == (False, False, 0)


@pytest.mark.parametrize("statement", ["delete from", "update", "truncate"])
@pytest.mark.parametrize("role", ["ocrm_app", "ocrm_owner", "superuser"])
def test_the_audit_log_is_append_only(shared_bank: Bank, role: str, statement: str) -> None:
    url = getattr(shared_bank.database, role)
    shared_bank.execute(
        "insert into ocrm.audit_log (action, subject_type, subject_id, request_id)"
        " values ('test', 'test', '1', 'test')"
    )
    tail = " set action = 'else'" if statement == "update" else ""
    with psycopg.connect(url) as opened, pytest.raises(psycopg.errors.InsufficientPrivilege):
        opened.execute(f"{statement} ocrm.audit_log{tail}".encode())


def test_an_audit_row_cannot_be_dated_back(shared_bank: Bank) -> None:
    with psycopg.connect(shared_bank.database.ocrm_app) as opened:
        row = opened.execute(
            "insert into ocrm.audit_log"
            " (action, subject_type, subject_id, request_id, occurred_at)"
            " values ('test', 'test', '1', 'test', '2020-01-01') returning occurred_at = now()"
        ).fetchone()
    assert row == (True,)


@pytest.mark.parametrize("branches", [[], ["-"], ["B1"], ["B1", "B2"], ["城关", "B1"]])
def test_a_scope_s_key_is_that_of_its_branches(
    connection: psycopg.Connection, branches: list[str]
) -> None:
    scope = scope_of(branches)
    save = "insert into ocrm.scopes values (%s, %s) on conflict do nothing"
    connection.execute(save, (scope.key, list(scope.branch_ids)))
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(save, ("of another", list(scope.branch_ids)))


def test_users_and_sessions_are_nobody_else_s(shared_bank: Bank) -> None:
    with psycopg.connect(shared_bank.database.acrm_owner, autocommit=True) as opened:
        for table in ("users", "sessions", "audit_log", "idempotency_keys"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                opened.execute(f"select from ocrm.{table}".encode())
        assert opened.execute("select count(*) from ocrm.reminders").fetchone() != (0,)
