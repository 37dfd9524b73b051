"""`ocrm create-demo-users`."""

import json
from typing import Annotated

import typer

from ocrm_api import demo_users
from ocrm_api.commands import speaks
from ocrm_api.settings import Settings

app = typer.Typer()


@app.command()
@speaks
def create_demo_users(
    employee_ids: Annotated[
        list[str] | None, typer.Argument(help="Employees; without any, one of each kind.")
    ] = None,
) -> None:
    """Make logins for a demo and print them as JSON (only with OCRM_DEMO=1)."""
    users = demo_users.create(Settings.load(), employee_ids or ())
    typer.echo(json.dumps(users, ensure_ascii=False, indent=2))
