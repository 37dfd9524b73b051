"""Every model of a date made by DuckDB and by Spark from the same inputs, compared and timed.

    python -m acrm_batch.engines.compare --landing DIR --date DATE

needs no database: the ledger is one that forgets. Exit 1 where anything differs.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import duckdb

from acrm_batch.engines.duckdb import Bound, Engine
from acrm_batch.engines.spark import SparkEngine
from acrm_batch.engines.sql import literal
from acrm_batch.inputs import File
from acrm_batch.ledger import Ledger, PartitionRow
from acrm_batch.project import Project
from acrm_batch.runner import Runner
from crm_shared.errors import CrmError

#: How far two doubles may lie apart, as a share of the larger one.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Compared:
    """A model made by both: rows, seconds of each, and a sentence per difference."""

    model: str
    rows: int
    duckdb_seconds: float
    spark_seconds: float
    differences: tuple[str, ...]


class BothEngines(SparkEngine):
    """Makes every model twice and keeps the partition of DuckDB, so that both read the same."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.compared: list[Compared] = []
        self.report: Callable[[Compared], None] = lambda compared: None

    def stage(
        self,
        name: str,
        sql: str,
        key: Sequence[str],
        bound: Mapping[str, Bound],
        ranges_of: str | None = None,
    ) -> tuple[Path, int]:
        self._started()
        began = time.monotonic()
        by_spark: Path | CrmError
        try:
            staged, _ = super().stage(name, sql, key, bound, ranges_of)
            by_spark = staged.replace(staged.with_name(f"{name}.by_spark.parquet"))
        except CrmError as error:
            by_spark = error
        between = time.monotonic()
        by_duckdb, rows = Engine.stage(self, name, sql, key, bound, ranges_of)
        seconds = time.monotonic() - between
        found = (
            [by_spark.sentence]
            if isinstance(by_spark, CrmError)
            else differences(self.connection, key, by_duckdb, by_spark)
        )
        self.compared.append(Compared(name, rows, seconds, between - began, tuple(found)))
        self.report(self.compared[-1])
        return by_duckdb, rows


def differences(
    connection: duckdb.DuckDBPyConnection, key: Sequence[str], left: Path, right: Path
) -> list[str]:
    """What differs between two partitions, whatever the order of their rows: types, rows that only
    one has, and columns by the number of rows; doubles by a billionth of their size."""
    types, other = _types(connection, left), _types(connection, right)
    if types != other:
        return [f"column {name} is {types.get(name)} and {other.get(name)}"
                for name in sorted({*types, *other}) if types.get(name) != other.get(name)
                ] or ["the columns stand in another order"]  # fmt: skip
    tests = {name: _differ(name, kind) for name, kind in types.items()}
    counts = ", ".join(f"count(*) filter (where {test})" for test in tests.values())
    joined = " and ".join(f'l."{name}" is not distinct from r."{name}"' for name in key)
    only_left, only_right, *found = connection.execute(
        "select count(*) filter (where r.there is null), count(*) filter (where l.there is null),"
        f" {counts} from (select *, true as there from {_rows(left)}) as l"
        f" full join (select *, true as there from {_rows(right)}) as r on {joined}"
    ).fetchall()[0]
    faults = [f"{count} rows are only in {side}" for side, count in
              (("the first", only_left), ("the second", only_right)) if count]  # fmt: skip
    return faults + [
        f"column {name} differs in {count} rows"
        for name, count in zip(tests, found, strict=True)
        if count
    ]


def _differ(name: str, kind: str) -> str:
    left, right = f'l."{name}"', f'r."{name}"'
    both = "l.there and r.there"
    if kind in {"DOUBLE", "FLOAT"}:
        apart = f"abs({left} - {right}) > {_TOLERANCE} * greatest(abs({left}), abs({right}))"
        return f"{both} and (({left} is null) <> ({right} is null) or {apart})"
    return f"{both} and {left} is distinct from {right}"


def _types(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    described = connection.execute(f"describe select * from {_rows(path)}").fetchall()
    return {str(name): str(kind) for name, kind, *_ in described}


def _rows(path: Path) -> str:
    return f"read_parquet({literal(path)}, hive_partitioning=false)"


class _ForgettingLedger(Ledger):
    """Nothing was made before, and nothing is written down."""

    def __init__(self) -> None:
        pass

    def partitions(self) -> dict[tuple[str, date], PartitionRow]:
        return {}

    def accepted(self) -> tuple[dict[date, tuple[str, bool]], list[File]]:
        return {}, []

    def compared_days(self) -> set[date]:
        return set()

    def record_accepted(self, *_: Any, **__: Any) -> None:
        pass

    def forget_partitions(self, *_: Any, **__: Any) -> None:
        pass

    def record_step(self, *_: Any, **__: Any) -> None:
        pass


def compare(
    landing: Path, warehouse: Path, business_date: date, *,
    memory_limit: str = "2GB", threads: int = 2, master: str = "",
    report: Callable[[Compared], None] = lambda compared: None,
) -> list[Compared]:  # fmt: skip
    """Make every model that a date needs or publishes with both engines; raises the first
    failure."""
    engine = BothEngines(landing, warehouse / ".aside", memory_limit, threads, master)
    engine.report = report
    try:
        runner = Runner(Project.load(), _ForgettingLedger(), engine, warehouse)
        run_id: UUID = uuid4()
        runner.accept(None, business_date, threads)
        runner.run(run_id, business_date, set(runner.project.models), lambda step: None)
        for model in runner.project.models.values():
            # A night makes these while it publishes them, always with DuckDB.
            if model.partition == "published":
                bound = runner.provide(model, business_date)
                engine.stage(model.name, model.bound_sql, model.key, bound, model.ranges_of)
        return engine.compared
    finally:
        engine.close()


def main() -> int:
    """Print what was compared."""
    parser = argparse.ArgumentParser(prog="python -m acrm_batch.engines.compare",
                                     description="Compare DuckDB and Spark.")  # fmt: skip
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--date", type=date.fromisoformat, required=True)
    parser.add_argument("--memory-limit", default="2GB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--master", default="", help="of Spark, by default local")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    try:
        with TemporaryDirectory(prefix="acrm-compare-") as folder:
            found = compare(
                given.landing, Path(folder), given.date, memory_limit=given.memory_limit,
                threads=given.threads, master=given.master,
                report=lambda one: None if given.json else print(_line(one), flush=True),
            )  # fmt: skip
    except CrmError as error:
        print(error.sentence, file=sys.stderr)
        return int(error.exit_code)
    if given.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    else:
        ours = sum(one.duckdb_seconds for one in found)
        theirs = sum(one.spark_seconds for one in found)
        print(f"{len(found)} steps: DuckDB {ours:.1f} s, Spark {theirs:.1f} s,"
              f" ratio {theirs / max(ours, 1e-9):.1f}")  # fmt: skip
    return 1 if any(one.differences for one in found) else 0


def _line(one: Compared) -> str:
    verdict = "; ".join(one.differences) or "the same"
    return (
        f"{one.model:32} {one.rows:>10} rows  DuckDB {one.duckdb_seconds:7.2f} s"
        f"  Spark {one.spark_seconds:7.2f} s  {verdict}"
    )


if __name__ == "__main__":
    sys.exit(main())
