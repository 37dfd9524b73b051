"""A source day is accepted before anything is made of it: manifest, checksums, schema, rows.

What breaks the contract (a file that is missing, corrupt, of another shape) is a `ContractError`;
rows that break it (keys, codes, empty values, dates outside the day) are `RowsRefusedError`. Each
is one sentence with file, column and number of rows. Nothing of a refused delivery is recorded.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from acrm_batch.engines.sql import file_list
from acrm_batch.inputs import File
from crm_shared.errors import ContractError, ExitCode, NotReadyError
from crm_shared.landing import TABLES, Column, Manifest, Table, day_folder, read_manifest
from crm_shared.landing.manifest import FILE_NAME

_ARROW: dict[str, Callable[[pa.DataType], bool]] = {
    "BIGINT": pa.types.is_int64,
    "INTEGER": pa.types.is_int32,
    "VARCHAR": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t),
    "DATE": pa.types.is_date32,
    "TIMESTAMP": lambda t: pa.types.is_timestamp(t) and t.tz is None,
    "BOOLEAN": pa.types.is_boolean,
    "DECIMAL(18,2)": lambda t: bool(t == pa.decimal128(18, 2)),
    "DECIMAL(9,6)": lambda t: bool(t == pa.decimal128(9, 6)),
}


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
    files: tuple[File, ...]


def delivered(landing: Path, until: date) -> dict[date, str]:
    """The days with a manifest up to a date, each with the checksum of the manifest."""
    if not landing.is_dir():
        raise NotReadyError(
            f"The landing folder {landing} does not exist; set CRM_LANDING_DIR or wait for the "
            "first delivery."
        )
    found = {}
    for folder in landing.glob("business_date=*"):
        try:
            day = date.fromisoformat(folder.name.partition("=")[2])
        except ValueError:
            raise ContractError(
                f"{folder} is not named after a date; rename it to business_date=YYYY-MM-DD."
            ) from None
        if day <= until and (folder / FILE_NAME).is_file():
            found[day] = hashlib.sha256((folder / FILE_NAME).read_bytes()).hexdigest()
    return found


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
        text = (day_folder(landing, day) / FILE_NAME).read_bytes()
        accepted.append(Day(day, hashlib.sha256(text).hexdigest(), manifest.source, files))
        for file in files:
            if known.get((file.table, file.day)) != file.sha256:
                fresh[file.table].append(file)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for problem in pool.map(
            lambda file: _shape_problem(file, landing),
            [file for files in fresh.values() for file in files],
            chunksize=64,
        ):
            if problem:
                raise ContractError(f"{problem}; deliver the day again.")
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


def _shape_problem(file: File, landing: Path) -> str | None:
    """What is wrong with a file as a whole: not there, another checksum, not Parquet, columns."""
    path = file.path(landing)
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"{path} of the manifest cannot be read ({error.strerror})"
    if hashlib.sha256(data).hexdigest() != file.sha256:
        return f"{path} does not have the checksum that its manifest says (it is cut or changed)"
    try:
        metadata = pq.read_metadata(pa.BufferReader(data))
        schema = metadata.schema.to_arrow_schema()
    except (pa.ArrowInvalid, OSError):
        return f"{path} is not a Parquet file that can be read"
    if metadata.num_rows != file.rows:
        return f"{path} has {metadata.num_rows} rows, and its manifest says {file.rows}"
    return _column_problem(path, TABLES[file.table], schema)


def _column_problem(path: Path, table: Table, schema: pa.Schema) -> str | None:
    contract = {column.name: column for column in table.columns}
    if missing := [name for name in contract if name not in schema.names]:
        return f"{path} lacks the column {missing[0]}"
    if extra := [name for name in schema.names if name not in contract]:
        return f"{path} has the column {extra[0]}, which the contract does not know"
    for field in schema:
        column = contract[field.name]
        if not _ARROW[column.type](field.type):
            return f"{path}: column {column.name} is {field.type}, not {column.type}"
    return None


def _check_rows(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[File], landing: Path
) -> None:
    """Keys, empty values, codes and dates of many files of a table, each test in one pass."""
    filled = [file for file in files if file.rows]
    if not filled:
        return
    rows = f"read_parquet({file_list(file.path(landing) for file in filled)}, filename=true)"
    tests = [test for column in table.columns for test in _column_tests(column)]
    if table.kind == "event":
        tests += [
            (f"bank_date({column.name}) <> {_FILE_DAY}",
             f"of column {column.name} are not of the day of the bank")
            for column in table.columns if column.type == "TIMESTAMP"
        ]  # fmt: skip
    counts = ", ".join(f"count(*) filter (where {condition})" for condition, _ in tests)
    try:
        _refuse_bad_rows(connection, f"select filename, {counts} from {rows} group by all",
                         [text for _, text in tests])  # fmt: skip
        key = ", ".join(table.key)
        _refuse_bad_rows(
            connection,
            f"select filename, sum(n - 1) from (select filename, count(*) as n from {rows}"
            f" group by filename, {key} having count(*) > 1) group by filename",
            [f"repeat the key ({key})"],
        )
    except duckdb.Error as error:
        raise ContractError(
            f"A file of {table.name} cannot be read to its end ({str(error).splitlines()[0]}); "
            "deliver the day again."
        ) from None


#: The day of a file, from the folder that it lies in.
_FILE_DAY = "cast(regexp_extract(filename, 'business_date=([0-9-]{10})', 1) as date)"


def _column_tests(column: Column) -> list[tuple[str, str]]:
    tests = []
    if not column.nullable:
        tests.append((f"{column.name} is null", f"have no {column.name}"))
    if column.codes:
        codes = ", ".join(f"'{code}'" for code in column.codes)
        tests.append((f"{column.name} not in ({codes})",
                      f"of column {column.name} hold a code that the contract does not know"))  # fmt: skip
    return tests


def _refuse_bad_rows(
    connection: duckdb.DuckDBPyConnection, query: str, sentences: list[str]
) -> None:
    found = [
        (filename, count, sentence)
        for filename, *counts in connection.execute(query).fetchall()
        for count, sentence in zip(counts, sentences, strict=True)
        if count
    ]
    if found:
        filename, count, sentence = min(found)
        more = f" ({len(found) - 1} more faults follow)" if len(found) > 1 else ""
        raise RowsRefusedError(
            f"{filename}: {count} rows {sentence}{more}; have the source corrected and delivered"
            " again."
        )
