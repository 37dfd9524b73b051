"""The command `alerting`."""

import json
import sys
from typing import Any

import psycopg
import typer

from alerting import (
    cli_days,
    cli_history,
    cli_letters,
    cli_outbox,
    cli_rules,
    cli_storms,
    cli_stream,
    cli_why,
    main,
    migrate,
    settings,
)
from alerting import status as standing
from alerting.commands import AsJson, connected
from crm_shared import logging
from crm_shared.errors import CrmError
from crm_shared.settings import KafkaSettings


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


app = _Application(help="Reminders from events, as they happen.", no_args_is_help=True)
app.add_typer(cli_letters.app, name="dead-letters")
app.add_typer(cli_rules.app, name="rules")
app.add_typer(cli_storms.app, name="storms")
app.command()(cli_history.backtest)
app.command()(cli_why.why)
app.command()(cli_days.completeness)
app.command()(cli_days.replay)
app.command()(cli_outbox.send_again)
app.command()(cli_stream.tail)


@app.command()
def run() -> None:
    """Consume events and raise reminders until SIGTERM; /livez, /readyz, /metrics meanwhile."""
    logging.configure("alerting")
    main.run(settings.load(), KafkaSettings.load())


@app.command(name="migrate")
def migrate_schema() -> None:
    """Create the schema's tables, or bring them to the newest version; safe to repeat."""
    print(f"The schema alerting is at revision {migrate.upgrade(settings.load().url)}.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Lag, watermark and throughput of each partition, backlog and dead letters."""
    known = settings.load()
    with connected(known) as connection:
        found = standing.read(connection, KafkaSettings.load())
    if as_json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{'partition':<28}{'lag':>10}{'behind s':>10}{'events/s':>10}{'processed':>12}"
        f"{'canary s':>10}  {'watermark':<34}owner"
    )
    for one in found["partitions"]:
        print(
            f"{one['topic'] + '/' + str(one['partition']):<28}{one['lag_records']:>10}"
            f"{'-' if one['behind_seconds'] is None else one['behind_seconds']:>10}"
            f"{one['events_per_second']:>10}"
            f"{one['processed']:>12}"
            f"{'-' if one['canary_seconds'] is None else one['canary_seconds']:>10}"
            f"  {one['watermark'] or '-':<34}{one['owner'] or 'nobody yet'}"
        )
    words = dict.fromkeys(found["estimated"], "about ") | dict.fromkeys(
        found["at_least"], "at least "
    )
    said = {name: f"{words.get(name, '')}{value}" for name, value in found.items()}
    print(
        f"{said['processed']} events processed; {said['reminders_kept']} reminders kept, "
        f"{said['outbox_backlog']} messages not yet sent; {said['dead_letters']} dead letters; "
        f"{said['transfers_kept']} transfers kept for windows."
    )
    for storm in found["storms"]:
        print(storm)
    silence = standing.silence(found["partitions"]) if known.canary_seconds else None
    if silence:
        print(silence)
