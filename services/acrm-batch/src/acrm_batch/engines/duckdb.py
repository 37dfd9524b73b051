"""DuckDB as the engine: relations over landing files and partitions, staging of a model's rows."""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from acrm_batch.catalogue import EVERYBODY, ParameterValue
from acrm_batch.engines.sql import empty_relation, file_list, literal
from acrm_batch.inputs import File, source
from crm_shared.errors import CrmError, UsageError
from crm_shared.ids import NAMESPACE
from crm_shared.landing import TABLES, Table

#: A value bound into a model: `$bd`, `$first_day`, `$version`, `$p_…`.
Bound = date | int | Decimal

#: Functions that models may call, in the SQL that every engine understands alike. Changing one
#: changes the fingerprint of every step.
MACROS = f"""
create macro bank_date(instant) as cast(instant + interval 8 hour as date);
create macro overlap_days(from_on, until_on, first_on, last_on) as
    greatest(0, least(until_on, last_on + 1) - greatest(from_on, first_on));
create macro is_initiated(channel, txn_type) as channel <> 'system' and txn_type in (
    'cash_in', 'cash_out', 'card_withdrawal', 'transfer_out', 'purchase', 'household_payment',
    'insurance', 'deposit_open', 'deposit_close', 'wealth_buy', 'wealth_redeem', 'loan_repayment',
    'card_repayment');
create macro average(cents_days, days) as cast(cast(
    case when cents_days < 0 then -1 else 1 end
    * ((abs(cast(cents_days * 100 as hugeint)) * 2 + days) // (2 * days))
    as decimal(36,0)) * 0.01 as decimal(18,2));
create macro ratio(part, whole) as
    case when whole > 0 then cast(cast(part as double) / whole as decimal(9,4)) end;
create macro strength_ratio(part, threshold) as cast(
    least(100, 50 * cast(100 * part as bigint) // cast(100 * threshold as bigint)) as integer);
create macro strength_amount(amount, reference) as cast(
    50 + least(50, 50 * cast(100 * amount as bigint) // cast(100 * reference as bigint))
    as integer);
create macro param(wanted, entity) as case when getvariable('own_parameters')[wanted] is null
    then getvariable('parameters')[wanted]
    else coalesce(getvariable('own_parameters')[wanted][entity], getvariable('parameters')[wanted])
    end;
create macro uuid_of(digest) as substr(digest, 1, 8) || '-' || substr(digest, 9, 4)
    || '-5' || substr(digest, 14, 3)
    || '-' || substr('89ab89ab89ab89ab', instr('0123456789abcdef', substr(digest, 17, 1)), 1)
    || substr(digest, 18, 3) || '-' || substr(digest, 21, 12);
create macro reminder_id(rule, subject, occasion) as uuid_of(sha1(unhex('{NAMESPACE.hex}')
    || encode('reminder|' || rule || '|' || subject || '|' || occasion)));
create macro filled_json(document) as cast(json_merge_patch('{{}}', to_json(document)) as varchar);
"""

#: A pass of DuckDB's planner that is left out: on models of hundreds of columns it takes a tenth of
#: a small night's processor time, and saves none on a bank of 100,000 customers.
_DISABLED = "projection_placement"

#: Rows of the relation by which wide models are made in ranges, in each range: a range of 400
#: columns takes about 1 GB.
RANGE_ROWS = 250_000

_VERSION = hashlib.sha256(MACROS.encode()).hexdigest()


