"""A bank of a test, and the batch over it with a real ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from pydantic import SecretStr
from rich.console import Console

from acrm_batch import batch, ledger
from acrm_batch.progress import Progress
from acrm_batch.settings import BatchSettings
from tests.acrm_batch.bank import Bank
from tests.databases import PostgresDatabase

#: A key of personal data for tests: 32 zero bytes.
DATA_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

FIRST = date(2026, 1, 1)

SECOND = date(2026, 1, 2)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """An empty bank with branches A and B of L1 and C of L2, from 2026-01-01 on."""
    return Bank(tmp_path / "landing", FIRST)


@dataclass
class Batch:
    """The batch over a bank: run a date, read what came out."""

    settings: BatchSettings
    database: PostgresDatabase

    def run(self, day: date, **options: Any) -> batch.Result:
        """Run a date; nothing is sent, and nothing published unless asked."""
        options = {"publishes": False, "sends": False, **options}
        with Progress(Console(), quiet=True) as progress:
            return batch.run_date(self.settings, day, progress, **options)

    def rows(self, model: str, day: date, columns: str, order: str = "all") -> list[Any]:
        """Columns of a model's partition; single values where one column is asked for."""
        path = self.settings.warehouse_dir / model / f"as_of={day}" / "data.parquet"
        found = (
            duckdb.connect()
            .execute(
                f"select {columns} from read_parquet('{path}', hive_partitioning=false)"
                f" order by {order}"
            )
            .fetchall()
        )
        return [row[0] if len(row) == 1 else row for row in found]

    def known_parameters(self) -> frozenset[str]:
        """The codes of all parameters."""
        return batch.project_of(self.settings).catalogue.parameter_codes

    def query(self, statement: str, *values: Any) -> list[Any]:
        """Ask the ledger's database as its owner."""
        with psycopg.connect(self.database.acrm_owner) as connection:
            return connection.execute(statement.encode(), values).fetchall()


def create_scopes(database: PostgresDatabase) -> None:
    """What the OCRM migrates first."""
    with psycopg.connect(database.ocrm_owner) as connection:
        connection.execute(
            "create table ocrm.scopes (scope_key text primary key, branch_ids text[] not null)"
        )


def batch_over(
    bank: Bank, database: PostgresDatabase, folder: Path, patch: pytest.MonkeyPatch
) -> Batch:
    """The batch over a bank, on an empty database."""
    create_scopes(database)
    ledger.migrate(database.acrm_owner)
    patch.setenv("CRM_DATA_KEY", DATA_KEY)
    settings = BatchSettings(
        database_url=SecretStr(database.acrm_owner),
        landing_dir=bank.landing,
        warehouse_dir=folder / "warehouse",
        memory_limit="500MB",
        threads=1,
    )
    return Batch(settings, database)


@pytest.fixture
def crm(
    bank: Bank, postgres_database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Batch:
    """The batch over the bank, on a database of this test."""
    return batch_over(bank, postgres_database, tmp_path, monkeypatch)


def small(bank: Bank) -> Bank:
    """A customer of branches A (lead) and B, and a borrower of C."""
    bank.customer(1, phone="13800000000", name="张三")
    bank.account(11, 1, "A", "100.10")
    bank.account(12, 1, "B", "50.05")
    bank.customer(2, home="C")
    bank.loan(21, 2, "C")
    bank.deliver(SECOND)
    return bank


@pytest.fixture(scope="module")
def published(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    """The bank with a published date, for tests that only look."""
    folder = tmp_path_factory.mktemp("published")
    bank = small(Bank(folder / "landing", FIRST))
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        crm.run(SECOND, publishes=True)
        yield crm
