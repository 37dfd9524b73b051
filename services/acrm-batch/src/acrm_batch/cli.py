"""The command `acrm`: one business date at a time, and running it again is free."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from acrm_batch import acceptance, batch, ledger
from acrm_batch import prune as pruning
from acrm_batch.lineage import landing_tables_of, lineage
from acrm_batch.progress import Progress
from acrm_batch.project import Project
from acrm_batch.settings import BatchSettings
from crm_shared.business_calendar import days
from crm_shared.errors import CrmError, ExitCode, NotReadyError, UsageError
from crm_shared.landing import read_manifest

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False,
                  pretty_exceptions_enable=False)  # fmt: skip
console = Console()
errors = Console(stderr=True)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it like 2026-06-30.") from None


Day = Annotated[date, typer.Option("--date", parser=_date, metavar="DATE",
                                   help="Business date, YYYY-MM-DD.")]  # fmt: skip
Select = Annotated[
    list[str],
    typer.Option(
        "--select", help="Only these models: NAME, NAME+, kind:KIND; what they read is added."
    ),
]
Landing = Annotated[Path | None, typer.Option(help="Landing folder [CRM_LANDING_DIR].")]
Warehouse = Annotated[Path | None, typer.Option(help="Warehouse folder [CRM_WAREHOUSE_DIR].")]
Memory = Annotated[str | None, typer.Option("--memory-limit", help="DuckDB's [ACRM_MEMORY_LIMIT].")]
Threads = Annotated[int | None, typer.Option(min=1, help="DuckDB's threads [ACRM_THREADS].")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
NoEvents = Annotated[bool, typer.Option("--no-events", help="Do not send due reminders to Kafka.")]
NoPublish = Annotated[bool, typer.Option("--no-publish", help="Stop before PostgreSQL.")]


def _settings(**given: Any) -> BatchSettings:
    """Settings of the environment, overridden by options."""
    try:
        return BatchSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = {"database_url": "ACRM_DATABASE_URL"}.get(str(first["loc"][0]), str(first["loc"][0]))
        raise UsageError(
            f"{name}: {first['msg']}; set it in the environment (after `make up` it stands in "
            ".local/env) or by its option."
        ) from None


@contextmanager
def _sentences() -> Iterator[None]:
    """A known failure is one sentence on standard error and its exit code."""
    try:
        yield
    except CrmError as error:
        _fail(error)
    except psycopg.Error as error:
        _fail(ledger.named_failure(error))
    except KeyboardInterrupt:
        errors.print("Stopped; start again and it goes on from here.")
        raise typer.Exit(130) from None


def _fail(error: CrmError) -> NoReturn:
    errors.print(error.sentence, highlight=False, soft_wrap=True, markup=False)
    raise typer.Exit(int(error.exit_code)) from None


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, default=_plain, ensure_ascii=False, indent=1) + "\n")


def _print_table(title: str, rows: list[dict[str, Any]]) -> None:
    if not console.is_terminal:
        for row in rows:
            print("\t".join("" if value is None else _plain(value) for value in row.values()))
        return
    table = Table(title=title)
    for name in rows[0] if rows else ():
        table.add_column(name)
    for row in rows:
        table.add_row(*("" if value is None else _plain(value) for value in row.values()))
    console.print(table)


def _summary(day: date, result: batch.Result, seconds: float) -> dict[str, Any]:
    outcomes = Counter(step.outcome for step in result.steps)
    publication = result.publication
    return {
        "business_date": day,
        "accepted_days": result.accepted_days,
        "steps": dict(outcomes),
        "published": publication is not None and publication.changed,
        "rows": publication.row_counts if publication else {},
        "reminders_sent": result.reminders_sent,
        "reminders_withdrawn": result.reminders_withdrawn,
        "seconds": round(seconds, 2),
    }


def _conclude(day: date, result: batch.Result, began: float, *, as_json: bool) -> None:
    summary = _summary(day, result, time.monotonic() - began)
    if result.publication and result.publication.warning:
        errors.print(result.publication.warning, highlight=False, soft_wrap=True, markup=False)
    if as_json:
        _print_json(summary)
        return
    steps = ", ".join(f"{count} {outcome}" for outcome, count in summary["steps"].items())
    published = (
        f"published {sum(summary['rows'].values()):,} rows"
        if summary["published"]
        else ("published before" if result.publication else "not published")
    )
    console.print(
        f"{day}: {summary['accepted_days']} source days accepted, {steps or 'no steps'}, "
        f"{published}, {summary['reminders_sent']:,} reminders sent, "
        f"{summary['reminders_withdrawn']:,} withdrawn, {summary['seconds']} s",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _do(day: date, as_json: bool, work: Callable[[Progress], batch.Result]) -> None:
    began = time.monotonic()
    with Progress(console, quiet=as_json) as progress:
        result = work(progress)
    _conclude(day, result, began, as_json=as_json)


@app.command()
def migrate() -> None:
    """Create or extend the tables of schema acrm; `ocrm migrate` comes first."""
    with _sentences():
        ledger.migrate(_settings().database_url.get_secret_value())
        console.print("Schema acrm is ready.")


@app.command()
def run(
    *,
    day: Day, select: Select = [], landing: Landing = None, warehouse: Warehouse = None,  # noqa: B006
    memory_limit: Memory = None, threads: Threads = None, no_publish: NoPublish = False,
    no_events: NoEvents = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Bring a business date up to date: accept, make, audit, publish, send due reminders."""
    with _sentences():
        settings = _settings(landing_dir=landing, warehouse_dir=warehouse,
                             memory_limit=memory_limit, threads=threads)  # fmt: skip
        _do(day, as_json, lambda progress: batch.run_date(
            settings, day, progress, selectors=tuple(select), publishes=not no_publish,
            sends=not no_events))  # fmt: skip


