"""What is removed: prune."""

from dataclasses import asdict
from typing import Annotated

import typer

from acrm_batch import prune as pruning
from acrm_batch.cli.options import Json, Warehouse, settings_of
from acrm_batch.cli.output import print_json, say, sentences

app = typer.Typer()


@app.command()
def prune(
    *,
    keep_days: Annotated[int, typer.Option(min=1, help="Days kept, back from the newest date.")],
    keep_runs_days: Annotated[int, typer.Option(
        min=1, help="Days for which the ledger remembers runs, steps and audits.")] = 400,
    warehouse: Warehouse = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Remove old partitions, which hold personal data in clear, reports, snapshots and runs."""
    with sentences():
        removed = pruning.prune(settings_of(warehouse_dir=warehouse), keep_days, keep_runs_days)
        if as_json:
            print_json(asdict(removed))
            return
        before = f" of dates before {removed.first_kept}" if removed.first_kept else ""
        say(
            f"Removed: {removed.partitions} partitions and {removed.reports} reports{before},"
            f" {removed.snapshots} snapshots, {removed.published_dates} published dates,"
            f" {removed.runs} runs, {removed.left_aside} folders that killed processes left."
        )
