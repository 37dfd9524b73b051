"""A delivered file as a whole: its checksum, and its columns, types and empty values."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from acrm_batch.inputs import File
from crm_shared.landing import TABLES, Table, sha256_of

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


def faults(file: File, landing: Path) -> tuple[str | None, tuple[str, int] | None]:
    """What is wrong with a file, as the beginning of a sentence, and the first column that is empty
    in so many rows and may not be."""
    path = file.path(landing)
    try:
        if sha256_of(path) != file.sha256:
            return (
                f"{path} does not have the checksum that its manifest says (cut or changed)",
                None,
            )
        with pq.ParquetFile(path) as parquet:
            if wrong := _column_problem(path, TABLES[file.table], parquet.schema_arrow):
                return wrong, None
            if parquet.metadata.num_rows != file.rows:
                return f"{path} has not the {file.rows} rows that its manifest says", None
            return None, _empty_column(parquet, TABLES[file.table]) if file.rows else None
    except pa.ArrowInvalid:
        return f"{path} is not a Parquet file that can be read", None
    except OSError as error:
        return f"{path} of the manifest cannot be read ({error.strerror or error})", None


def _empty_column(parquet: pq.ParquetFile, table: Table) -> tuple[str, int] | None:
    """A column that may not be empty and is, with the number of rows, by the file's statistics."""
    required = {column.name for column in table.columns if not column.nullable}
    for position, name in enumerate(parquet.schema_arrow.names):
        if name in required:
            groups = range(parquet.metadata.num_row_groups)
            told = [parquet.metadata.row_group(n).column(position).statistics for n in groups]
            if all(one is not None and one.has_null_count for one in told):
                rows = sum(one.null_count for one in told)
            else:
                rows = parquet.read([name]).column(0).null_count
            if rows:
                return name, rows
    return None


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
