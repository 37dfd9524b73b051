"""`ocrm dead-letters`: what the intake could not use."""

import json
from typing import Annotated

import typer

from crm_shared.errors import UsageError
from ocrm_api.commands import of_the_application, speaks
from ocrm_api.reminders import books

app = typer.Typer()


@app.command()
@speaks
def dead_letters(
    settle: Annotated[
        bool, typer.Option("--settle", help="Mark them as seen to, so that the intake goes on.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who settles them; kept in ocrm.audit_log.")] = "",
) -> None:
    """Show the messages that the intake could not use."""
    if settle != bool(by.strip()):
        raise UsageError("--settle and --by NAME go together: who settles them is kept.")
    with of_the_application("ocrm-dead-letters") as connection:
        found = books.settle(connection, by=by.strip()) if settle else books.unsettled(connection)
        for letter in found:
            typer.echo(json.dumps(letter, ensure_ascii=False))
