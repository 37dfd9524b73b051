"""`python -m deploy.bench.acrm`, which `make bench-acrm` runs: the batch at full size.

It makes (once) a bank of 13 months, runs the night's batch on it from nothing, then the next days,
one of them a month end, then the last of them again, publishes it to PostgreSQL, and puts an
ordinary day beside the same columns written by hand, a plain scan, PySpark and Polars on the same
cores. Ratios are told of CPU seconds, too, because other work on a machine comes and goes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from crm_shared.errors import CrmError
from crm_shared.landing import day_folder
from crm_shared.landing.manifest import FILE_NAME
from deploy.bench.figures import Figures
from deploy.bench.measured import Measured, measure
from deploy.local.servers import LocalServers

BENCH = Path(".local/bench")
FIRST, LAST = date(2025, 6, 1), date(2026, 7, 1)

#: The first night, and the ordinary one after it; then come a month end and the day after that.
FIRST_NIGHT, ORDINARY = date(2026, 6, 28), date(2026, 6, 29)

#: The banks of the growth points deliver three months; 13 months of five million would not fit.
GROWTH_FIRST = date(2026, 4, 1)

#: DuckDB's own limit, which leaves room for what it does not count below the goal of 6 GB.
_MEMORY = "5GB"

#: The goal is 6 GB; figures are in GiB.
_GOAL_GIBIBYTES = 6e9 / 2**30
_THREADS = "2"
_PARTS = ("full", "hand", "spark", "frames", "growth")


@dataclass(frozen=True)
class Nights:
    """The first night, from nothing, and the ordinary one after it; and what each takes, in seconds
    of the clock, for its snapshot."""

    first: Measured
    ordinary: Measured
    snapshot: float


@dataclass(frozen=True)
class Bench:
    """One benchmark: where everything lies and where its figures go."""

    figures: Figures
    environment: dict[str, str]
    folder: Path
    say: Callable[[str], None]

    @property
    def warehouse(self) -> Path:
        """What the full run makes."""
        return self.folder / "warehouse"

    def acrm(self, *words: str | Path, landing: Path, warehouse: Path) -> Measured:
        """A command of the batch."""
        self.say(f"acrm {' '.join(map(str, words))}")
        place = {"CRM_LANDING_DIR": str(landing), "CRM_WAREHOUSE_DIR": str(warehouse)}
        return measure("acrm", *words, "--json", environment=self.environment | place)


def bank(bench: Bench, customers: int, first: date) -> Path:
    """The folder of a generated bank; one that is there already is used again."""
    folder = BENCH / f"bank-{customers}-{first}"
    if not (day_folder(folder, LAST) / FILE_NAME).is_file():
        bench.say(f"generating {customers:,} customers from {first} to {LAST}")
        measure("bank-simulator", "generate", "--customers", str(customers), "--from", str(first),
                "--to", str(LAST), "--out", folder)  # fmt: skip
    return folder


def full(bench: Bench, landing: Path, customers: int) -> Nights:
    """The whole night from nothing, the next days, nothing to do, publication."""
    add = bench.figures.add
    add("customers", customers, "customers")
    place = {"landing": landing, "warehouse": bench.warehouse}
    first = _night(bench, "full_run", FIRST_NIGHT, **place)
    ordinary = _night(bench, "next_day", ORDINARY, **place)
    add("next_day_share", ordinary.seconds / first.seconds, "of a full run", at_most=0.1)
    add("next_day_cpu_share", ordinary.cpu_seconds / first.cpu_seconds, "of a full run")
    _night(bench, "month_end", LAST - timedelta(days=1), **place)
    _night(bench, "after_month_end", LAST, **place)
    again = bench.acrm("run", "--date", str(LAST), "--no-publish", **place)
    add("nothing_to_do_seconds", again.seconds, "s", at_most=1.5)
    published = bench.acrm("publish", "--date", str(LAST), "--no-events", **place)
    add("publication_memory", published.gigabytes, "GiB", at_most=_GOAL_GIBIBYTES)
    said = published.document()
    phases, rows = said["phases"], said["rows"]
    add("snapshot_seconds", phases["writing the snapshot"], "s")
    for table, goal in (("coverage", 150_000.0), ("customers", None), ("customer_indicators", None),
                        ("customer_tags", None)):  # fmt: skip
        rate = rows[table] / max(phases[f"publishing {table}"], 0.01)
        add(f"published_{table}", rate, "rows/s", at_least=goal)
    add("publication_seconds", sum(took for name, took in phases.items() if "publishing" in name),
        "s")  # fmt: skip
    return Nights(first, ordinary, float(phases["writing the snapshot"]))


def _night(bench: Bench, name: str, day: date, *, landing: Path, warehouse: Path) -> Measured:
    """A run of one date without publication."""
    night = bench.acrm("run", "--date", str(day), "--no-publish", landing=landing,
                       warehouse=warehouse)  # fmt: skip
    bench.figures.add(f"{name}_seconds", night.seconds, "s")
    bench.figures.add(f"{name}_cpu", night.cpu_seconds, "s")
    bench.figures.add(f"{name}_memory", night.gigabytes, "GiB", at_most=_GOAL_GIBIBYTES)
    return night


def by_hand(bench: Bench, landing: Path, nights: Nights) -> None:
    """The same columns of the same ordinary day by hand, and a plain scan of what is read."""
    add = bench.figures.add
    size = ("--threads", _THREADS, "--memory-limit", _MEMORY)
    bench.say("the same columns by hand")
    out = bench.folder / "lean.parquet"
    lean = measure("-m", "acrm_batch.bench.lean", "--landing", landing, "--date", str(ORDINARY),
                   *size, "--out", out, "--warehouse", bench.warehouse)  # fmt: skip
    bench.say(lean.said.strip())
    add("by_hand_seconds", lean.seconds, "s")
    add("by_hand_cpu", lean.cpu_seconds, "s")
    bench.say("a plain scan")
    scan = measure("-m", "acrm_batch.bench.scan", "--landing", landing, "--date", str(ORDINARY),
                   *size)  # fmt: skip
    add("scan_seconds", scan.seconds, "s")
    add("scan_cpu", scan.cpu_seconds, "s")
    first, ordinary = (one.seconds + nights.snapshot for one in (nights.first, nights.ordinary))
    add("first_night_to_by_hand", first / lean.seconds, "ratio")
    add("ordinary_night_to_by_hand", ordinary / lean.seconds, "ratio", at_most=1.5)
    add("ordinary_models_to_by_hand_cpu", nights.ordinary.cpu_seconds / lean.cpu_seconds, "ratio")
    add("first_night_to_scan", first / scan.seconds, "ratio")
    add("ordinary_night_to_scan", ordinary / scan.seconds, "ratio")


def frames(bench: Bench, landing: Path) -> None:
    """Deposits and flows of an ordinary day, by the batch, from nothing and after the day before,
    and by Polars. The batch also reads every byte of what is delivered to accept it, which Polars
    does not, so the ratios leave that out."""
    add, place = bench.figures.add, {"landing": landing, "warehouse": bench.folder / "families"}
    families = [
        word for name in ("balances", "deposits", "flow") for word in ("--select", f"ind_{name}")
    ]
    taken = {}
    for name, day in (("families_first", FIRST_NIGHT), ("families", ORDINARY)):
        run = bench.acrm("run", "--date", str(day), *families, **place)
        accepting = float(run.document()["phases"]["accepting source days"])
        taken[name] = run.seconds - accepting
        add(f"{name}_accepting_seconds", accepting, "s")
        add(f"{name}_seconds", taken[name], "s")
        add(f"{name}_memory", run.gigabytes, "GiB")
    packages = {"PYTHONPATH": str(BENCH / "packages"), "POLARS_MAX_THREADS": _THREADS}
    bench.say("deposits and flows by Polars")
    theirs = measure("-m", "acrm_batch.bench.frames", "--landing", landing, "--date", str(ORDINARY),
                     "--out", bench.folder / "frames", "--check", place["warehouse"],
                     environment=packages)  # fmt: skip
    bench.say(theirs.said.strip())
    add("polars_seconds", theirs.seconds, "s")
    add("polars_memory", theirs.gigabytes, "GiB")
    for name, seconds in taken.items():
        add(f"polars_to_{name}", theirs.seconds / seconds, "ratio", at_least=1)


def spark(bench: Bench, landing: Path) -> None:
    """Every model by PySpark on the same cores, from the same inputs."""
    bench.say("every model by both engines")
    packages = {"PYTHONPATH": str(Path(".local/spark").absolute())}
    compared = measure("-m", "acrm_batch.engines.compare", "--landing", landing, "--date",
                       str(LAST), "--memory-limit", _MEMORY, "--json", environment=packages
                       )  # fmt: skip
    steps = compared.document()
    ours = sum(step["duckdb_seconds"] for step in steps)
    theirs = sum(step["spark_seconds"] for step in steps)
    bench.figures.add("spark_steps", len(steps), "steps")
    bench.figures.add("spark_seconds", theirs, "s")
    bench.figures.add("spark_to_duckdb", theirs / ours, "ratio", at_least=5)
    bench.figures.add("spark_differences", sum(len(step["differences"]) for step in steps),
                      "differences", at_most=0)  # fmt: skip


def growth(bench: Bench, sizes: list[int]) -> None:
    """A full run of three months for growing banks: CPU seconds per customer."""
    found = {}
    for size in sizes:
        place = {"landing": bank(bench, size, GROWTH_FIRST),
                 "warehouse": bench.folder / f"growth-{size}"}  # fmt: skip
        run = bench.acrm("run", "--date", str(LAST), "--no-publish", **place)
        found[size] = run.cpu_seconds / size
        bench.figures.add(f"growth_{size}_seconds", run.seconds, "s")
        bench.figures.add(f"growth_{size}_cpu", run.cpu_seconds, "s")
        bench.figures.add(f"growth_{size}_memory", run.gigabytes, "GiB", at_most=_GOAL_GIBIBYTES)
        bench.figures.add(f"growth_{size}_per_customer", found[size] / found[sizes[0]],
                          "ratio to the smallest", at_most=1.3)  # fmt: skip


def main(
    customers: Annotated[int, typer.Option(help="Size of the bank.")] = 1_000_000,
    landing: Annotated[Path | None, typer.Option(help="A bank that is there already.")] = None,
    parts: Annotated[str, typer.Option(help="Which parts, with commas.")] = ",".join(_PARTS),
    sizes: Annotated[str, typer.Option(help="Growth points.")] = "100000,1000000,5000000",
) -> None:
    """Measure the batch; .local/bench/acrm-<customers>.json keeps the last value of each figure."""
    console = Console()
    wanted = set(parts.split(","))
    if unknown := wanted - set(_PARTS):
        raise typer.BadParameter(f"no part {', '.join(sorted(unknown))}; choose of {_PARTS}")
    figures = Figures(BENCH / f"acrm-{customers}.json")
    BENCH.mkdir(parents=True, exist_ok=True)
    try:
        with (
            TemporaryDirectory(dir=BENCH, prefix="run-") as folder,
            LocalServers(Path(folder) / "servers", report=console.print) as servers,
        ):
            Path(folder).chmod(0o711)
            environment = servers.environment() | {
                "ACRM_MEMORY_LIMIT": _MEMORY,
                "ACRM_THREADS": _THREADS,
            }
            measure("ocrm", "migrate", environment=environment)
            measure("acrm", "migrate", environment=environment)
            bench = Bench(figures, environment, Path(folder), console.print)
            if wanted - {"growth"}:
                _one_size(bench, wanted, landing or bank(bench, customers, FIRST), customers)
            if "growth" in wanted:
                growth(bench, [int(size) for size in sizes.split(",")])
    except CrmError as error:
        console.print(str(error))
        raise typer.Exit(int(error.exit_code)) from None
    finally:
        figures.print(console)


def _one_size(bench: Bench, wanted: set[str], landing: Path, customers: int) -> None:
    if wanted & {"full", "hand"}:
        nights = full(bench, landing, customers)
        if "hand" in wanted:
            by_hand(bench, landing, nights)
    if "frames" in wanted:
        frames(bench, landing)
    if "spark" in wanted:
        spark(bench, landing)


if __name__ == "__main__":
    typer.run(main)
