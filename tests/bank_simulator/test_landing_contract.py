"""What is delivered is exactly what the landing contract says."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from bank_simulator.plan import Plan
from crm_shared.business_calendar import days, is_month_end
from crm_shared.landing import TABLES, Table, day_folder, read_manifest, sha256_of
from tests.bank_simulator.conftest import rows

EVERY_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)


@EVERY_TABLE
def test_columns_are_those_of_the_contract_in_order(
    landing: duckdb.DuckDBPyConnection, bank: Path, plan: Plan, table: Table
) -> None:
    expected = [(column.name, column.type) for column in table.columns]
    for day in (plan.first, plan.as_of, plan.last):
        path = day_folder(bank, day) / f"{table.name}.parquet"
        file = f"read_parquet('{path}', hive_partitioning = false)"
        described = rows(landing, f"DESCRIBE FROM {file}")
        assert [(name, kind) for name, kind, *_ in described] == expected


@EVERY_TABLE
def test_keys_are_unique(landing: duckdb.DuckDBPyConnection, table: Table) -> None:
    by_day = table.kind == "state" or table.name == "gl_totals"
    key = ", ".join((*table.key, "business_date") if by_day else table.key)
    assert rows(landing, f"""SELECT {key} FROM {table.name}_delivered
        GROUP BY {key} HAVING count(*) > 1 LIMIT 3""") == []  # fmt: skip


@EVERY_TABLE
def test_only_known_codes_within_limits_and_no_gaps(
    landing: duckdb.DuckDBPyConnection, table: Table
) -> None:
    for column in table.columns:
        wrong = [f"{column.name} IS NULL"] if not column.nullable else []
        if column.codes:
            codes = ", ".join(f"'{code}'" for code in column.codes)
            wrong.append(f"{column.name} NOT IN ({codes})")
        if column.limits:
            wrong.append(f"{column.name} NOT BETWEEN {' AND '.join(column.limits)}")
        for condition in wrong:
            found = rows(landing, f"SELECT 1 FROM {table.name}_delivered WHERE {condition} LIMIT 1")
            assert found == [], f"{table.name}: {condition}"


def test_every_table_comes_every_day_with_its_rows_and_checksum(bank: Path, plan: Plan) -> None:
    for day in days(plan.first, plan.last):
        manifest = read_manifest(bank, day)
        assert list(manifest.tables) == list(TABLES)
        for name, delivered in manifest.tables.items():
            path = day_folder(bank, day) / delivered.file
            assert sha256_of(path) == delivered.sha256
            full = TABLES[name].kind == "state" and (day == plan.first or is_month_end(day))
            assert delivered.full is full


def test_manifests_count_the_rows(bank: Path, plan: Plan) -> None:
    for day in (plan.first, plan.as_of, plan.last):
        for delivered in read_manifest(bank, day).tables.values():
            path = day_folder(bank, day) / delivered.file
            assert pq.ParquetFile(path).metadata.num_rows == delivered.rows


def test_a_full_delivery_says_what_the_changes_said(
    landing: duckdb.DuckDBPyConnection, plan: Plan
) -> None:
    """Rows never vanish: who was there once is in the last full delivery."""
    for table in TABLES.values():
        if table.kind == "state":
            key = ", ".join(table.key)
            lost = f"""SELECT {key} FROM {table.name}
                EXCEPT SELECT {key} FROM {table.name}_delivered
                WHERE business_date = DATE '{plan.as_of}'"""
            assert rows(landing, lost) == [], table.name


def test_nobody_refers_to_what_was_not_delivered(landing: duckdb.DuckDBPyConnection) -> None:
    for child, column, parent, key in (
        ("deposit_accounts", "customer_id", "customers", "customer_id"),
        ("deposit_accounts", "branch_id", "org_units", "org_id"),
        ("balances", "account_id", "deposit_accounts", "account_id"),
        ("transactions", "account_id", "deposit_accounts", "account_id"),
        ("transactions", "reverses_txn_id", "transactions", "txn_id"),
        ("loans", "customer_id", "customers", "customer_id"),
        ("loans", "manager_id", "employees", "employee_id"),
        ("loans", "account_id", "deposit_accounts", "account_id"),
        ("loan_schedules", "loan_id", "loans", "loan_id"),
        ("loan_events", "loan_id", "loans", "loan_id"),
        ("credit_cards", "customer_id", "customers", "customer_id"),
        ("card_statements", "card_id", "credit_cards", "card_id"),
        ("card_transactions", "card_id", "credit_cards", "card_id"),
        ("payroll_members", "account_id", "deposit_accounts", "account_id"),
        ("coverage_managers", "manager_id", "employees", "employee_id"),
        ("private_managers", "customer_id", "customers", "customer_id"),
        ("private_managers", "manager_id", "employees", "employee_id"),
        ("reminder_outcomes", "customer_id", "customers", "customer_id"),
        ("reminder_outcomes", "branch_id", "org_units", "org_id"),
        ("contacts", "campaign_id", "campaigns", "campaign_id"),
        ("employee_roles", "employee_id", "employees", "employee_id"),
    ):
        orphans = f"""SELECT {column} FROM {child} WHERE {column} IS NOT NULL
            EXCEPT SELECT {key} FROM {parent}"""
        assert rows(landing, orphans) == [], f"{child}.{column}"
