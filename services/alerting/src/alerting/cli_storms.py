"""The commands `alerting storms …`: rules whose reminders are stored and not told."""

from typing import Annotated

import typer

from alerting import settings, storms
from alerting.cli_rules import By, Code, Reason
from alerting.commands import connected

app = typer.Typer(help="Rules that raised too much: stored on, not told until somebody has looked.")


@app.callback(invoke_without_command=True)
def lasting(context: typer.Context) -> None:
    """Without a command: the storms that last, why, and how many messages are held."""
    if context.invoked_subcommand is not None:
        return
    with connected(settings.load()) as connection:
        found = storms.lasting(connection)
    for one in found:
        print(one.sentence)
    print(f"{len(found)} storms last.")


@app.command()
def end(
    code: Code,
    by: By,
    reason: Reason,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Do not send: withdraw what nobody was told of.")
    ] = False,
) -> None:
    """End a storm: what is held is sent, or withdrawn."""
    with connected(settings.load()) as connection:
        withdrawn = storms.end(connection, code, by=by, reason=reason, withdraw=withdraw)
    print(
        f"The storm of {code} is over; "
        + (f"{withdrawn} reminders are withdrawn." if withdraw else "what was held is sent now.")
    )
