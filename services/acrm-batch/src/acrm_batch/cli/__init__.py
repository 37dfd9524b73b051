"""The command `acrm`: one business date at a time, and running it again is free.

Each command lives in a module by noun, imported when it is called.
"""

import gc

import typer

from crm_shared.command_line import imported_on_use

# A command that has nothing to do spends a seventh of its second in collecting what it imports.
gc.set_threshold(50_000, 20, 50)

#: Where each command is, in the order in which `acrm --help` lists them.
COMMANDS = {
    "migrate": "runs",
    "run": "runs",
    "backfill": "runs",
    "catch-up": "runs",
    "plan": "runs",
    "publish": "runs",
    "audit": "runs",
    "wait-inputs": "inputs",
    "bizdate": "inputs",
    "coverage": "coverage",
    "status": "history",
    "lint": "catalogue",
    "lineage": "catalogue",
    "dictionary": "catalogue",
    "report": "report",
    "sql": "snapshot",
    "explain": "explain",
    "train": "scores",
    "train-lifetime": "scores",
    "prune": "retention",
}


app = typer.Typer(
    cls=imported_on_use(__name__, COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def acrm() -> None:
    """The batch: one business date at a time, and running it again is free."""
