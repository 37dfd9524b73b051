"""What is removed: prune."""

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
    warehouse: Warehouse = None,
    as_json: Json = False,
) -> None:
    """Remove old partitions from the warehouse, which holds personal data in clear."""
    with sentences():
        first_kept, removed = pruning.prune(settings_of(warehouse_dir=warehouse), keep_days)
        if as_json:
            print_json({"first_kept": first_kept, "partitions_removed": removed})
        elif first_kept:
            say(f"{removed} partitions of dates before {first_kept} were removed.")
        else:
            say("The warehouse is empty.")
