"""The commands `alerting storms …`: rules whose reminders are stored and not told."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from alerting import settings, storms
from alerting.cli_rules import By, Code, Reason
from alerting.commands import AsJson, connected
from crm_shared import plain

app = typer.Typer(help="Rules that raised too much: stored on, not told until somebody has looked.")

#: A million held messages take minutes, part by part.
_LONGEST_END_SECONDS = 3_600


@app.callback(invoke_without_command=True)
def lasting(context: typer.Context, as_json: AsJson = False) -> None:
    """Without a command: the storms that last, why, and how many messages are held."""
    if context.invoked_subcommand is not None:
        return
    with connected(settings.load()) as connection:
        found = storms.lasting(connection)
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2, default=datetime.isoformat))
        return
    for one in found:
        print(one.sentence)
    print(f"{plain.counted(len(found), 'storm lasts', 'storms last')}.")


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
    with connected(settings.load(), seconds=_LONGEST_END_SECONDS) as connection:
        withdrawn = storms.end(connection, code, by=by, reason=reason, withdraw=withdraw)
    told = "what was held is sent now"
    if withdraw:
        told = f"{plain.counted(withdrawn, 'reminder')} withdrawn"
    print(f"The storm of {code} is over; {told}.")
