"""PostgreSQL without waiting for ever: every statement is bounded on both sides of the wire."""

import psycopg

from crm_shared import postgres
from crm_shared.postgres import bounded

#: Errors after which the same work is right later: the server is away, slow, or busy, or has put
#: an end to a transaction that slept too long with its process.
RETRYABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)

#: Errors that lie in what was to be written: the same work fails again for ever.
REFUSALS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)


def connect(url: str, *, purpose: str, statement_timeout_seconds: float) -> psycopg.Connection:
    """A connection on which no statement, lock or idle transaction lasts longer than allowed."""
    connection = postgres.connect(url, application_name=f"alerting {purpose}")
    milliseconds = int(statement_timeout_seconds * 1000)
    with bounded(connection, statement_timeout_seconds):
        connection.execute(
            "select set_config('statement_timeout', %s, false),"
            " set_config('lock_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false)",
            (str(milliseconds), str(milliseconds), str(milliseconds * 3)),
        )
        connection.commit()
    return connection
