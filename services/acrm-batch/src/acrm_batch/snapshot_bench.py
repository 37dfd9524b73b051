"""How fast a segment is counted in a snapshot: `python -m acrm_batch.snapshot_bench`.

Makes a snapshot of invented customers with the catalogue's own indicators and so many invented tags
by the code that makes real ones, and counts `A and B and not C` in it: over BOOLEAN columns, as it
is laid out, and over one list of tag numbers per customer, as it could have been.
"""

import argparse
import os
import platform
import resource
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import duckdb

from acrm_batch import snapshot
from acrm_batch.catalogue import Catalogue, Indicator, Tag
from acrm_batch.engines.duckdb import Engine
from acrm_batch.engines.sql import literal
from acrm_batch.project import Project

_BRANCHES = 500
_ENTITIES = 20
_TRIES = 9

_TYPES = {
    "money": "cast(hash(n, {k}) % 10000000 / 100 as decimal(18,2))",
    "count": "cast(hash(n, {k}) % 50 as bigint)",
    "days": "cast(hash(n, {k}) % 400 as bigint)",
    "hours": "cast(hash(n, {k}) % 1000 / 10 as decimal(9,4))",
    "day_of_month": "cast(1 + hash(n, {k}) % 28 as bigint)",
    "ratio": "cast(hash(n, {k}) % 10000 / 10000 as decimal(9,4))",
    "date": "cast(date '2026-01-01' + cast(hash(n, {k}) % 180 as integer) as date)",
    "code": "chr(cast(65 + hash(n, {k}) % 5 as integer))",
}


def invented_bank(tags: int) -> Project:
    """The catalogue's indicators, and tags of which each holds for 3 to 50 % of the customers."""
    real = Project.load().catalogue
    leaves = tuple(
        Tag(f"BENCH/T{number}", "true", "true", "-", "-", "-", "-", "bench")
        for number in range(tags)
    )
    return Project({}, Catalogue(real.indicators, leaves, real.parameters))


def _relations(engine: Engine, project: Project, customers: int) -> None:
    """The relations that a snapshot is made of."""
    execute = engine.connection.execute
    branch = f"'B' || lpad(cast(hash(n, 1) % {_BRANCHES} as varchar), 3, '0')"

    def columns(indicators: list[Indicator]) -> str:
        return ", ".join(
            f"{_TYPES[one.unit].format(k=number)} as {one.column}"
            for number, one in enumerate(indicators, 10)
        )

    marks = ", ".join(
        f"hash(n, {1000 + number}) % 100 < {3 + number * 47 // max(1, len(project.catalogue.tags))}"
        f" as {tag.column}"
        for number, tag in enumerate(project.catalogue.tags)
    )
    spine = (
        f"n as customer_id, 'L' || n % {_ENTITIES} as legal_entity_id, {branch} as lead_branch_id,"
        " 1 as covering_branches, false as is_key_customer"
    )
    source = f"range({customers}) as customers (n)"
    for name, query in {
        "mart_customers": f"select {spine}, {columns(project.catalogue.at_grain('customer'))}"
        f" from {source}",
        "tag_customers": f"select {spine}, {marks} from {source}",
        "mart_customer_branches": f"select n as customer_id, {branch} as branch_id,"
        f" {columns(project.catalogue.at_grain('customer_branch'))} from {source}",
        "int_coverage": f"select n as customer_id, {branch} as branch_id, 'lead' as role,"
        f" 'deposit' as rule, 'M' || hash(n, 2) % 5000 as manager_id from {source}",
        "int_org_units": "select 'B' || lpad(cast(n as varchar), 3, '0') as org_id, 'branch' as"
        f" org_type, 'L' || n % {_ENTITIES} as legal_entity_id from range({_BRANCHES}) as b (n)",
    }.items():
        path = engine.aside / f"{name}.parquet"
        execute(f"copy ({query}) to {literal(path)} (format parquet, compression zstd)")
        engine.partition_view(name, path)


def _seconds(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[float, int]:
    """The median of some tries, and the count."""
    took, number = [], 0
    for _ in range(_TRIES):
        began = time.perf_counter()
        row = connection.execute(query).fetchone()
        took.append(time.perf_counter() - began)
        number = row[0] if row else 0
    return median(took), number


def measure(customers: int, tags: int, memory_limit: str, threads: int, folder: Path) -> None:
    """Make the snapshot, ask it, print what it took."""
    project = invented_bank(tags)
    engine = Engine(folder, folder / "aside", memory_limit, threads)
    _relations(engine, project, customers)
    path = folder / "snapshot.duckdb"
    began = time.perf_counter()
    engine.connection.execute(f"attach {literal(path)} as snapshot")
    snapshot.fill(engine, project)
    engine.connection.execute("checkpoint snapshot")
    print(f"written in {time.perf_counter() - began:.1f} s, {path.stat().st_size / 1e9:.2f} GB")
    a, b, c = (tag.column for tag in project.catalogue.tags[-3:])
    numbers = ", ".join(
        f"case when {tag.column} then {number} end"
        for number, tag in enumerate(project.catalogue.tags)
    )
    engine.connection.execute(
        f"create table snapshot.lists as select lead_branch_id, cast(list_filter([{numbers}],"
        " lambda tag: tag is not null) as smallint[]) as tags from snapshot.customers"
    )
    engine.connection.execute("detach snapshot")
    engine.close()
    last = len(project.catalogue.tags)
    held = " and ".join(
        f"{'not ' if number == last - 1 else ''}list_contains(tags, cast({number} as smallint))"
        for number in range(last - 3, last)
    )
    with snapshot.attached(path) as connection:
        connection.execute(f"set threads = {threads}")
        for name, table, condition in (
            ("BOOLEAN columns", "customers", f"{a} and {b} and not {c}"),
            ("a list column", "lists", held),
            ("BOOLEAN columns, and an amount", "customers",
             f"{a} and {b} and not {c} and dep_bal > 50000"),
            ("BOOLEAN columns, one branch of 500", "customers",
             f"{a} and {b} and not {c} and lead_branch_id = 'B077'"),
        ):  # fmt: skip
            took, number = _seconds(
                connection, f"select count(*) from snapshot.{table} where {condition}"
            )
            print(f"{name:<36} {took * 1000:7.1f} ms {number:>10,} customers")


def main() -> None:
    """Measure on this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=5_000_000)
    parser.add_argument("--tags", type=int, default=80)
    parser.add_argument("--memory-limit", default="4GB")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="Where to write; needs 10 GB for 5 million.")
    asked = parser.parse_args()
    print(
        f"{asked.customers:,} customers, {asked.tags} tags, {asked.threads} threads,"
        f" DuckDB {duckdb.__version__}, Python {platform.python_version()}"
    )
    with TemporaryDirectory(prefix="acrm-bench-", dir=asked.folder) as folder:
        measure(asked.customers, asked.tags, asked.memory_limit, asked.threads, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory of the process {peak:.2f} GB")


if __name__ == "__main__":
    main()
