"""The command `bank-simulator`: generate a bank, replay a day, show the planted answers."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from bank_simulator import answers as planted
from bank_simulator import parameters as parameter_sets
from bank_simulator import replay as replaying
from bank_simulator.generate import Progress
from bank_simulator.generate import generate as build
from bank_simulator.plan import Plan
from bank_simulator.sources.berka import import_berka
from crm_shared.errors import CrmError, UsageError
from crm_shared.settings import KafkaSettings

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False,
                  pretty_exceptions_enable=False)  # fmt: skip
sources = typer.Typer(help="Turn a real bank's files into landing files.", no_args_is_help=True)
app.add_typer(sources, name="import")
console = Console()
errors = Console(stderr=True)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it like 2026-06-30.") from None


Out = Annotated[Path, typer.Option("--out", help="Folder of the bank.")]
Customers = Annotated[int, typer.Option(help="How many customers.")]
From = Annotated[date, typer.Option("--from", parser=_date, metavar="DATE", help="First day.")]
To = Annotated[
    date,
    typer.Option("--to", parser=_date, metavar="DATE",
                 help="Last day. The batch answers are those of the day before."),
]  # fmt: skip
Seed = Annotated[int, typer.Option(help="Same seed, same bytes.")]
ParameterFile = Annotated[
    Path | None,
    typer.Option("--parameters", metavar="FILE",
                 help="YAML `code: value`; the answers are those of these parameters."),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Landing = Annotated[Path, typer.Option("--landing", help="Folder of the landing days.")]
Day = Annotated[date, typer.Option("--date", parser=_date, metavar="DATE", help="Business date.")]
Rate = Annotated[float, typer.Option(help="Events a second; 0 is as fast as possible.")]
Duplicates = Annotated[float, typer.Option(help="Percent of the events that are sent twice.")]
Disorder = Annotated[int, typer.Option(help="Events are shuffled within so many seconds.")]
Late = Annotated[float, typer.Option(help="Percent of the events that come after all others.")]
Poison = Annotated[int, typer.Option(help="Messages that are no events.")]


@contextmanager
def _sentences() -> Iterator[None]:
    """A known failure is one sentence on standard error and its exit code."""
    try:
        yield
    except CrmError as error:
        errors.print(error.sentence, highlight=False, soft_wrap=True, markup=False)
        raise typer.Exit(int(error.exit_code)) from None
    except KeyboardInterrupt:
        errors.print("Stopped.")
        raise typer.Exit(130) from None


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield lambda step, share: console.print(f"{share:5.0%}  {step}", highlight=False)
        return
    bar = Bar(
        TextColumn("{task.description:<24}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(), console=console, transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda step, share: bar.update(task, completed=share, description=step)


@app.command()
def generate(  # noqa: PLR0917
    customers: Customers, first: From, last: To, out: Out, seed: Seed = 42,
    parameters: ParameterFile = None,
) -> None:  # fmt: skip
    """Generate a bank: a landing folder for every day, and the planted answers."""
    began = time.monotonic()
    with _sentences(), _progress() as progress:
        plan = Plan(customers, first, last, seed, parameter_sets.load(parameters))
        rows = build(plan, out, progress)
    console.print(
        f"{customers:,} customers, {rows:,} bookings, {first} to {last} in {out} "
        f"({time.monotonic() - began:.1f} s)", highlight=False, soft_wrap=True,
    )  # fmt: skip


@app.command()
def answers(out: Out, as_json: Json = False) -> None:
    """Show how much truth was planted: cases and rows, answer by answer."""
    with _sentences():
        summary = planted.read(out)
    if as_json:
        sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
        return
    rows = [(name, len(cases), sum(cases.values())) for name, cases in summary["counts"].items()]
    if not console.is_terminal:
        for row in rows:
            print(*row, sep="\t")
        return
    days = ", ".join(summary["replay_dates"])
    table = Table("answer", "cases", "rows", title=f"As of {summary['as_of']}, movements on {days}")
    for name, cases, count in rows:
        table.add_row(name, str(cases), f"{count:,}")
    console.print(table)


@app.command()
def replay(
    landing: Landing, day: Day, *, rate: Rate = 0, duplicates: Duplicates = 0,
    disorder: Disorder = 0, late: Late = 0, poison: Poison = 0, seed: Seed = 42,
) -> None:  # fmt: skip
    """Publish the events of a delivered day to Kafka; ends when all are acknowledged."""
    faults = replaying.Faults(duplicates, disorder, late, poison, seed)
    with _sentences():
        sent = replaying.replay(KafkaSettings.load(), landing, day, rate=rate, faults=faults)
    parts = ", ".join(f"{count:,} to {topic}" for topic, count in sent.per_topic.items())
    console.print(
        f"{day}: {sent.messages:,} messages sent and acknowledged in {sent.seconds:.1f} s ({parts})"
        + (f"; {poison:,} of them are no events" if poison else ""),
        highlight=False, soft_wrap=True,
    )  # fmt: skip


@sources.command()
def berka(
    folder: Annotated[Path, typer.Argument(help="The folder of the .asc files.")],
    out: Out,
    demo_staff: Annotated[
        bool, typer.Option("--demo-staff", help="Add three employees, so that one can log in.")
    ] = False,
) -> None:
    """Import the Czech bank of the PKDD'99 challenge."""
    with _sentences():
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder: name the one that holds the .asc files.")
        import_berka(
            folder,
            out,
            demo_staff=demo_staff,
            progress=lambda line: console.print(line, highlight=False),
        )


if __name__ == "__main__":
    app()
