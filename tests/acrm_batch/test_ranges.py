"""Wide models are made in ranges of customers, with the rows that they have in one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from acrm_batch.engines import duckdb as engines
from acrm_batch.engines.duckdb import Engine
from acrm_batch.lint import lint
from acrm_batch.project import Project

KEY = ("customer_id", "branch_id")
WIDE = """
with branch as (select unnest(['B', 'A']) as branch_id)
select known.customer_id, branch.branch_id, owned.balance, $month_days as days
from known
cross join branch
left join owned on owned.customer_id = known.customer_id
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Ten customers, of whom every third has a balance, and a relation without the outermost."""
    made = Engine(tmp_path, tmp_path / "aside", "200MB", 1)
    made.connection.execute(
        "create table known as select unnest(range(-3, 7)) as customer_id;"
        "create table owned as select unnest(range(-3, 7, 3)) as customer_id, 5.25 as balance;"
        "create table inner_ones as from known where customer_id between -2 and 5"
    )
    yield made
    made.close()


@pytest.mark.parametrize("rows_of_range", [1, 3, 4, 8, 100])
def test_ranges_come_to_the_same_rows_in_the_same_order(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, rows_of_range: int
) -> None:
    monkeypatch.setattr(engines, "RANGE_ROWS", rows_of_range)
    whole, rows = engine.stage("whole", WIDE, KEY, {"month_days": 7})
    parted, parted_rows = engine.stage("parted", WIDE, KEY, {"month_days": 7}, "inner_ones")
    assert parted_rows == rows == 20
    assert _rows(engine, parted) == _rows(engine, whole)
    assert sorted(path.name for path in engine.aside.glob("*.parquet")) == [
        "parted.parquet", "whole.parquet",
    ]  # fmt: skip


def test_only_what_a_model_reads_parts_it() -> None:
    project = Project.load()
    assert {model.ranges_of for model in project.models.values()} == {
        None, "ind_balances", "int_customers", "mart_customers",
    }  # fmt: skip
    assert [fault for fault in lint(project) if "in ranges of" in fault] == []


def _rows(engine: Engine, path: Path) -> list[tuple[object, ...]]:
    return engine.connection.execute(f"from read_parquet('{path}')").fetchall()
