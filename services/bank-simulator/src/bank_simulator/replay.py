"""Publish what happened on one delivered business date to Kafka, in event order.

The messages are written by `sql/replay.sql`, in bulk; a test holds them equal, byte for byte, to
what the classes of `crm_shared.events` write. Account numbers of counterparties are personal data
and do not travel.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from kafka import KafkaProducer
from kafka.errors import KafkaError

from bank_simulator.answers import live_folder
from bank_simulator.database import Value, run_sql, set_variable
from crm_shared import ids, kafka
from crm_shared.errors import ContractError, NotReadyError, ServerUnavailableError, UsageError
from crm_shared.events.from_bank import TOPICS
from crm_shared.landing import TABLES, Manifest, Table, day_folder, read_manifest
from crm_shared.settings import KafkaSettings

_CHUNK = 2000

#: The shape of a day's queue tickets.
_TICKETS = """SELECT NULL::VARCHAR AS ticket_id, NULL::VARCHAR AS branch_id, NULL::VARCHAR AS state,
    NULL::VARCHAR AS queue, NULL::BIGINT AS customer_id, NULL::TIMESTAMP AS occurred_at
    WHERE false"""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong on the way: shares in percent, seconds of disorder, a number of bad messages.

    Late events arrive after all others.
    """

    duplicates: float = 0
    disorder: int = 0
    late: float = 0
    poison: int = 0
    seed: int = 42

    def check(self) -> None:
        """Raise `UsageError` where these are no shares, seconds and numbers."""
        if not (0 <= self.duplicates <= 100 and 0 <= self.late <= 100):
            raise UsageError("--duplicates and --late are percentages: give 0 to 100.")
        if self.disorder < 0 or self.poison < 0:
            raise UsageError("--disorder and --poison cannot be negative: give 0 or more.")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it goes out."""

    topic: str
    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What a replay sent, all of it acknowledged."""

    messages: int
    seconds: float
    per_topic: dict[str, int]


def messages(landing: Path, day: date, faults: Faults = Faults()) -> Iterator[Message]:
    """Every message of a delivered day, in sending order; `NotReadyError` where it is missing."""
    faults.check()
    with duckdb.connect() as connection:
        _write_messages(connection, landing, day, faults)
        found = connection.execute(
            "SELECT topic, key, body FROM outgoing ORDER BY send_at, place, fact, copy"
        )
        while rows := found.fetchmany(_CHUNK):
            for topic, key, body in rows:
                yield Message(topic, key, body)


def replay(
    settings: KafkaSettings, landing: Path, day: date, *, rate: float = 0,
    faults: Faults = Faults(),
) -> Sent:  # fmt: skip
    """Send a day at `rate` messages a second (0: as fast as possible) and wait for all of it."""
    if rate < 0:
        raise UsageError("--rate cannot be negative: give 0 for as fast as possible.")
    faults.check()
    read_manifest(landing, day)
    kafka.ensure_topics(settings, TOPICS)
    producer = kafka.producer(settings)
    try:
        return _send(producer, settings, messages(landing, day, faults), rate)
    except KafkaError as error:
        raise ServerUnavailableError(
            f"Kafka at {settings.bootstrap} stopped answering ({type(error).__name__}); start it "
            "again and repeat the replay: what arrived already counts once."
        ) from error
    finally:
        producer.close(timeout=5)


def _send(
    producer: KafkaProducer, settings: KafkaSettings, stream: Iterator[Message], rate: float
) -> Sent:
    failures: list[BaseException] = []
    sent = dict.fromkeys(TOPICS, 0)
    names = {name: kafka.topic(settings, name) for name in TOPICS}
    began = time.monotonic()
    for number, message in enumerate(stream):
        if rate and (ahead := began + number / rate - time.monotonic()) > 0.002:
            time.sleep(ahead)
        future = producer.send(
            names[message.topic], key=message.key.encode(), value=message.body.encode()
        )
        future.add_errback(failures.append)
        sent[message.topic] += 1
        if failures:
            break
    producer.flush(timeout=120)
    if failures:
        raise failures[0]
    return Sent(sum(sent.values()), time.monotonic() - began, sent)


def _write_messages(
    connection: duckdb.DuckDBPyConnection, landing: Path, day: date, faults: Faults
) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    variables: dict[str, Value] = {
        "day": day, "seed": faults.seed, "disorder": faults.disorder, "poison": faults.poison,
        "name_space": ids.NAMESPACE.hex,
    }  # fmt: skip
    for name, value in variables.items():
        set_variable(connection, name, value)
    connection.execute(f"SET VARIABLE duplicates = {faults.duplicates}::DOUBLE")
    connection.execute(f"SET VARIABLE late = {faults.late}::DOUBLE")
    try:
        for name in ("transactions", "deposit_accounts", "loan_events", "card_transactions"):
            query = _rows_of(landing, day, TABLES[name])
            connection.execute(f"CREATE TEMP VIEW day_{name} AS {query}")
        for name in ("customers", "credit_cards", "card_statements"):
            query = _states_of(landing, day, TABLES[name])
            connection.execute(f"CREATE TEMP VIEW state_{name} AS {query}")
        connection.execute(f"CREATE TEMP VIEW day_queue_tickets AS {_tickets_of(landing, day)}")
        run_sql(connection, "replay")
    except duckdb.Error as error:
        raise ContractError(
            f"The extract of {day} cannot be read ({_first_line(error)}); deliver the day again."
        ) from None


def _states_of(landing: Path, day: date, table: Table) -> str:
    """A query for the deliveries of a state table from the last full one before the day up to it.

    `delivered_on` tells them apart; no rows where the source has no such table.
    """
    queries, current = [], day
    while True:
        manifest = _manifest_before(landing, current, day)
        delivered = manifest.tables.get(table.name) if manifest else None
        query = _rows_of(landing, current, table) if delivered else _empty(table)
        queries.append(f"SELECT *, DATE '{current}' AS delivered_on FROM ({query})")
        if manifest is None or delivered is None or (delivered.full and current < day):
            return " UNION ALL ".join(queries)
        current -= timedelta(days=1)


def _manifest_before(landing: Path, current: date, day: date) -> Manifest | None:
    """The manifest of a day; None where the deliveries begin after it."""
    try:
        return read_manifest(landing, current)
    except NotReadyError:
        if current == day:
            raise
        return None


def _tickets_of(landing: Path, day: date) -> str:
    """A query for the queue tickets of the day; none where nobody wrote any."""
    path = live_folder(landing, day) / "queue_tickets.parquet"
    if not path.is_file():
        return _TICKETS
    quoted = str(path).replace("'", "''")
    return f"FROM read_parquet('{quoted}', hive_partitioning = false)"


def _rows_of(landing: Path, day: date, table: Table) -> str:
    """A query for the rows of a table that day; none where the source has no such table."""
    listed = read_manifest(landing, day).tables.get(table.name)
    if listed is None:
        return _empty(table)
    path = str(day_folder(landing, day) / listed.file).replace("'", "''")
    return f"FROM read_parquet('{path}', hive_partitioning = false)"


def _empty(table: Table) -> str:
    columns = (f"CAST(NULL AS {column.type}) AS {column.name}" for column in table.columns)
    return f"SELECT {', '.join(columns)} WHERE false"


def _first_line(error: Any) -> str:
    return str(error).splitlines()[0]
