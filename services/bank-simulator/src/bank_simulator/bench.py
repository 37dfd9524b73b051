"""Measure `generate`: bookings a second, time per customer as the bank grows, memory.

`python -m bank_simulator.bench 100000 300000 1000000` writes `.local/bench/generate.json`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table

FROM, TO = "2025-06-01", "2026-07-01"
RESULT = Path(".local/bench/generate.json")

#: Goals: growth of the time per customer (1 is linear), gigabytes of memory.
MAX_GROWTH, MAX_GIGABYTES = 1.3, 8.0


@dataclass(frozen=True, slots=True)
class Run:
    """One generated bank: how long it took and how much memory it held at most."""

    customers: int
    rows: int
    seconds: float
    cpu_seconds: float
    gigabytes: float
    disk_gigabytes: float


def measure(customers: int, folder: Path) -> Run:
    """Generate a bank of that size in a process of its own, and remove it again."""
    out = folder / f"bank-{customers}"
    command = [sys.executable, "-m", "bank_simulator.cli", "generate", "--customers",
               str(customers), "--from", FROM, "--to", TO, "--out", str(out)]  # fmt: skip
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise typer.Exit(process.returncode)
    files = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
    rows = sum(pq.ParquetFile(path).metadata.num_rows for path in out.rglob("transactions.parquet"))
    shutil.rmtree(out)
    return Run(customers, rows, seconds, usage.ru_utime + usage.ru_stime,
               usage.ru_maxrss / 2**20, sum(files) / 2**30)  # fmt: skip


def figures(runs: list[Run]) -> dict[str, dict[str, Any]]:
    """The figures of some runs, in growing size, with their goals."""
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        rate = run.rows / run.seconds
        found[f"rows_per_second_{run.customers}"] = _figure(round(rate), "rows/s", None, True)
        found[f"rows_{run.customers}"] = _figure(run.rows, "rows", None, True)
        found[f"seconds_{run.customers}"] = _figure(round(run.seconds, 1), "s", None, True)
        found[f"cpu_seconds_{run.customers}"] = _figure(round(run.cpu_seconds, 1), "s", None, True)
        found[f"disk_{run.customers}"] = _figure(round(run.disk_gigabytes, 2), "GB", None, True)
        found[f"peak_memory_{run.customers}"] = _figure(
            round(run.gigabytes, 2), "GB", f"< {MAX_GIGABYTES:g}", run.gigabytes < MAX_GIGABYTES
        )
    if len(runs) > 1:
        first, last = runs[0], runs[-1]
        growth = (last.cpu_seconds / last.customers) / (first.cpu_seconds / first.customers)
        found["cpu_per_customer_largest_to_smallest"] = _figure(
            round(growth, 2), "ratio", f"<= {MAX_GROWTH}", growth <= MAX_GROWTH
        )
    return found


def _figure(value: float, unit: str, goal: str | None, met: bool) -> dict[str, Any]:
    return {"value": value, "unit": unit, "goal": goal, "met": met}


def main(
    customers: Annotated[list[int], typer.Argument(help="Sizes, in growing order.")],
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = RESULT,
    folder: Annotated[Path | None, typer.Option(help="Where the banks are built.")] = None,
) -> None:
    """Measure the generator and write the figures."""
    console = Console()
    runs: list[Run] = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="bench-") as place:
        for size in sorted(customers):
            runs.append(measure(size, Path(place)))
            out.write_text(json.dumps(figures(runs), indent=1) + "\n", encoding="utf-8")
    table = Table("figure", "value", "unit", "goal", "met")
    for name, figure in figures(runs).items():
        table.add_row(name, *(str(figure[field] or "") for field in ("value", "unit", "goal")),
                      "yes" if figure["met"] else "no")  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
