"""Making a date: migrate, run, backfill, plan, publish, audit."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any

import typer

from acrm_batch import batch, ledger
from acrm_batch.cli.options import (
    Day,
    EngineName,
    Json,
    Landing,
    Memory,
    NoEvents,
    NoPublish,
    Select,
    Threads,
    Warehouse,
    parsed_date,
    settings_of,
)  # fmt: skip
from acrm_batch.cli.output import console, print_json, print_table, say, sentences, warn
from acrm_batch.inputs import delivered_days
from acrm_batch.progress import Progress
from acrm_batch.publish import not_kept
from acrm_batch.settings import BatchSettings
from crm_shared.business_calendar import days
from crm_shared.errors import ExitCode, UsageError
from crm_shared.landing import read_manifest

app = typer.Typer()


def _summary(day: date, result: batch.Result, phases: dict[str, float]) -> dict[str, Any]:
    publication = result.publication
    return {
        "business_date": day,
        "accepted_days": result.accepted_days,
        "steps": dict(Counter(step.outcome for step in result.steps)),
        "published": publication is not None and publication.changed,
        "rows": publication.row_counts if publication else {},
        "reminders_sent": result.reminders_sent,
        "reminders_withdrawn": result.reminders_withdrawn,
        "seconds": round(sum(phases.values()), 2),
        "phases": {name: round(seconds, 2) for name, seconds in phases.items()},
    }


def _sentence(summary: dict[str, Any], result: batch.Result) -> str:
    steps = ", ".join(f"{count} {outcome}" for outcome, count in summary["steps"].items())
    published = (
        f"published {sum(summary['rows'].values()):,} rows"
        if summary["published"]
        else ("published before" if result.publication else "not published")
    )
    return (
        f"{summary['business_date']}: {summary['accepted_days']} source days accepted,"
        f" {steps or 'no steps'}, {published}, {summary['reminders_sent']:,} reminders sent,"
        f" {summary['reminders_withdrawn']:,} withdrawn, {summary['seconds']} s"
    )


def bring_about(
    day: date, work: Callable[[Progress], batch.Result], *, quiet: bool
) -> dict[str, Any]:
    """Do the work of a date with a progress bar, and say what was done; returns it as data."""
    with Progress(console, quiet=quiet) as progress:
        result = work(progress)
        summary = _summary(day, result, progress.phases())
    if result.publication and result.publication.warning:
        warn(result.publication.warning)
    if not quiet:
        say(_sentence(summary, result))
    return summary


@app.command()
def migrate(as_json: Json = False) -> None:
    """Create or extend the tables of schema acrm; `ocrm migrate` comes first."""
    with sentences():
        ledger.migrate(settings_of().database_url.get_secret_value())
        print_json({"schema": "acrm", "ready": True}) if as_json else say("Schema acrm is ready.")


@app.command()
def run(
    *,
    day: Day, select: Select = [], landing: Landing = None, warehouse: Warehouse = None,  # noqa: B006
    memory_limit: Memory = None, threads: Threads = None, engine: EngineName = None,
    no_publish: NoPublish = False, no_events: NoEvents = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Bring a business date up to date: accept, make, audit, publish, send due reminders."""
    with sentences():
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse, engine=engine,
                               memory_limit=memory_limit, threads=threads)  # fmt: skip
        summary = bring_about(day, lambda progress: batch.run_date(
            settings, day, progress, selectors=tuple(select), publishes=not no_publish,
            sends=not no_events), quiet=as_json)  # fmt: skip
        if as_json:
            print_json(summary)


