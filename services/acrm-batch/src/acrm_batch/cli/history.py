"""What was done: status."""

from datetime import date
from typing import Annotated, Any

import typer

from acrm_batch import history
from acrm_batch.cli.options import Json, MaybeDay, settings_of
from acrm_batch.cli.output import print_json, print_table, say, sentences
from acrm_batch.ledger import Ledger
from crm_shared.errors import NotReadyError

app = typer.Typer()

_RUNS = ("business_date", "command", "outcome", "started_at", "seconds", "made", "audits_failed",
         "audits_warned", "published", "message")  # fmt: skip

_STEPS = ("as_of", "model", "outcome", "seconds", "rows", "reason")
_AUDITS = ("as_of", "model", "audit", "severity", "failed_rows", "sentence")


@app.command()
def status(
    *,
    day: MaybeDay = None,
    limit: Annotated[int, typer.Option(min=1, help="How many runs.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the last runs and what is published; with --date, the steps of that date's last run."""
    with sentences():
        url = settings_of().database_url.get_secret_value()
        with Ledger.open(url, "acrm status") as ledger:
            if day is None:
                _runs(ledger, limit, as_json=as_json)
            else:
                _date(ledger, day, as_json=as_json)


def _runs(ledger: Ledger, limit: int, *, as_json: bool) -> None:
    rows, published = history.recent_runs(ledger, limit), ledger.published_dates()
    if as_json:
        print_json({"runs": rows, "published": published})
        return
    print_table("Runs", rows, _RUNS)
    say(f"published: {', '.join(map(str, published)) or 'nothing'}")


def _date(ledger: Ledger, day: date, *, as_json: bool) -> None:
    run = history.last_run(ledger, day)
    if run is None:
        raise NotReadyError(f"{day} has never been run; run `acrm run --date {day}` first.")
    steps = history.steps_of(ledger, run["run_id"])
    failed = [one for one in history.audits_of(ledger, run["run_id"]) if one["failed_rows"]]
    if as_json:
        print_json({"run": run, "steps": steps, "audits_failed": failed})
        return
    print_table(
        f"Steps of {day}", steps, ("as_of", "model", "outcome", "seconds", "rows", "reason")
    )
    if failed:
        print_table("Audits that failed or warned", failed, _AUDITS)
    say(_ended(run))


def _ended(run: dict[str, Any]) -> str:
    published = ", published" if run["published"] else ""
    because = f": {run['message']}" if run["message"] else ""
    return (
        f"{run['command']} of {run['business_date']} began {run['started_at']:%Y-%m-%d %H:%M:%S%z},"
        f" {run['seconds']} s, {run['outcome']}{published}{because}"
    )
