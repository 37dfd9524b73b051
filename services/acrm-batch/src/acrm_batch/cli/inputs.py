"""What has arrived: wait-inputs, bizdate."""

import time
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from acrm_batch.cli.options import Day, Json, Landing, settings_of
from acrm_batch.cli.output import print_json, say, sentences
from acrm_batch.inputs import delivered_days
from crm_shared.business_calendar import days, is_month_end
from crm_shared.errors import NotReadyError
from crm_shared.landing import read_manifest

app = typer.Typer()


@app.command(name="wait-inputs")
def wait_inputs(
    *,
    day: Day, landing: Landing = None,
    timeout: Annotated[float, typer.Option(help="Seconds; then exit 75.")] = 0,
    every: Annotated[float, typer.Option(help="Seconds between looks.")] = 10,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Wait until the manifest of a date and of every day before it has arrived."""
    with sentences():
        folder = settings_of(landing_dir=landing, database_url="unused").landing_dir
        until = time.monotonic() + timeout
        while missing := _missing(folder, day, set(delivered_days(folder, day))):
            if time.monotonic() >= until:
                raise NotReadyError(
                    f"{missing[0]} has not arrived in {folder}"
                    + (f", nor have {len(missing) - 1} more days" if missing[1:] else "")
                    + "; deliver it, or wait longer with --timeout."
                )
            time.sleep(min(every, max(0.0, until - time.monotonic())))
        if as_json:
            print_json({"business_date": day, "arrived": True})
        else:
            say(f"Everything up to {day} has arrived.")


def _missing(folder: Path, day: date, found: set[date]) -> list[date]:
    """The days without a manifest, back to the last opening or the first delivery."""
    start, first = day, min(found, default=day)
    # What lies before an opening is not waited for, whether it arrived or not.
    while start > first and not (start in found and read_manifest(folder, start).opening):
        start -= timedelta(days=1)
    return [one for one in days(start, day) if one not in found]


@app.command()
def bizdate(landing: Landing = None, as_json: Json = False) -> None:
    """Print the business date to run: the newest delivered day with no day missing before it."""
    with sentences():
        folder = settings_of(landing_dir=landing, database_url="unused").landing_dir
        found = delivered_days(folder, date.max)
        known = set(found)
        day = next((one for one in reversed(found) if not _missing(folder, one, known)), None)
        if day is None:
            raise NotReadyError(f"Nothing has arrived in {folder}; deliver the first day.")
        if as_json:
            print_json({"business_date": day, "month_end": is_month_end(day)})
        else:
            say(day.isoformat())
