"""The command `ocrm`: migrate, serve, take reminders in, notify."""

import json
import signal
import threading
from datetime import datetime
from typing import Annotated

import typer
import uvicorn

from crm_shared.clock import bank_date, now
from crm_shared.errors import UsageError
from crm_shared.reminder_rules import RULES
from crm_shared.settings import KafkaSettings, load
from ocrm_api import cli_notifications, cli_reminders, demo_users, migrate, parameters
from ocrm_api.commands import of_the_application, speaks
from ocrm_api.day_list import ranking
from ocrm_api.main import create_app
from ocrm_api.notifications import parameters as notification_parameters
from ocrm_api.reminders import books
from ocrm_api.reminders import parameters as reminder_parameters
from ocrm_api.reminders.intake import Intake
from ocrm_api.settings import RedisSettings, Settings

#: Every parameter of the interface by its code.
PARAMETERS = (
    reminder_parameters.PARAMETERS | notification_parameters.PARAMETERS | ranking.PARAMETERS
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.command("notify")(cli_notifications.notify)
app.add_typer(cli_notifications.app, name="notifications")
app.add_typer(cli_reminders.app, name="reminders")


@app.command("migrate")
@speaks
def bring_up_to_date() -> None:
    """Bring schema ocrm to the version of this product."""
    typer.echo(f"Schema ocrm is at version {migrate.run()}.")


@app.command()
@speaks
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    shutdown_seconds: Annotated[
        int, typer.Option(min=1, help="How long open requests may take at the end.")
    ] = 10,
) -> None:
    """Serve the interface; SIGTERM turns readiness off and drains."""
    made = create_app()  # says at once what is wrong, before any worker starts
    uvicorn.run(
        made if workers == 1 else "ocrm_api.main:create_app",
        factory=workers > 1,
        host=host,
        port=port,
        workers=workers,
        timeout_graceful_shutdown=shutdown_seconds,
        timeout_keep_alive=30,
        timeout_worker_healthcheck=60,  # at 5 a loaded machine kills workers while they start
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application does it, for trusted proxies only
    )


@app.command("openapi")
@speaks
def print_document() -> None:
    """Print the OpenAPI document."""
    typer.echo(json.dumps(create_app().openapi(), ensure_ascii=False, indent=2))


@app.command()
@speaks
def intake() -> None:
    """Take reminders in from Kafka, until SIGTERM or Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    redis_url = load(RedisSettings).url.get_secret_value()
    Intake(Settings.load(), KafkaSettings.load(), redis_url, stop).run()


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
