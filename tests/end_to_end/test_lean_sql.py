"""The final columns written anew as lean SQL, a second reading of the catalogue, come out equal."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from acrm_batch.bench.lean.session import beside, make
from acrm_batch.engines.compare import differences
from acrm_batch.project import Project
from bank_simulator.generate import generate
from bank_simulator.plan import Plan
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch, batch_over
from tests.databases import PostgresDatabase

pytestmark = pytest.mark.slow

PLAN = Plan(customers=800, first=date(2025, 12, 1), last=date(2026, 3, 3), seed=11)

DAY = date(2026, 3, 3)


@dataclass
class Both:
    """A date made by the batch and by the lean SQL."""

    crm: Batch
    out: Path

    def differences(self, written: Path, model: str, key: list[str], aside: Path) -> list[str]:
        """What differs between a file of the lean SQL and the same columns of a model."""
        made = self.crm.settings.warehouse_dir / model / f"as_of={DAY}" / "data.parquet"
        with duckdb.connect() as connection:
            columns = columns_of(connection, written)
            connection.execute(
                f"copy (select {', '.join(columns)} from read_parquet('{made}',"
                f" hive_partitioning=false)) to '{aside}' (format parquet)"
            )
            return differences(connection, key, written, aside)


def columns_of(connection: duckdb.DuckDBPyConnection, written: Path) -> list[str]:
    """The columns of a file, in their order."""
    described = connection.execute(f"describe select * from '{written}'").fetchall()
    return [str(row[0]) for row in described]


@pytest.fixture(scope="module")
def both(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """A simulated bank whose year begins within its history, a few days into a month."""
    folder = tmp_path_factory.mktemp("lean")
    landing, out = folder / "bank", folder / "lean.parquet"
    generate(PLAN, landing)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(Bank(landing, PLAN.first), module_database, folder, patch)
        crm.run(DAY, selectors=("tag_customers", "mart_customer_branches"))
        make(landing, DAY, out, crm.settings.warehouse_dir, threads=1, memory_limit="500MB")
        yield Both(crm, out)


def test_every_final_column_is_written_anew(both: Both) -> None:
    catalogue = Project.load().catalogue
    with duckdb.connect() as connection:
        written = set(columns_of(connection, both.out))
        written |= set(columns_of(connection, beside(both.out, "tags")))
        at_branches = set(columns_of(connection, beside(both.out, "branches")))
    assert {one.column for one in catalogue.at_grain("customer")} - written == set()
    assert {tag.column for tag in catalogue.tags} - written == set()
    assert {one.column for one in catalogue.at_grain("customer_branch")} - at_branches == set()


def test_indicators_of_customers_are_equal(both: Both, tmp_path: Path) -> None:
    found = both.differences(both.out, "mart_customers", ["customer_id"], tmp_path / "mart")
    assert found == []


def test_tags_and_scores_are_equal(both: Both, tmp_path: Path) -> None:
    tags = beside(both.out, "tags")
    found = both.differences(tags, "tag_customers", ["customer_id"], tmp_path / "mart")
    assert found == []


def test_indicators_of_customers_at_branches_are_equal(both: Both, tmp_path: Path) -> None:
    branches, key = beside(both.out, "branches"), ["customer_id", "branch_id"]
    found = both.differences(branches, "mart_customer_branches", key, tmp_path / "mart")
    assert found == []