class Engine:
    """One in-memory DuckDB. It spills into `aside`; nothing outside `aside` is written by it."""

    #: Whether the newest rows of a table are found once and kept, not again by every model.
    keeps_newest_rows = True

    def __init__(self, landing: Path, aside: Path, memory_limit: str, threads: int) -> None:
        self.landing = landing
        aside.mkdir(parents=True, exist_ok=True)
        self.aside = aside
        try:
            self.connection = duckdb.connect(
                config={
                    "memory_limit": memory_limit,
                    "threads": threads,
                    "temp_directory": str(aside / "spill"),
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                }
            )
        except duckdb.Error as error:
            raise UsageError(
                f"DuckDB does not start with memory limit {memory_limit!r} and {threads} threads "
                f"({reason_of(error)}); correct ACRM_MEMORY_LIMIT (like 2GB) or ACRM_THREADS."
            ) from error
        self.connection.execute(f"set disabled_optimizers = '{_DISABLED}'")
        self.connection.execute("create schema landing")
        self._parameters = ""
        self.set_parameters([])
        self.connection.execute(MACROS)
        self._landed: dict[str, tuple[str, list[File]]] = {}
        self._views: dict[str, str] = {}

    @property
    def version(self) -> str:
        """What of the engine is part of every fingerprint."""
        return _VERSION

    def set_parameters(self, values: Sequence[ParameterValue]) -> None:
        """The values in force, for `param(code, legal_entity)`: those that hold for everybody and
        those of an entity apart, so that a code of which no entity has its own is a constant."""
        own: dict[str, list[str]] = {}
        everybody = []
        for one in values:
            if one.legal_entity_id == EVERYBODY:
                everybody.append(f"{literal(one.code)}: {one.value}")
            else:
                own.setdefault(one.code, []).append(f"{literal(one.legal_entity_id)}: {one.value}")
        owned = [f"{literal(code)}: map {{{', '.join(pairs)}}}" for code, pairs in own.items()]
        wanted = (
            f"set variable parameters = cast(map {{{', '.join(everybody)}}}"
            " as map(varchar, decimal(18,4)));"
            f"set variable own_parameters = cast(map {{{', '.join(owned)}}}"
            " as map(varchar, map(varchar, decimal(18,4))))"
        )
        if wanted != self._parameters:
            self.connection.execute(wanted)
            self._parameters = wanted

    def landing_relation(self, table: str, files: Sequence[File]) -> None:
        """`landing.<table>` over delivered files: state is reduced to the newest row per key."""
        files = [file for file in files if file.rows]
        before, landed = self._landed.get(table, ("", None))
        if landed == files:
            return
        of, is_history = source(table)
        contract = TABLES[of]
        name, kind = f"landing.{table}", "view"
        if not files:
            types = {column.name: column.type for column in contract.columns}
            query = empty_relation(types | {"business_date": "DATE"})
        elif is_history or contract.kind != "state" or len(files) == 1:
            query = self._delivered(contract, files)
        else:
            query = self._newest(contract, files)
            kind = "table" if self.keeps_newest_rows else "view"
        if before and before != kind:
            self.connection.execute(f"drop {before} {name}")
        self.connection.execute(f"create or replace {kind} {name} as {query}")
        self._landed[table] = (kind, files)

    def _delivered(self, contract: Table, files: Sequence[File]) -> str:
        """Every row of some files."""
        columns = ", ".join(column.name for column in contract.columns)
        paths = file_list(file.path(self.landing) for file in files)
        return (
            f"select {columns}, business_date from read_parquet({paths}, hive_partitioning=true,"
            " hive_types={'business_date': DATE})"
        )

    def _newest(self, contract: Table, files: Sequence[File]) -> str:
        """The newest row per key of some files: of the first, which is the large one, what no later
        file has. A file has a key once."""
        key = ", ".join(contract.key)
        return (
            f"with later as materialized ({self._delivered(contract, files[1:])}"
            f" qualify row_number() over (partition by {key} order by business_date desc) = 1)"
            f" {self._delivered(contract, files[:1])} anti join later using ({key})"
            " union all from later"
        )

    def view(self, name: str, query: str) -> None:
        """A view under a model's name."""
        if self._views.get(name) != query:
            self.connection.execute(f"create or replace view {name} as {query}")
            self._views[name] = query

    def partition_view(
        self, name: str, path: Path, declared: Mapping[str, str] | None = None
    ) -> None:
        """A model's partition under a name; of declared columns, those that it lacks are empty."""
        query = f"select * from read_parquet({literal(path)}, hive_partitioning=false)"
        if declared:
            query = f"{empty_relation(declared)} union all by name {query}"
        self.view(name, query)

    def stage(
        self,
        name: str,
        sql: str,
        key: Sequence[str],
        bound: Mapping[str, Bound],
        ranges_of: str | None = None,
    ) -> tuple[Path, int]:
        """Write a model's rows aside, in the order of its key, so that equal rows give equal
        bytes; in ranges of the first column of the key, of which a relation has so many values.
        The file is on disk when this returns it, with its number of rows."""
        path = self.aside / f"{name}.parquet"
        order = f" order by {', '.join(key)}" if key else ""
        ranges = self._ranges(key[0], ranges_of) if ranges_of else []
        if len(ranges) > 1:
            pieces = [self.aside / f"{name}.{number}.parquet" for number in range(len(ranges))]
            for piece, of_range in zip(pieces, ranges, strict=True):
                # DuckDB hands the condition on through joins by the column, down to the files.
                self._copy(f"(\n{sql}\n) where {of_range}{order}", piece, "lz4", bound)
            rows = self._copy(f"read_parquet({file_list(pieces)})", path, "zstd", {})
            for piece in pieces:
                piece.unlink()
        else:
            rows = self._copy(f"(\n{sql}\n){order}", path, "zstd", bound)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        return path, rows

    def _ranges(self, column: str, relation: str) -> list[str]:
        """Conditions that part the values of a column, with few enough of a relation in each."""
        found = self.connection.execute(
            f"select {column} from {relation}"
            f" qualify row_number() over (order by {column}) % {RANGE_ROWS} = 0 order by {column}"
        ).fetchall()
        ends = [int(end) for (end,) in found]
        above = ["true", *(f"{column} > {end}" for end in ends)]
        up_to = [*(f"{column} <= {end}" for end in ends), "true"]
        return [f"{lower} and {upper}" for lower, upper in zip(above, up_to, strict=True)]

    def _copy(self, source: str, path: Path, compression: str, bound: Mapping[str, Bound]) -> int:
        [(rows,)] = self.connection.execute(
            f"copy (select * from {source}) to {literal(path)}"
            f" (format parquet, compression {compression})",
            variables_of(source, bound),
        ).fetchall()
        return int(rows)

    def numbers(self, query: str, bound: Mapping[str, Bound]) -> list[int]:
        """The numbers of the single row that a query returns; nothing counts as 0."""
        [row] = self.connection.execute(query, variables_of(query, bound)).fetchall()
        return [int(number or 0) for number in row]

    def columns_of(self, relation: str) -> list[str]:
        """The columns of a relation, in their order."""
        return [str(row[0]) for row in self.connection.execute(f"describe {relation}").fetchall()]

    def texts(self, query: str, bound: Mapping[str, Bound]) -> list[str]:
        """The first column of a query's rows, as text."""
        rows = self.connection.execute(query, variables_of(query, bound)).fetchall()
        return [str(row[0]) for row in rows]

    def close(self) -> None:
        """Give the memory back."""
        self.connection.close()


