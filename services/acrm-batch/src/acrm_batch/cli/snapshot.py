"""Reading the snapshot of a date: sql."""

import csv
import sys
from typing import Annotated, Any

import typer

from acrm_batch.cli.options import Json, MaybeDay, Memory, Threads, Warehouse, settings_of
from acrm_batch.cli.output import plain, print_json, print_table, sentences
from acrm_batch.queries import answer
from acrm_batch.snapshot import reading

app = typer.Typer()


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT (or DESCRIBE, SHOW, EXPLAIN).")],
    *,
    day: MaybeDay = None, warehouse: Warehouse = None, memory_limit: Memory = None,
    threads: Threads = None, as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header.")] = False,
) -> None:  # fmt: skip
    """Ask the snapshot of a date, by default the newest published; it can only be read."""
    with sentences():
        settings = settings_of(warehouse_dir=warehouse, memory_limit=memory_limit,
                               threads=threads, database_url="unused")  # fmt: skip
        with reading(settings.warehouse_dir, day, settings.memory_limit,
                     settings.threads) as (of, connection):  # fmt: skip
            names, rows = answer(connection, query)
        dicts: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
        if as_json:
            print_json({"business_date": of, "columns": names, "rows": dicts})
        elif as_csv:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(names)
            writer.writerows([plain(value) for value in row] for row in rows)
        else:
            print_table(f"Snapshot of {of}", dicts, tuple(names))
