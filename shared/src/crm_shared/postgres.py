"""PostgreSQL: connections that do not wait for ever, advisory locks, bulk COPY."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import uuid5

import psycopg
from psycopg.conninfo import conninfo_to_dict

from crm_shared.errors import CrmError, NotReadyError, ServerUnavailableError
from crm_shared.ids import NAMESPACE
from crm_shared.time_limit import cut_after

CONNECT_TIMEOUT_SECONDS = 5

#: What is printed with a literal Z is UTC. An option of the connection would yield to PGTZ.
IN_UTC = "set timezone to 'UTC'"

#: Given to every connection: what is dead is noticed, and no transaction is left open by accident.
_LIVENESS = {
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}

#: How much longer than the bound we wait, so that the server's own time-out speaks first.
_GRACE_SECONDS = 5.0


#: What libpq says before the reason: the address, which the sentence names already.
_WHERE = re.compile(r"^(connection failed: |connection to server .*? failed: |- |FATAL: +)+")

#: What a server says that is there but does not want this role, password or database.
_REFUSAL = re.compile(r"authentication|pg_hba\.conf|role \"|database \"|no password supplied")


class AlreadyRunningError(NotReadyError):
    """Another process holds the advisory lock."""

    code = "already_running"


def address(url: str) -> str:
    """Host, port and database of a URL, without its password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"


def _reason(error: psycopg.Error) -> str:
    """The first line that says why; the lines after it are libpq's advice."""
    for line in str(error).splitlines():
        reason = _WHERE.sub("", line.strip())
        if reason and not reason.startswith("Multiple connection attempts failed"):
            return reason
    return "no reason given"


def connect(url: str, *, application_name: str, autocommit: bool = False) -> psycopg.Connection:
    """Open a connection; `ServerUnavailableError` names the server that does not answer.

    Instants come in UTC, whatever the time zone of the server, the database, the role or ours.
    """
    try:
        connection = psycopg.connect(
            **(conninfo_to_dict(url) | _LIVENESS),  # type: ignore[arg-type]
            application_name=application_name,
            autocommit=autocommit,
        )
        if connection.info.parameter_status("TimeZone") != "UTC":
            with bounded(connection, CONNECT_TIMEOUT_SECONDS):
                connection.execute(IN_UTC)
                connection.commit()
        return connection
    except psycopg.OperationalError as error:
        reason = _reason(error)
        if _REFUSAL.search(reason):
            sentence = f"does not let us in ({reason}); correct the database URL."
        else:
            sentence = (
                f"does not answer ({reason}); start it (`make up`) or correct the database URL."
            )
        raise ServerUnavailableError(f"PostgreSQL at {address(url)} {sentence}") from error


@contextmanager
def bounded(connection: psycopg.Connection, seconds: float) -> Iterator[None]:
    """Cut the connection when the block outlasts `seconds` and some grace.

    A server that accepts TCP and never answers passes every time-out of libpq: keep-alives are
    answered by its kernel. Cutting the socket makes the waiting call raise `OperationalError`.
    """

    def wire() -> int:
        try:
            return connection.fileno()
        except psycopg.Error as error:
            raise OSError("The connection is closed.") from error

    with cut_after(seconds + _GRACE_SECONDS, wire):
        yield


def advisory_key(name: str) -> int:
    """A stable 63-bit lock number for a name."""
    return uuid5(NAMESPACE, f"lock|{name}").int >> 65


@contextmanager
def advisory_lock(connection: psycopg.Connection, name: str) -> Iterator[None]:
    """Hold a session-level lock while the block runs; `AlreadyRunningError` if somebody else does.

    It goes away with the connection, so a killed process leaves no lock behind.
    """
    key = advisory_key(name)
    row = connection.execute("select pg_try_advisory_lock(%s)", (key,)).fetchone()
    if row is None or not row[0]:
        raise AlreadyRunningError(
            f"Another process is already doing this ({name}); wait until it ends, or stop it."
        )
    try:
        yield
    finally:
        if not connection.closed:
            try:
                connection.rollback()
                connection.execute("select pg_advisory_unlock(%s)", (key,))
                connection.commit()
            except psycopg.Error as error:
                raise CrmError(f"The lock {name} could not be released: {error}") from error