def reason_of(error: Exception) -> str:
    """What DuckDB says went wrong, in its first line."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def failure(what: str, error: duckdb.Error, aside: Path) -> CrmError:
    """A failure of DuckDB, which spills and stages in `aside`, as a sentence that says what to do;
    it names the folder above, which is still there when the sentence is read."""
    if isinstance(error, duckdb.OutOfMemoryException):
        advice = (
            "give it more memory (--memory-limit, ACRM_MEMORY_LIMIT) or make room on the disk of"
            f" {aside.parent}, where it spills, and start again"
        )
    elif isinstance(error, duckdb.IOException):
        advice = (
            f"look at the file and at the room on the disk ({room_of(aside.parent)}), and start"
            " again"
        )
    else:
        advice = "correct the model or the data, and start again"
    return CrmError(f"{what} failed in DuckDB ({reason_of(error)}); {advice}.")


def room_of(folder: Path) -> str:
    """How much room the disk of a folder has, in words."""
    try:
        return f"{shutil.disk_usage(folder).free // 1024**2:,} MB are free in {folder}"
    except OSError:
        return f"that of {folder}"


def variables_of(sql: str, bound: Mapping[str, Bound]) -> dict[str, Bound]:
    """The bind variables that a query names; DuckDB refuses others."""
    named = set(re.findall(r"\$([a-z_][a-z0-9_]*)", sql))
    return {name: value for name, value in bound.items() if name in named}
