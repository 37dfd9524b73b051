"""A bank of a test, and the batch over it with a real ledger.

A night takes seconds. Where a test only begins with one, a bank is kept whose nights were made
once, and every test gets a copy of its files and of its ledger.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
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
from tests.databases import PostgresDatabase, fresh_database

#: A key of personal data for tests: 32 zero bytes.
DATA_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

FIRST = date(2026, 1, 1)

SECOND = date(2026, 1, 2)

THIRD = date(2026, 1, 3)


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
    return batch_of(bank, database, folder, patch)


def batch_of(
    bank: Bank, database: PostgresDatabase, folder: Path, patch: pytest.MonkeyPatch
) -> Batch:
    """The batch over a bank, on a database that has a ledger."""
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


@dataclass(frozen=True)
class Start:
    """What a test begins with: a bank and the batch over it, both its own."""

    bank: Bank
    crm: Batch


#: How a bank is filled, and the date that is made of it.
Filling = tuple[Callable[[Bank], Bank], date]


@dataclass(frozen=True)
class Kept:
    """A bank with nights in its warehouse and its ledger, which is only copied."""

    bank: Bank
    crm: Batch
    environment: dict[str, str]

    @contextmanager
    def copied(self, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Start]:
        """Its files in a folder, and its ledger in a database of its own."""
        bank = deepcopy(self.bank)
        bank.landing = folder / "landing"
        shutil.copytree(self.crm.settings.landing_dir, bank.landing)
        shutil.copytree(self.crm.settings.warehouse_dir, folder / "warehouse")
        with fresh_database(self.environment, self.crm.database.name) as database:
            yield Start(bank, batch_of(bank, database, folder, patch))


@contextmanager
def kept(
    bank: Bank, environment: dict[str, str], template: str, folder: Path,
    make: Callable[[Batch], object],
) -> Iterator[Kept]:  # fmt: skip
    """A delivered bank with the nights that `make` runs."""
    with (
        fresh_database(environment, template) as database,
        pytest.MonkeyPatch.context() as patch,
    ):
        crm = batch_over(bank, database, folder, patch)
        make(crm)
        yield Kept(bank, crm, environment)


@pytest.fixture(scope="session")
def small_nights(
    environment: dict[str, str], postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    """The bank with its first three dates made, and none published."""
    folder = tmp_path_factory.mktemp("nights")
    bank = small(Bank(folder / "landing", FIRST))
    bank.deliver(THIRD, since=THIRD)

    def nights(crm: Batch) -> None:
        for day in (FIRST, SECOND, THIRD):
            crm.run(day)

    with kept(bank, environment, postgres_template, folder, nights) as found:
        yield found


@pytest.fixture
def made(small_nights: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """A copy of the bank with its first three dates made."""
    with small_nights.copied(tmp_path, monkeypatch) as start:
        yield start


@pytest.fixture(scope="session")
def published(small_nights: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    """The bank with a published date, for tests that only look."""
    with (
        pytest.MonkeyPatch.context() as patch,
        small_nights.copied(tmp_path_factory.mktemp("published"), patch) as start,
    ):
        start.crm.run(SECOND, publishes=True)
        yield start.crm


@pytest.fixture(scope="module")
def night(
    filling: Filling,
    environment: dict[str, str],
    postgres_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Kept]:
    """The bank as the tests of a module fill it, with its date made."""
    fill, day = filling
    folder = tmp_path_factory.mktemp("night")
    bank = fill(Bank(folder / "landing", FIRST))
    with kept(bank, environment, postgres_template, folder, lambda crm: crm.run(day)) as found:
        yield found


@pytest.fixture
def ready(night: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """The bank of one test, with its date made and not published."""
    with night.copied(tmp_path, monkeypatch) as start:
        yield start
