"""The command `acrm`: one business date at a time, and running it again is free.

Each command lives in a module by noun, which is imported when it is called: a command that has
nothing to do must not pay for what the others need.
"""

import gc
from importlib import import_module

import typer
from typer.core import TyperGroup

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


class _Commands(TyperGroup):
    """The commands, each imported on first use."""

    def list_commands(self, ctx: object) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> object:  # type: ignore[override]
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{COMMANDS[cmd_name]}")
        return typer.main.get_group(module.app).commands[cmd_name]


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def acrm() -> None:
    """The batch: one business date at a time, and running it again is free."""