@app.command()
def backfill(
    *,
    first: Annotated[date, typer.Option("--from", parser=_date, metavar="DATE")],
    last: Annotated[date, typer.Option("--to", parser=_date, metavar="DATE")],
    landing: Landing = None, warehouse: Warehouse = None, memory_limit: Memory = None,
    threads: Threads = None, no_publish: NoPublish = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Run every date from one to another, in order; reminders of the past are not sent."""
    with _sentences():
        settings = _settings(landing_dir=landing, warehouse_dir=warehouse,
                             memory_limit=memory_limit, threads=threads)  # fmt: skip
        for day in days(first, last):
            _do(day, as_json, lambda progress, day=day: batch.run_date(  # type: ignore[misc]
                settings, day, progress, publishes=not no_publish, sends=False,
                command="backfill"))  # fmt: skip


@app.command()
def plan(
    *,
    day: Day, select: Select = [], landing: Landing = None, warehouse: Warehouse = None,  # noqa: B006
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show what a run would do and why, without doing it."""
    with _sentences():
        settings = _settings(landing_dir=landing, warehouse_dir=warehouse)
        steps = batch.plan_date(settings, day, tuple(select))
        rows = [{"as_of": s.as_of, "model": s.model, "does": s.outcome, "why": s.reason}
                for s in steps]  # fmt: skip
        _print_json(rows) if as_json else _print_table(f"Plan of {day}", rows)


@app.command()
def publish(
    *,
    day: Day, landing: Landing = None, warehouse: Warehouse = None, no_events: NoEvents = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Publish what the warehouse holds of a date."""
    with _sentences():
        settings = _settings(landing_dir=landing, warehouse_dir=warehouse)
        _do(day, as_json, lambda progress: batch.publish_date(
            settings, day, progress, sends=not no_events))  # fmt: skip


@app.command()
def audit(
    *,
    day: Day, landing: Landing = None, warehouse: Warehouse = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Try the audits of a date's partitions again; 3 if one that blocks fails."""
    with _sentences():
        settings = _settings(landing_dir=landing, warehouse_dir=warehouse)
        with Progress(console, quiet=True) as progress:
            results = batch.audit_date(settings, day, progress)
        rows = [asdict(result) for result in results]
        _print_json(rows) if as_json else _print_table(f"Audits of {day}", rows)
        if any(result.blocks for result in results):
            raise typer.Exit(int(ExitCode.BLOCKED))


@app.command()
def prune(
    *,
    keep_days: Annotated[int, typer.Option(min=1, help="Days kept, back from the newest date.")],
    warehouse: Warehouse = None,
) -> None:
    """Remove old partitions from the warehouse, which holds personal data in clear."""
    with _sentences():
        first_kept, removed = pruning.prune(_settings(warehouse_dir=warehouse), keep_days)
        console.print(
            f"{removed} partitions of dates before {first_kept} were removed."
            if first_kept
            else "The warehouse is empty.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip


@app.command()
def status(limit: Annotated[int, typer.Option(min=1)] = 20, as_json: Json = False) -> None:
    """Show the last runs, and what is published."""
    with _sentences():
        url = _settings().database_url.get_secret_value()
        with ledger.Ledger.open(url, "acrm status") as opened:
            rows = opened.recent_runs(limit)
            published = opened.published_dates()
        if as_json:
            _print_json({"runs": rows, "published": published})
        else:
            _print_table("Runs", rows)
            console.print(f"published: {', '.join(map(str, published)) or 'nothing'}",
                          highlight=False, soft_wrap=True)  # fmt: skip


@app.command(name="lint")
def lint_command(as_json: Json = False) -> None:
    """Find faults in the models and the catalogue."""
    with _sentences():
        from acrm_batch.lint import lint  # noqa: PLC0415  SQLGlot costs every other command 0.3 s

        faults = lint(Project.load())
        if as_json:
            _print_json(faults)
        else:
            for fault in faults:
                errors.print(fault, highlight=False, soft_wrap=True, markup=False)
        if faults:
            raise typer.Exit(int(ExitCode.USAGE))
        if not as_json:
            console.print("The models and the catalogue are without faults.")


@app.command(name="lineage")
def lineage_command(code: str, as_json: Json = False) -> None:
    """Show what a code is made of, down to the landing tables."""
    with _sentences():
        found = lineage(Project.load(), code)
        if as_json:
            _print_json(asdict(found))
            return
        console.print(f"{found.code}: {found.formula}", highlight=False, soft_wrap=True)
        for name, reads in found.models:
            console.print(f"  {name} <- {', '.join(reads)}", highlight=False, soft_wrap=True)
        console.print(f"landing tables: {', '.join(found.landing_tables)}", highlight=False)


@app.command()
def dictionary(
    publishes: Annotated[date | None, typer.Option(
        "--publish", parser=_date, metavar="DATE",
        help="Publish it again with that date's partitions.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show every code of the catalogue."""
    with _sentences():
        if publishes is not None:
            settings, day = _settings(), publishes
            _do(day, as_json, lambda progress: batch.publish_date(
                settings, day, progress, sends=False))  # fmt: skip
            return
        project = Project.load()
        rows = project.catalogue.dictionary(landing_tables_of(project))
        short = [{k: row[k] for k in ("code", "grain", "name_zh", "name_en", "formula")}
                 for row in rows]  # fmt: skip
        _print_json(rows) if as_json else _print_table("Dictionary", short)


@app.command(name="wait-inputs")
def wait_inputs(
    *,
    day: Day, landing: Landing = None,
    timeout: Annotated[float, typer.Option(help="Seconds; then exit 75.")] = 0,
    every: Annotated[float, typer.Option(help="Seconds between looks.")] = 10,
) -> None:  # fmt: skip
    """Wait until the manifest of a date and of every day before it has arrived."""
    with _sentences():
        folder = _settings(landing_dir=landing, database_url="unused").landing_dir
        until = time.monotonic() + timeout
        while missing := _missing(folder, day):
            if time.monotonic() >= until:
                raise NotReadyError(
                    f"{missing[0]} has not arrived in {folder}"
                    + (f", nor have {len(missing) - 1} more days" if missing[1:] else "")
                    + "; deliver it, or wait longer with --timeout."
                )
            time.sleep(min(every, max(0.0, until - time.monotonic())))
        console.print(f"Everything up to {day} has arrived.", highlight=False)


def _missing(folder: Path, day: date) -> list[date]:
    """The days without a manifest, back to the last opening or the first delivery."""
    found = acceptance.delivered(folder, day)
    start = day
    while start - timedelta(days=1) in found or (
        start > min(found, default=day)
        and not (start in found and read_manifest(folder, start).opening)
    ):
        start -= timedelta(days=1)
    return [one for one in days(start, day) if one not in found]
