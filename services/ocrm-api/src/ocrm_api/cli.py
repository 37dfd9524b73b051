"""The command `ocrm`: migrate, serve, take reminders in, notify."""

import typer

from crm_shared.command_line import imported_on_use

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


app = typer.Typer(
    cls=imported_on_use("ocrm_api", COMMANDS), no_args_is_help=True, add_completion=False
)


@app.callback()
def ocrm() -> None:
    """The OCRM: migrate, serve, take reminders in, notify."""
