"""What the commands of `ocrm` share: known failures as sentences, the application's database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import psycopg
import typer

from crm_shared import logging, postgres
from crm_shared.errors import CrmError, ServerUnavailableError
from ocrm_api.settings import Settings

P = ParamSpec("P")


def speaks(command: Callable[P, None]) -> Callable[P, None]:
    """Turn a known failure into its sentence and exit code."""

    @wraps(command)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            logging.configure("ocrm-api")
            command(*args, **kwargs)
        except CrmError as error:
            typer.echo(error.sentence, err=True)
            raise typer.Exit(error.exit_code) from None
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            lost = ServerUnavailableError(
                f"PostgreSQL stopped answering ({str(error).strip()}); try again."
            )
            typer.echo(lost.sentence, err=True)
            raise typer.Exit(lost.exit_code) from None

    return spoken


@contextmanager
def of_the_application(name: str) -> Iterator[psycopg.Connection]:
    """A transaction of the application's role, named so in PostgreSQL's list of sessions."""
    url = Settings.load().database_url.get_secret_value()
    with (
        postgres.connect(url, application_name=name) as connection,
        postgres.bounded(connection, 30),
    ):
        yield connection
