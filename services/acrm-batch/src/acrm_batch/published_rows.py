"""The rows of a published table, as the CSV text that PostgreSQL reads."""

import io
from collections.abc import Iterator
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv

from acrm_batch.engines.duckdb import Bound, reason_of, variables_of
from acrm_batch.engines.sql import literal
from acrm_batch.project import Project
from acrm_batch.publish import dictionary_of
from acrm_batch.runner import Runner
from crm_shared.errors import CrmError
from crm_shared.personal_data import Protector, mask
from crm_shared.published import PublishedTable

_BATCH_ROWS = 50_000


def rows_as_csv(
    runner: Runner, table: PublishedTable, day: date, protector: Protector
) -> Iterator[tuple[int, memoryview]]:
    """Batches of rows as CSV without a header, each with its number of rows."""
    try:
        for batch in _batches(runner, table, day, protector):
            text = io.BytesIO()
            pa_csv.write_csv(
                batch, text, pa_csv.WriteOptions(include_header=False, quoting_style="needed")
            )
            yield batch.num_rows, text.getbuffer()
    except duckdb.OutOfMemoryException:
        raise
    except (pa.ArrowException, duckdb.Error) as error:
        model = runner.project.models[f"pub_{table.name}"]
        kept = model.reads if model.partition == "published" else (model.name,)
        raise CrmError(
            f"The rows of {table.name} of {day} could not be read ({reason_of(error)});"
            f" remove the partition of {' and of '.join(kept)} from the warehouse and run the date"
            " again."
        ) from error


def _batches(
    runner: Runner, table: PublishedTable, day: date, protector: Protector
) -> Iterator[pa.RecordBatch]:
    if table.name == "dictionary":
        yield _dictionary_batch(runner.project, table, day)
        return
    protected = table.name == "customers"
    relation, bound = _relation(runner, f"pub_{table.name}", day)
    query = f"select {literal(day)} as business_date, {', '.join(_texts(table))} from {relation}"
    found = runner.engine.connection.sql(query, params=bound)
    for batch in found.to_arrow_reader(_BATCH_ROWS):
        yield _protect(batch, table, protector) if protected else batch


def _relation(runner: Runner, name: str, day: date) -> tuple[str, dict[str, Bound]]:
    """Where the rows of a model are, or how they are made, and what is bound into that text."""
    model = runner.project.models[name]
    if model.partition != "published":
        return f"read_parquet({literal(runner.path(name, day))}, hive_partitioning=false)", {}
    bound = variables_of(model.bound_sql, runner.provide(model, day))
    return f"(\n{model.bound_sql}\n) as made", bound


def _texts(table: PublishedTable) -> list[str]:
    """The columns of a table as text; document and phone numbers still plain."""
    protected = table.name == "customers"
    columns = [
        _as_text(name, type_)
        for name, type_, _ in table.columns
        if not (protected and name.startswith(("document_", "phone_")) and name not in _PLAIN)
    ]
    return columns + (["document_no", "phone"] if protected else [])


_PLAIN = {"document_type", "document_expires_on"}


def _as_text(name: str, type_: str) -> str:
    if type_ == "text[]":
        # Branch ids and tag paths are codes: they hold no quote, comma or brace.
        return f"'{{' || array_to_string({name}, ',') || '}}' as {name}"
    return f"cast({name} as varchar) as {name}"


def _protect(batch: pa.RecordBatch, table: PublishedTable, protector: Protector) -> pa.RecordBatch:
    """Replace document and phone numbers by what may be stored: masked, encrypted, findable."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    for plain, prefix in (("document_no", "document"), ("phone", "phone")):
        values: list[str | None] = columns.pop(plain).to_pylist()
        for suffix, protect in (
            ("masked", mask),
            ("encrypted", lambda value: "\\x" + protector.encrypt(value).hex()),
            ("index", lambda value: "\\x" + protector.blind_index(value).hex()),
        ):
            columns[f"{prefix}_{suffix}"] = pa.array(
                [None if value is None else protect(value) for value in values], pa.string()
            )
    order = ("business_date", *table.column_names)
    return pa.RecordBatch.from_arrays([columns[name] for name in order], names=list(order))


def _dictionary_batch(project: Project, table: PublishedTable, day: date) -> pa.RecordBatch:
    rows = dictionary_of(project)

    def text(value: object) -> str | None:
        if value is None:
            return None
        if isinstance(value, list):
            return "{" + ",".join(value) + "}"
        return str(value).lower() if isinstance(value, bool) else str(value)

    columns = [[day.isoformat()] * len(rows)] + [
        [text(row[name]) for row in rows] for name in table.column_names
    ]
    return pa.RecordBatch.from_arrays(
        [pa.array(column, pa.string()) for column in columns],
        names=["business_date", *table.column_names],
    )
