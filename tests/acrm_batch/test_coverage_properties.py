"""What must hold for every bank, by the models as they are and by an independent reading."""

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from acrm_batch.engines.duckdb import Engine
from acrm_batch.inputs import File, Inputs
from acrm_batch.ledger import Ledger, migrate
from acrm_batch.project import Project
from acrm_batch.runner import Runner
from acrm_batch.steps import Step
from crm_shared.business_calendar import days, is_month_end
from crm_shared.landing import TABLES, day_folder, sha256_of
from tests.acrm_batch.bank import Bank, arrow_schema
from tests.acrm_batch.conftest import create_scopes
from tests.acrm_batch.coverage_banks import (
    FIRST,
    LAST,
    MONTH_ENDS,
    WAVERING,
    banks,
    corrections,
)  # fmt: skip
from tests.acrm_batch.coverage_reading import Covers, Reading
from tests.databases import PostgresDatabase

#: How many banks are drawn; `make test-long` draws more.
EXAMPLES = int(os.environ.get("ACRM_TEST_EXAMPLES", "8"))

MODELS = Project.load()


@dataclass
class World:
    """One engine and one ledger, used again for every bank."""

    engine: Engine
    ledger: Ledger
    folder: Path

    def forget(self) -> None:
        """A new bank, which nothing has been made of."""
        for path in (self.folder / "landing", self.folder / "wh"):
            shutil.rmtree(path, ignore_errors=True)
        with self.ledger.connection.transaction():
            self.ledger.connection.execute("truncate acrm.runs cascade")
            self.ledger.connection.execute("truncate acrm.partitions")

    def run(self, inputs: Inputs, dates: list[date], warehouse: str = "wh") -> list[Step]:
        """Make the coverage of some dates; what was made, and not skipped."""
        runner = Runner(MODELS, self.ledger, self.engine, self.folder / warehouse)
        runner.inputs = inputs
        made: list[Step] = []
        for day in dates:
            run_id = self.ledger.start_run("run", day)
            made += runner.run(run_id, day, MODELS.select(("int_coverage",)), lambda step: None)
        return [step for step in made if step.outcome == "made"]

    def coverage(self, day: date) -> list[Covers]:
        """The rows that cover, as the model made them."""
        path = self.folder / "wh" / "int_coverage" / f"as_of={day}" / "data.parquet"
        return read(path, "branch_id, customer_id, role, manager_id, rule")

    def files(self, warehouse: str = "wh") -> dict[str, str]:
        """The checksum of every partition."""
        folder = self.folder / warehouse
        return {str(p.relative_to(folder)): sha256_of(p) for p in folder.rglob("*.parquet")}


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, module_database: PostgresDatabase
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    create_scopes(module_database)
    migrate(module_database.acrm_owner)
    engine = Engine(folder / "landing", folder / "aside", "200MB", 1)
    with Ledger.open(module_database.acrm_owner, "test") as ledger:
        yield World(engine, ledger, folder)
    engine.close()


def read(path: Path, columns: str) -> list[Any]:
    """Columns of a partition."""
    query = f"select {columns} from read_parquet('{path}', hive_partitioning=false)"
    return duckdb.execute(query).fetchall()


def deliver(bank: Bank, landing: Path, shuffled: random.Random | None = None) -> Inputs:
    """Write the files that have rows, and know of the days without; in any order if so asked."""
    files = []
    for day in days(FIRST, LAST):
        full = day == FIRST or is_month_end(day)
        for table, rows in bank.tables(day, full=full):
            if not rows:
                continue
            if shuffled:
                shuffled.shuffle(rows)
            folder = day_folder(landing, day)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{table}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, arrow_schema(TABLES[table])), path)
            is_full = full and TABLES[table].kind == "state"
            files.append(File(table, day, path.name, sha256_of(path), len(rows), is_full))
    every = days(FIRST, LAST)
    if shuffled:
        shuffled.shuffle(files)
    return Inputs(every, files, [FIRST])


