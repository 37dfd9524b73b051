"""A source day is accepted before anything is made of it: manifest, checksums, schema, rows.

What breaks the contract (a file that is missing, corrupt, of another shape) is a `ContractError`;
rows that break it (keys, codes, limits, empty values, dates outside the day) are
`RowsRefusedError`. Each is one sentence with file, column and number of rows. Nothing of a refused
delivery is recorded.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from acrm_batch.engines.duckdb import reason_of
from acrm_batch.engines.sql import file_list
from acrm_batch.inputs import File, delivered_days
from crm_shared.errors import ContractError, ExitCode
from crm_shared.landing import TABLES, Manifest, Table, day_folder, read_manifest, sha256_of
from crm_shared.landing.manifest import FILE_NAME

#: How many rows are looked at together: few enough that their keys stay in memory.
_ROWS_AT_ONCE = 4_000_000


class RowsRefusedError(ContractError):
    """Rows of a landing file break the contract; publication is blocked."""

    code = "rows_refused"
    exit_code = ExitCode.BLOCKED


@dataclass(frozen=True, slots=True)
class Day:
    """A day that was accepted: the checksum of its manifest, and its files."""

    day: date
    manifest_sha256: str
    source: str
    opening: bool
    files: tuple[File, ...]


def delivered(landing: Path, until: date) -> dict[date, str]:
    """The days with a manifest up to a date, each with the checksum of the manifest."""
    return {
        day: sha256_of(day_folder(landing, day) / FILE_NAME)
        for day in delivered_days(landing, until)
    }


def accept(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    wanted: Sequence[date],
    threads: int,
    known: dict[tuple[str, date], str],
) -> list[Day]:
    """Check days that are new or whose manifest changed; raises at the first fault.

    `known` has the checksums accepted before: a file that has not changed is not read again.
    """
    accepted = []
    fresh: dict[str, list[File]] = defaultdict(list)
    for day in sorted(wanted):
        manifest = read_manifest(landing, day)
        files = _files(landing, manifest)
        checksum = sha256_of(day_folder(landing, day) / FILE_NAME)
        accepted.append(Day(day, checksum, manifest.source, manifest.opening, files))
        for file in files:
            if known.get((file.table, file.day)) != file.sha256:
                fresh[file.table].append(file)
    _check_shapes(fresh, landing, threads)
    for name, unread in sorted(fresh.items()):
        _check_rows(connection, TABLES[name], unread, landing)
    return accepted


def _files(landing: Path, manifest: Manifest) -> tuple[File, ...]:
    folder = day_folder(landing, manifest.business_date)
    if unknown := sorted(set(manifest.tables) - set(TABLES)):
        raise ContractError(
            f"{folder / FILE_NAME} names the table {unknown[0]}, which the contract does not know;"
            " deliver the day again without it."
        )
    return tuple(
        File(name, manifest.business_date, item.file, item.sha256, item.rows, item.full)
        for name, item in sorted(manifest.tables.items())
    )


def _check_shapes(fresh: dict[str, list[File]], landing: Path, threads: int) -> None:
    """Every file as a whole: it is there, with its checksum, as Parquet, with the right columns."""
    if not fresh:
        return
    from acrm_batch.shapes import faults  # noqa: PLC0415  what is known already needs no PyArrow

    unchecked = [file for files in fresh.values() for file in files]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        found = pool.map(lambda file: (file, faults(file, landing)), unchecked)
        for file, (problem, empty) in found:
            if problem:
                raise ContractError(f"{problem}; deliver the day again.")
            if empty:
                name, rows = empty
                raise RowsRefusedError(
                    f"{file.path(landing)}: {rows} rows have no {name}; have the source corrected"
                    " and delivered again."
                )


def _check_rows(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[File], landing: Path
) -> None:
    """Codes, dates and keys of many files of a table."""
    try:
        faults = [
            fault
            for batch in batches([file for file in files if file.rows])
            for fault in _row_faults(connection, table, batch, landing)
        ]
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise ContractError(
            f"A file of {table.name} cannot be read to its end ({reason_of(error)}); "
            "deliver the day again."
        ) from None
    if faults:
        path, count, sentence = min(faults)
        more = f" ({len(faults) - 1} more faults follow)" if len(faults) > 1 else ""
        raise RowsRefusedError(
            f"{path}: {count} rows {sentence}{more}; have the source corrected and delivered again."
        )


def batches(files: Sequence[File]) -> Iterator[list[File]]:
    """Files that are read together: many small ones, few large ones. The keys of a day are compared
    with one another alone, so a batch needs no more memory than its own keys."""
    batch: list[File] = []
    for file in files:
        if batch and sum(one.rows for one in batch) + file.rows > _ROWS_AT_ONCE:
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _row_faults(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[File], landing: Path
) -> Iterator[tuple[Path, int, str]]:
    """File, number of rows and sentence of every fault."""
    paths = {file.day: file.path(landing) for file in files}
    rows = (
        f"read_parquet({file_list(paths.values())},"
        " hive_partitioning=true, hive_types={'business_date': DATE})"
    )
    tests = list(_row_tests(table))
    key = ", ".join(table.key)
    queries = [
        (
            "select business_date, sum(n - 1) from (select business_date, count(*) as n"
            f" from {rows} group by business_date, {key} having count(*) > 1)"
            " group by business_date",
            [f"repeat the key ({key})"],
        )
    ]
    if tests:
        counts = ", ".join(f"count(*) filter (where {condition})" for condition, _ in tests)
        queries.append(
            (f"select business_date, {counts} from {rows} group by all", [t for _, t in tests])
        )
    for query, sentences in queries:
        for day, *counted in connection.execute(query).fetchall():
            for count, sentence in zip(counted, sentences, strict=True):
                if count:
                    yield paths[day], count, sentence


def _row_tests(table: Table) -> Iterator[tuple[str, str]]:
    """Conditions that no row may meet, each with its sentence."""
    for column in table.columns:
        if column.codes:
            codes = ", ".join(f"'{code}'" for code in column.codes)
            sentence = f"of column {column.name} hold a code that the contract does not know"
            yield f"{column.name} not in ({codes})", sentence
        if column.limits:
            least, most = column.limits
            sentence = f"of column {column.name} are not between {least} and {most}"
            yield f"{column.name} not between {least} and {most}", sentence
        if column.type == "TIMESTAMP" and table.kind == "event":
            sentence = f"of column {column.name} are not of the bank's day of the folder"
            yield f"bank_date({column.name}) <> business_date", sentence
