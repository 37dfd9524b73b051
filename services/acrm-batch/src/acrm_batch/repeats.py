"""An event is delivered once: its id does not come on another day with another instant.

With the same instant it cannot, since that lies within the day of its folder; a key that holds the
instant (`reminder_outcomes`) is safe for this reason. An event that was wrong is corrected by
delivering its own day again.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import duckdb

from acrm_batch.acceptance import RowsRefusedError, batches
from acrm_batch.engines.sql import file_list
from acrm_batch.inputs import File, Inputs
from crm_shared.landing import TABLES, Table

#: How many days from its own an event is looked for. Ids that rise with time cost next to nothing,
#: however far one looks, since Parquet tells the least and the most of them; others cost a read of
#: their column for each of these days.
DAYS = 35


def refuse_repeats(
    connection: duckdb.DuckDBPyConnection, inputs: Inputs, fresh: Sequence[File], landing: Path
) -> None:
    """`RowsRefusedError` where fresh files hold events that came with other days of their history.

    Of two fresh days the later one is refused. Files that are no longer kept cannot be compared.
    """
    for name in sorted({file.table for file in fresh if comes_once(TABLES[file.table])}):
        files = sorted(
            (f for f in fresh if f.table == name and f.rows and f.path(landing).is_file()),
            key=lambda f: f.day,
        )
        unread = {file.day for file in files}
        for first_day, history in groupby(files, key=lambda f: inputs.first_day(f.day)):
            for batch in batches(list(history)):
                near = _near(inputs, first_day, batch, unread, landing)
                _refuse(connection, batch, near, unread, landing)


def comes_once(table: Table) -> bool:
    """Whether a table has events with an id that could come on two days."""
    instants = {column.name for column in table.columns if column.type == "TIMESTAMP"}
    return table.kind == "event" and bool(instants) and not instants & set(table.key)


def _near(
    inputs: Inputs, first_day: date, batch: Sequence[File], unread: set[date], landing: Path
) -> list[File]:
    """The files of the history that could hold the events of a batch too, as far as they are
    kept. A large day is a batch of its own, and not compared with itself; later days that are
    fresh themselves look back on this one."""
    reach = timedelta(days=DAYS)
    alone = batch[0].day if len(batch) == 1 else None
    return [
        file
        for file in inputs.between(batch[0].table, batch[0].day - reach, batch[-1].day + reach)
        if file.rows
        and file.day != alone
        and not (file.day > batch[-1].day and file.day in unread)
        and inputs.first_day(file.day) == first_day
        and file.path(landing).is_file()
    ]


def _refuse(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[File], near: Sequence[File],
    unread: set[date], landing: Path,
) -> None:  # fmt: skip
    if not near:
        return
    table = TABLES[batch[0].table]
    [key] = table.key
    unread_days = ", ".join(f"date '{day}'" for day in sorted(unread))
    found = connection.execute(
        f"select fresh.business_date, count(distinct {key}), min({key}),"
        f" arg_min(other.business_date, {key})"
        f" from {_ids(key, batch, landing)} as fresh join {_ids(key, near, landing)} as other"
        f" using ({key}) where other.business_date <> fresh.business_date"
        f" and abs(other.business_date - fresh.business_date) <= {DAYS}"
        " and (other.business_date < fresh.business_date"
        f" or other.business_date not in ({unread_days})) group by all order by all limit 1"
    ).fetchone()
    if found is None:
        return
    day, rows, example, before = found
    [path] = [file.path(landing) for file in batch if file.day == day]
    either = "" if before < day else f", or {before} if that is the wrong one"
    raise RowsRefusedError(
        f"{path}: {rows} rows of {table.name} are events that came with another day already (for"
        f" instance {key} {example}, with {before}); have {day} delivered again without them, or"
        f" with ids of their own{either}. To correct an event, have its own day delivered again."
    )


def _ids(key: str, files: Sequence[File], landing: Path) -> str:
    paths = file_list(file.path(landing) for file in files)
    return (
        f"(select {key}, business_date from read_parquet({paths}, hive_partitioning=true,"
        " hive_types={'business_date': DATE}))"
    )
