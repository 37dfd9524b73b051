"""Deliver the landing files: every table of the contract for every business date.

A table without rows that day is delivered as an empty file, so that a missing one is noticed.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from hashlib import sha256
from itertools import chain
from pathlib import Path
from threading import Semaphore
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bank_simulator.plan import Plan
from crm_shared.business_calendar import days, is_month_end
from crm_shared.landing import TABLES, Manifest, Table, TableFile, day_folder

SOURCE = "bank-simulator"
_BATCH_ROWS = 122_880
_WAITING_FILES = 6

#: What a day's rows of a table are read from, where that is not its versions `v_<table>`.
_EVENTS = {
    "transactions": """SELECT day, txn_id, journal_id, account_id, customer_id, branch_id,
        booked_at, direction, money(cents) AS amount, 'CNY' AS currency, channel, txn_type,
        counterparty AS counterparty_account, bank AS counterparty_bank,
        reverses AS reverses_txn_id FROM booking WHERE {days} ORDER BY day, booked_at, txn_id""",
    "gl_totals": """SELECT day, gl_code, branch_id, money(debit) AS debit, money(credit) AS credit
        FROM gl_total WHERE {days} ORDER BY day, gl_code, branch_id""",
    "loan_events": "FROM loan_event WHERE {days} ORDER BY day, event_no",
    "campaign_targets": """SELECT day, campaign_id, customer_id, branch_id, manager_id, is_control,
        listed_on FROM campaign_target WHERE {days} ORDER BY day, campaign_id, customer_id""",
    "contacts": "FROM contact WHERE {days} ORDER BY day, contact_id",
    "reminder_outcomes": """FROM reminder_outcome WHERE {days}
        ORDER BY day, customer_id, reminder_id""",
    "card_transactions": """SELECT day, card_txn_id(card_id, day, place) AS card_txn_id, card_id,
            customer_id, booked_at, direction, money(cents) AS amount, category
        FROM card_booking WHERE {days} ORDER BY day, card_txn_id""",
}


class Delivery:
    """Writes the days of a bank, one month after the other."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, plan: Plan, out: Path) -> None:
        self._connection = connection
        self._plan = plan
        self._out = out
        self._empty = {
            table.name: _parquet(_schema(table).empty_table()) for table in TABLES.values()
        }
        self._writers = ThreadPoolExecutor(2)
        self._waiting = Semaphore(_WAITING_FILES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._writers.shutdown()

    def month(self, first: date, last: date) -> int:
        """Deliver the days from first to last; returns the rows of the ledger."""
        written: dict[date, dict[str, TableFile]] = {day: {} for day in days(first, last)}
        for day in written:
            day_folder(self._out, day).mkdir()
        for table in TABLES.values():
            pending = [
                (day, self._submit(table, day, rows))
                for day, rows in self._rows(table, first, last)
            ]
            for day, future in pending:
                written[day][table.name] = future.result()
        for day, tables in written.items():
            listed = {t.name: tables.get(t.name) or self._nothing(t, day) for t in TABLES.values()}
            Manifest(business_date=day, source=SOURCE, tables=listed).write(self._out)
        return sum(
            tables["transactions"].rows for tables in written.values() if "transactions" in tables
        )

    def _submit(self, table: Table, day: date, rows: pa.Table) -> Future[TableFile]:
        """Have a file written, not too many at a time: their rows wait in memory."""
        self._waiting.acquire()
        future = self._writers.submit(self._write, table, day, rows)
        future.add_done_callback(lambda _: self._waiting.release())
        return future

    def _rows(self, table: Table, first: date, last: date) -> Iterator[tuple[date, pa.Table]]:
        if table.kind == "event":
            yield from self._by_day(table, _EVENTS[table.name].format(days=_between(first, last)))
            return
        full = [day for day in days(first, last) if self._is_full(day)]
        changes = _between(first, last) + "".join(f" AND day <> DATE '{day}'" for day in full)
        yield from chain(
            self._by_day(table, self._changed(table, changes)),
            *(self._by_day(table, self._as_of(table, day)) for day in full),
        )

    def _changed(self, table: Table, condition: str) -> str:
        key = ", ".join(table.key)
        if table.name == "balances":
            return f"""SELECT day, account_id, money(balance) AS balance FROM
                (SELECT day, account_id, balance FROM day_balance
                 UNION ALL
                 SELECT opened_on, account_id, 0 FROM account AS a
                 WHERE NOT EXISTS (FROM day_balance AS b
                    WHERE b.account_id = a.account_id AND b.day = a.opened_on))
                WHERE {condition} ORDER BY day, {key}"""
        return f"""SELECT * FROM (SELECT valid_from AS day, * FROM v_{table.name})
            WHERE {condition} ORDER BY day, {key}"""

    def _as_of(self, table: Table, day: date) -> str:
        key = ", ".join(table.key)
        literal = f"DATE '{day}'"
        if table.name == "balances":
            return f"""WITH moved AS (
                    SELECT account_id, max_by(balance, day) AS balance FROM day_balance
                    WHERE day <= {literal} GROUP BY account_id
                )
                SELECT {literal} AS day, account_id,
                    money(coalesce(m.balance, s.balance)) AS balance
                FROM account AS a
                JOIN {self._eve(day)} AS s USING (account_id)
                LEFT JOIN moved AS m USING (account_id)
                WHERE a.opened_on <= {literal} ORDER BY {key}"""
        return f"""SELECT {literal} AS day, * FROM v_{table.name}
            WHERE valid_from <= {literal} AND valid_until > {literal} ORDER BY {key}"""

    def _eve(self, day: date) -> str:
        """Balances that hold for accounts which did not move up to `day` of the month."""
        opening = "(SELECT account_id, opening AS balance FROM account)"
        return opening if day.replace(day=1) <= self._plan.first else "standing"

    def _by_day(self, table: Table, query: str) -> Iterator[tuple[date, pa.Table]]:
        """The rows of a query ordered by its column `day`, one table a day."""
        schema = _schema(table)
        reader = self._connection.sql(query).to_arrow_reader(_BATCH_ROWS)
        current: date | None = None
        pieces: list[pa.RecordBatch] = []
        for batch in reader:
            for day, piece in _split(batch, schema):
                if day != current and current is not None:
                    yield current, pa.Table.from_batches(pieces, schema)
                    pieces = []
                current = day
                pieces.append(piece)
        if current is not None:
            yield current, pa.Table.from_batches(pieces, schema)

    def _is_full(self, day: date) -> bool:
        return day == self._plan.first or is_month_end(day)

    def _write(self, table: Table, day: date, rows: pa.Table) -> TableFile:
        return self._store(table, day, rows.num_rows, _parquet(rows))

    def _nothing(self, table: Table, day: date) -> TableFile:
        return self._store(table, day, 0, self._empty[table.name])

    def _store(self, table: Table, day: date, rows: int, content: Any) -> TableFile:
        name = f"{table.name}.parquet"
        (day_folder(self._out, day) / name).write_bytes(content)
        full = table.kind == "state" and self._is_full(day)
        return TableFile(file=name, rows=rows, sha256=sha256(content).hexdigest(), full=full)


_ARROW = {
    "BIGINT": pa.int64(), "INTEGER": pa.int32(), "VARCHAR": pa.string(), "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"), "BOOLEAN": pa.bool_(), "DECIMAL(18,2)": pa.decimal128(18, 2),
    "DECIMAL(9,6)": pa.decimal128(9, 6),
}  # fmt: skip


def _schema(table: Table) -> pa.Schema:
    return pa.schema([pa.field(c.name, _ARROW[c.type], c.nullable) for c in table.columns])


def _split(batch: pa.RecordBatch, schema: pa.Schema) -> Iterator[tuple[date, pa.RecordBatch]]:
    """Cut a batch that is ordered by `day` where the day changes."""
    runs = pc.run_end_encode(batch.column("day"))
    days_found, ends = runs.values.to_pylist(), runs.run_ends.to_pylist()
    rows = batch.select(schema.names).cast(schema)
    start = 0
    for day, end in zip(days_found, ends, strict=True):
        yield day, rows.slice(start, end - start)
        start = end


def _parquet(rows: pa.Table) -> Any:
    """The Parquet file of a table; the same rows give the same bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", row_group_size=_BATCH_ROWS,
                   use_dictionary=rows.num_rows >= 2000, store_decimal_as_integer=True,
                   store_schema=False)  # fmt: skip
    return sink.getvalue()


def _between(first: date, last: date) -> str:
    return f"day BETWEEN DATE '{first}' AND DATE '{last}'"
