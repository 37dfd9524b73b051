"""`ocrm parameters` shows what holds, `ocrm set-parameter` lets another value hold."""

import json
from datetime import datetime
from typing import Annotated

import typer

from crm_shared.clock import bank_date, now
from crm_shared.errors import UsageError
from crm_shared.reminder_rules import RULES
from ocrm_api import parameters
from ocrm_api.commands import of_the_application, speaks
from ocrm_api.day_list import ranking
from ocrm_api.notifications import parameters as notification_parameters
from ocrm_api.reminders import parameters as reminder_parameters

#: Every parameter of the interface by its code.
PARAMETERS = (
    reminder_parameters.PARAMETERS | notification_parameters.PARAMETERS | ranking.PARAMETERS
)

app = typer.Typer()


@app.command("parameters")
@speaks
def show_parameters() -> None:
    """Show the parameters of the interface, one a line as JSON, as they hold today."""
    with of_the_application("ocrm-parameters") as connection:
        for one in parameters.listed(connection, PARAMETERS.values(), RULES, bank_date(now())):
            typer.echo(json.dumps(one, ensure_ascii=False))


@app.command()
@speaks
def set_parameter(
    code: Annotated[str, typer.Argument(help="Such as reminder.expiry_days.")],
    value: Annotated[int, typer.Argument(help="A whole number.")],
    effective_from: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day it holds.")
    ],
    legal_entity: Annotated[str, typer.Option(help="One legal entity.")] = parameters.EVERY,
    rule: Annotated[str, typer.Option(help="One rule.")] = parameters.EVERY,
) -> None:
    """Let a parameter have another value from a day on."""
    if code not in PARAMETERS:
        raise UsageError(f"{code} is no parameter; take one of {', '.join(sorted(PARAMETERS))}.")
    if rule != parameters.EVERY and rule not in RULES:
        raise UsageError(f"{rule} is no rule; see docs/contracts/reminder-rules.md.")
    with of_the_application("ocrm-parameters") as connection:
        if legal_entity != parameters.EVERY:
            parameters.require_legal_entity(connection, legal_entity)
        parameters.add(
            connection, PARAMETERS[code], value, effective_from.date(),
            legal_entity_id=legal_entity, rule_code=rule,
        )  # fmt: skip
    typer.echo(f"{code} is {value} from {effective_from:%Y-%m-%d} on.")
