"""The command `ocrm`: migrate, serve, take reminders in, notify.

Each command lives in a module that is imported when it is called, so that none waits for what the
others need.
"""

from importlib import import_module

import typer
from typer.core import TyperGroup

#: The module of each command or group of commands, in the order in which `--help` lists them.
COMMANDS = {
    "migrate": "cli_migrate",
    "serve": "cli_serving",
    "openapi": "cli_serving",
    "intake": "cli_intake",
    "dead-letters": "cli_letters",
    "parameters": "cli_parameters",
    "set-parameter": "cli_parameters",
    "create-demo-users": "cli_demo_users",
    "notify": "cli_notify",
    "notifications": "cli_notifications",
    "reminders": "cli_reminders",
}


class _Commands(TyperGroup):
    """The commands, each imported on first use."""

    def list_commands(self, ctx: object) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> object:  # type: ignore[override]
        if cmd_name not in COMMANDS:
            return None
        group = typer.main.get_group(import_module(f"ocrm_api.{COMMANDS[cmd_name]}").app)
        group.name = cmd_name
        return group.commands.get(cmd_name, group)


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False)


@app.callback()
def ocrm() -> None:
    """The OCRM: migrate, serve, take reminders in, notify."""
