"""Landing days of an imported source: one folder per date, the manifest last."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from crm_shared.business_calendar import is_month_end
from crm_shared.errors import UsageError
from crm_shared.landing import TABLES, Manifest, Table, TableFile, day_folder, sha256_of

SOURCE = "berka"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The rows of one landing table in the order of the days on which they are delivered."""

    table: Table
    rows: pa.Table
    delivered_on: list[date]

    def of(self, day: date, *, full: bool) -> pa.Table:
        """What is delivered on a day: the day's rows, or all until then where it is full."""
        # Full balances are rows of their day: an older balance must not come again.
        everything = full and self.table.name != "balances"
        start = 0 if everything else bisect_left(self.delivered_on, day)
        return self.rows.slice(start, bisect_right(self.delivered_on, day) - start)


def deliveries(db: duckdb.DuckDBPyConnection, names: Iterable[str]) -> list[Delivery]:
    """Read the views `landing_<table>` in the shape of the contract; unknown columns are empty."""
    return [_delivery(db, TABLES[name]) for name in names]


def _delivery(db: duckdb.DuckDBPyConnection, table: Table) -> Delivery:
    view = f"landing_{table.name}"
    known = {row[0] for row in db.execute(f"DESCRIBE {view}").fetchall()}
    columns = ", ".join(
        f"{column.name if column.name in known else 'NULL'}::{column.type} AS {column.name}"
        for column in table.columns
    )
    rows: pa.Table = db.sql(
        f"SELECT delivered_on, {columns} FROM {view} ORDER BY delivered_on, {', '.join(table.key)}"
    ).to_arrow_table()
    return Delivery(table, rows.drop_columns("delivered_on"), rows["delivered_on"].to_pylist())


def check_out(out: Path) -> None:
    """`UsageError` where days exist already or cannot be written."""
    try:
        if out.is_dir() and any(out.iterdir()):
            raise UsageError(
                f"{out} is not empty, and an import never mixes with what is there; name a new "
                "folder or empty this one."
            )
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _not_writable(out, error) from None


def write_days(
    out: Path,
    calendar: Mapping[date, Sequence[Delivery]],
    full_days: set[date],
    progress: Callable[[str], None],
) -> None:
    """Write every day of the calendar, in order; state tables are full on `full_days`.

    A day whose eve is not in the calendar opens a history of its own.
    """
    try:
        for day, delivered in sorted(calendar.items()):
            opening = day - timedelta(days=1) not in calendar
            _write_day(out, day, delivered, full=day in full_days, opening=opening)
            if is_month_end(day):
                progress(f"wrote the days until {day}")
    except OSError as error:
        raise _not_writable(out, error) from None


def _write_day(
    out: Path, day: date, delivered: Sequence[Delivery], *, full: bool, opening: bool
) -> None:
    folder = day_folder(out, day)
    folder.mkdir(parents=True)
    tables = {}
    for delivery in delivered:
        name = delivery.table.name
        path = folder / f"{name}.parquet"
        is_full = full and delivery.table.kind == "state"
        rows = delivery.of(day, full=is_full)
        pq.write_table(rows, path, compression="zstd")
        tables[name] = TableFile(
            file=path.name, rows=rows.num_rows, sha256=sha256_of(path), full=is_full
        )
    Manifest(business_date=day, source=SOURCE, opening=opening, tables=tables).write(out)


def _not_writable(out: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{out} cannot be written ({error.strerror or error}); name a new folder that the user who "
        "imports may write to, on a disk with room, and start again."
    )