@app.command()
def backfill(
    *,
    first: Annotated[date, typer.Option("--from", parser=parsed_date, metavar="DATE")],
    last: Annotated[date, typer.Option("--to", parser=parsed_date, metavar="DATE")],
    landing: Landing = None, warehouse: Warehouse = None, memory_limit: Memory = None,
    threads: Threads = None, engine: EngineName = None, no_publish: NoPublish = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Run every date from one to another, in order; reminders of the past are not sent, and dates
    that ACRM_KEEP_DATES does not keep are not published."""
    with sentences():
        if last < first:
            raise UsageError(f"--to {last} lies before --from {first}; exchange them.")
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse, engine=engine,
                               memory_limit=memory_limit, threads=threads)  # fmt: skip
        due = list(days(first, last))
        unpublished = set(due if no_publish else _not_kept(settings, due))
        _each(due, lambda day, progress: batch.run_date(
            settings, day, progress, publishes=day not in unpublished, sends=False,
            command="backfill"), as_json=as_json)  # fmt: skip


def _not_kept(settings: BatchSettings, due: Iterable[date]) -> list[date]:
    """The dates that would be dropped as soon as the last of them is published; says how many."""
    with ledger.Ledger.open(settings.database_url.get_secret_value(), "acrm") as known:
        found = not_kept(known, due, settings.keep_dates)
    if found:
        warn(f"Not published, because ACRM_KEEP_DATES keeps the newest {settings.keep_dates} and"
             f" month ends: {len(found)} from {found[0]} to {found[-1]}.")  # fmt: skip
    return found


@app.command(name="catch-up")
def catch_up(
    *,
    last: Annotated[date, typer.Option("--to", parser=parsed_date, metavar="DATE")],
    landing: Landing = None, warehouse: Warehouse = None, memory_limit: Memory = None,
    threads: Threads = None, engine: EngineName = None, no_events: NoEvents = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Run every date after the newest published one, in order, and send its reminders; for
    schedulers: a night that was missed is made up by the next one."""
    with sentences():
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse, engine=engine,
                               memory_limit=memory_limit, threads=threads)  # fmt: skip
        _each(days(_first_due(settings, last), last), lambda day, progress: batch.run_date(
            settings, day, progress, sends=not no_events), as_json=as_json)  # fmt: skip


def _first_due(settings: BatchSettings, last: date) -> date:
    """The day after the newest published one, or a later opening, before which nothing is read."""
    with ledger.Ledger.open(settings.database_url.get_secret_value(), "acrm") as known:
        published = [day for day in known.published_dates() if day < last]
    if not published:
        return last
    due = published[-1] + timedelta(days=1)
    folder = settings.landing_dir
    return max([due, *(day for day in delivered_days(folder, last)
                       if day > due and read_manifest(folder, day).opening)])  # fmt: skip


def _each(
    due: Iterable[date], work: Callable[[date, Progress], batch.Result], *, as_json: bool
) -> None:
    """Do the work of every date, in order; what was done is told also where one fails."""
    done: list[dict[str, Any]] = []
    try:
        for day in due:
            done.append(bring_about(day, partial(work, day), quiet=as_json))
    finally:
        if as_json:
            print_json(done)


@app.command()
def plan(
    *,
    day: Day, select: Select = [], landing: Landing = None, warehouse: Warehouse = None,  # noqa: B006
    engine: EngineName = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Show what a run would do and why, without doing it."""
    with sentences():
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse, engine=engine)
        steps = batch.plan_date(settings, day, tuple(select))
        rows = [{"as_of": s.as_of, "model": s.model, "does": s.outcome, "why": s.reason}
                for s in steps]  # fmt: skip
        print_json(rows) if as_json else print_table(f"Plan of {day}", rows)


@app.command()
def publish(
    *,
    day: Day, landing: Landing = None, warehouse: Warehouse = None, no_events: NoEvents = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Publish what the warehouse holds of a date."""
    with sentences():
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse)
        summary = bring_about(day, lambda progress: batch.publish_date(
            settings, day, progress, sends=not no_events), quiet=as_json)  # fmt: skip
        if as_json:
            print_json(summary)


@app.command()
def audit(
    *,
    day: Day, select: Select = [], landing: Landing = None, warehouse: Warehouse = None,  # noqa: B006
    as_json: Json = False,
) -> None:  # fmt: skip
    """Try the audits of a date's partitions again; 3 if one that blocks fails."""
    with sentences():
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse)
        with Progress(console, quiet=True) as progress:
            results = batch.audit_date(settings, day, progress, tuple(select))
        rows = [{"model": model} | asdict(result) for model, result in results]
        print_json(rows) if as_json else print_table(f"Audits of {day}", rows)
        if any(result.blocks for _, result in results):
            raise typer.Exit(int(ExitCode.BLOCKED))
