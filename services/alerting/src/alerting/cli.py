"""The command `alerting`.

Each command lives in a module that is imported when it is called: at three in the morning nobody
should wait for what the others need.
"""

import sys
from importlib import import_module
from typing import Any

import psycopg
import typer
from typer.core import TyperGroup

from crm_shared.errors import CrmError

#: The module of each command or group of commands, in the order in which `--help` lists them.
COMMANDS = {
    "run": "cli_work",
    "migrate": "cli_work",
    "status": "cli_work",
    "dead-letters": "cli_letters",
    "rules": "cli_rules",
    "storms": "cli_storms",
    "why": "cli_why",
    "completeness": "cli_days",
    "replay": "cli_days",
    "backtest": "cli_history",
    "send-again": "cli_outbox",
    "tail": "cli_stream",
}


class _Commands(TyperGroup):
    """The commands, each imported on first use."""

    def list_commands(self, ctx: object) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> object:  # type: ignore[override]
        if cmd_name not in COMMANDS:
            return None
        group = typer.main.get_group(import_module(f"alerting.{COMMANDS[cmd_name]}").app)
        group.name = cmd_name
        return group.commands.get(cmd_name, group)


class _Application(typer.Typer):
    """Says a known failure in one sentence, without a stack trace, with its exit code."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except CrmError as error:
            print(error.sentence, file=sys.stderr)
            sys.exit(error.exit_code)
        except psycopg.OperationalError as error:
            print(
                f"PostgreSQL stopped answering ({str(error).strip()}); try again.", file=sys.stderr
            )
            sys.exit(75)


app = _Application(cls=_Commands, no_args_is_help=True)


@app.callback()
def alerting() -> None:
    """Reminders from events, as they happen."""