def check(world: World, bank: Bank, day: date) -> None:
    """One lead per active customer, a manager who is there, locks that hold, and the reading."""
    rows = world.coverage(day)
    reading = Reading(FIRST, bank.rows)
    today = reading.day(day)
    active = {c["customer_id"] for c in today.state("customers") if c["status"] == "active"}
    leads = Counter(customer for _, customer, role, _, _ in rows if role == "lead")
    assert leads == dict.fromkeys(active, 1)
    for branch, _, _, manager, _ in rows:
        assert manager == f"V:{branch}" or (manager and manager not in today.gone)
    locks = {
        lock["customer_id"]: lock["branch_id"] for lock in today.state("coverage_locks")
        if lock["locked_on"] <= day < lock["locked_until"]
    }  # fmt: skip
    locked = {customer: branch for branch, customer, role, _, rule in rows
              if role == "lead" and rule == "locked"}  # fmt: skip
    assert locked == {customer: branch for customer, branch in locks.items() if customer in active}
    assert set(rows) == reading.coverage(day)


def check_moves(world: World, bank: Bank, but: int | None = None) -> None:
    """The deposit leads as they are read aloud; one moves to who was 10 % above on two month ends,
    and those who waver never move."""
    reading = Reading(FIRST, bank.rows)
    leads = []
    for day in MONTH_ENDS:
        path = world.folder / "wh" / "int_deposit_leads" / f"as_of={day}" / "data.parquet"
        if path.is_file():
            found: dict[int, dict[str, tuple[Decimal, bool]]] = {}
            columns = "customer_id, branch_id, balance_days, is_lead"
            for customer, branch, total, is_lead in read(path, columns):
                found.setdefault(customer, {})[branch] = (total, is_lead)
            leads.append(found)
            assert reading.deposit_leads(day) == {
                customer: branch
                for customer, branches in found.items()
                for branch, (_, is_lead) in branches.items()
                if is_lead
            }
    for before, after in pairwise(leads):
        for customer in before.keys() & after.keys():
            [old] = [branch for branch, (_, is_lead) in before[customer].items() if is_lead]
            [new] = [branch for branch, (_, is_lead) in after[customer].items() if is_lead]
            if old != new and old in after[customer]:
                assert customer < WAVERING or customer == but
                for month_end in (before[customer], after[customer]):
                    assert month_end[new][0] * 100 >= month_end[old][0] * 110


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, database=None,
          # Shrinking twelve customers at seconds a try takes longer than reading the difference.
          phases=[Phase.generate],
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
def test_coverage_is_as_it_is_read_aloud_whatever_the_bank(
    world: World, data: st.DataObject
) -> None:
    world.forget()
    bank = data.draw(banks(world.folder / "landing"))
    dates = sorted({data.draw(st.dates(FIRST, LAST)), LAST})
    world.run(deliver(bank, bank.landing), dates)
    for day in dates:
        check(world, bank, day)
    check_moves(world, bank)
    before = {day: world.coverage(day) for day in dates}

    on, wrong, right = data.draw(corrections(bank))
    bank.rows["balances"] = [
        (day, right if (day, row) == (on, wrong) else row) for day, row in bank.rows["balances"]
    ]
    again = world.run(deliver(bank, bank.landing), dates)
    assert {step.as_of for step in again if step.as_of < on} == set()
    assert {step.model for step in again} <= {"int_branch_averages"} | MODELS.downstream(
        "int_branch_averages"
    )
    [owner] = {row["customer_id"] for _, row in bank.rows["deposit_accounts"]
               if row["account_id"] == wrong["account_id"]}  # fmt: skip
    for day in dates:
        check(world, bank, day)
        assert set(world.coverage(day)) ^ set(before[day]) <= {
            row for row in [*world.coverage(day), *before[day]] if row[1] == owner
        }

    check_moves(world, bank, but=owner)

    healed = world.files()
    order = random.Random(data.draw(st.integers(0, 9)))
    world.forget()
    world.run(deliver(bank, bank.landing, order), dates)
    assert world.files() == healed
