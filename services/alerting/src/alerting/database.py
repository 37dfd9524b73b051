"""PostgreSQL without waiting for ever: every statement is bounded on both sides of the wire."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from crm_shared import postgres

#: Errors after which the same work is right later: the server is away, slow, or busy, or has put
#: an end to a transaction that slept too long with its process.
RETRYABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)

#: How much longer than the server's own bound we wait for its answer.
_GRACE_SECONDS = 5.0


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


@contextmanager
def bounded(connection: psycopg.Connection, seconds: float) -> Iterator[None]:
    """Cut the connection when the block outlasts `seconds` and some grace.

    A server that accepts TCP and never answers passes every time-out of libpq: keep-alives are
    answered by its kernel. Cutting the socket makes the waiting call raise `OperationalError`.
    """
    timer = threading.Timer(seconds + _GRACE_SECONDS, _cut, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: psycopg.Connection) -> None:
    with (
        suppress(psycopg.Error, OSError),
        socket.socket(fileno=os.dup(connection.fileno())) as wire,
    ):
        wire.shutdown(socket.SHUT_RDWR)
