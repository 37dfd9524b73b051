"""The command `alerting`."""

import sys
from typing import Any, NoReturn

import psycopg
import typer
from kafka.errors import KafkaError

from crm_shared.command_line import imported_on_use
from crm_shared.errors import CrmError, ExitCode

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


class _Application(typer.Typer):
    """Says a known failure in one sentence, without a stack trace, with its exit code."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except CrmError as error:
            print(error.sentence, file=sys.stderr)
            sys.exit(error.exit_code)
        except psycopg.OperationalError as error:
            _not_ready("PostgreSQL", error)
        except KafkaError as error:
            _not_ready("Kafka", error)


def _not_ready(server: str, error: Exception) -> NoReturn:
    print(f"{server} stopped answering ({str(error).strip()}); try again.", file=sys.stderr)
    sys.exit(ExitCode.NOT_READY)


app = _Application(
    cls=imported_on_use("alerting", COMMANDS), no_args_is_help=True, add_completion=False
)


@app.callback()
def alerting() -> None:
    """Reminders from events, as they happen."""
