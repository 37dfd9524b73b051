"""The snapshot: one DuckDB file per business date, from which segments are counted.

`snapshot/acrm_YYYY-MM-DD.duckdb` holds what the tables below say and no name, document, phone or
address. It is written aside, and put in place only after PostgreSQL has committed the same date;
`snapshot/current.json` then names the newest published one. A pointer file rather than a link:
DuckDB hands a second connection of a process to the same path the file that the first one opened,
so readers must know when the file behind a date has changed, and the pointer says so (`content`).

* `customers`: one row per active customer, sorted by legal entity, lead branch, customer. A typed
  column per indicator, a BOOLEAN per leaf tag, and who covers the customer.
* `customer_branches`: the same indicators of a branch's own business, for those who assist.
* `org_units`, `dictionary` (code to column), `populations`, `statistics`, `distributions`, `meta`.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import duckdb

from acrm_batch import drift
from acrm_batch.engines.duckdb import Engine, failure
from acrm_batch.engines.sql import literal
from acrm_batch.ledger import Ledger
from acrm_batch.marts import CUSTOMERS_WITH_TAGS
from acrm_batch.project import Project
from acrm_batch.runner import Runner
from crm_shared import postgres
from crm_shared.business_calendar import is_month_end
from crm_shared.errors import CrmError, NotReadyError

#: Changes when the same partitions would be laid out in another way.
FORMAT = "2"

#: What is read, beside the dictionary.
SOURCES = ("mart_customers", "tag_customers", "mart_customer_branches", "int_coverage",
           "int_org_units")  # fmt: skip

#: How the columns of what tags are made of begin; nobody counts by them.
UNCOUNTED = ("pot_", "strength_")

#: Columns of a person that no mart may bring along.
_PERSONAL = {"name", "document_no", "phone", "address", "legal_representative"}

_POINTER = "current.json"

_CUSTOMERS = f"""
create table snapshot.customers as
with described as (
    -- Tags say what these came to, and nobody counts by them.
    select columns(
        lambda name: not regexp_matches(
            name, '^({"|".join(UNCOUNTED)})|^(capped_contacts|initiated_last_on)$'
        )
    )
    from ({CUSTOMERS_WITH_TAGS}) as customer
),

covered as (
    select
        customer_id,
        min(manager_id) filter (where role = 'lead') as lead_manager_id,
        min(rule) filter (where role = 'lead') as coverage_rule,
        list(distinct branch_id order by branch_id) as covering_branch_ids
    from int_coverage
    group by customer_id
)
select
    coalesce(unit.legal_entity_id, '') as lead_legal_entity_id,
    customer.*,
    covered.* exclude (customer_id)
from described as customer
left join covered on covered.customer_id = customer.customer_id
left join int_org_units as unit on unit.org_id = customer.lead_branch_id
order by lead_legal_entity_id, customer.lead_branch_id, customer.customer_id
"""

_BRANCHES = """
create table snapshot.customer_branches as
with covered as (
    select
        customer_id,
        branch_id,
        max(role) as role,
        list(distinct manager_id order by manager_id) as manager_ids
    from int_coverage
    group by customer_id, branch_id
)
select
    place.*,
    covered.role,
    covered.manager_ids
from mart_customer_branches as place
left join covered
    on covered.customer_id = place.customer_id and covered.branch_id = place.branch_id
order by place.branch_id, place.customer_id
"""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What `current.json` says: the newest published date, its file, and what is in it."""

    business_date: date
    file: str
    content: str
    format: str = FORMAT


def folder_of(warehouse: Path) -> Path:
    """Where snapshots lie."""
    return warehouse / "snapshot"


def file_of(warehouse: Path, day: date) -> Path:
    """The snapshot of a date."""
    return folder_of(warehouse) / f"acrm_{day.isoformat()}.duckdb"


def stage(runner: Runner, day: date) -> Path | None:
    """Write the snapshot of a date aside; None where the one in place says the same already."""
    fingerprint = _fingerprint(runner, day)
    if meta_of(file_of(runner.warehouse, day)).get("fingerprint") == fingerprint:
        return None
    engine = runner.engine
    for name in SOURCES:
        engine.partition_view(name, runner.path(name, day))
    aside = engine.aside / "snapshot.duckdb"
    aside.unlink(missing_ok=True)
    try:
        engine.connection.execute(f"attach {literal(aside)} as snapshot")
        try:
            fill(engine, runner.project)
            _describe(engine, day, fingerprint)
        finally:
            engine.connection.execute("detach snapshot")
    except duckdb.Error as error:
        raise failure(f"The snapshot of {day}", error, engine.aside) from error
    with aside.open("rb") as stream:
        os.fsync(stream.fileno())
    return aside


def fill(engine: Engine, project: Project) -> None:
    """Make the tables in the attached database `snapshot` from the relations of `SOURCES`."""
    execute = engine.connection.execute
    columns = {row[0] for name in SOURCES[:3] for row in execute(f"describe {name}").fetchall()}
    if personal := sorted(columns & _PERSONAL):
        raise CrmError(
            f"The marts hold the personal column {personal[0]}, which a snapshot must not have;"
            " take it out of mart_customers or mart_customer_branches."
        )
    execute(_CUSTOMERS)
    execute(_BRANCHES)
    execute("create table snapshot.org_units as from int_org_units order by org_id")
    _dictionary(engine, project)
    for statement in drift.statements(project.catalogue):
        execute(statement)


def _dictionary(engine: Engine, project: Project) -> None:
    engine.connection.execute(
        "create table snapshot.dictionary (code varchar, column_name varchar, kind varchar,"
        " name_zh varchar, name_en varchar, unit varchar, formula_zh varchar, formula_en varchar,"
        " expression varchar)"
    )
    columns = {one.code: one.column for one in project.catalogue.indicators}
    columns |= {tag.path: tag.column for tag in project.catalogue.tags}
    rows = project.catalogue.dictionary({})
    told = [[row["code"] for row in rows], [columns[row["code"]] for row in rows]]
    kept = ("kind", "name_zh", "name_en", "unit", "formula_zh", "formula_en", "expression")
    told += [[row[name] for row in rows] for name in kept]
    # One statement: every statement is a transaction, which waits for the disk.
    engine.connection.execute(
        f"insert into snapshot.dictionary select {', '.join(['unnest(?::varchar[])'] * len(told))}",
        told,
    )


def _describe(engine: Engine, day: date, fingerprint: str) -> None:
    """The table `meta`. `content` changes with any row, and not with the order of writing."""
    digest = hashlib.sha256()
    for table in ("customers", "customer_branches", "org_units", "dictionary"):
        row = engine.connection.execute(
            f"select count(*), sum(hash(t)) from snapshot.{table} as t"
        ).fetchone()
        digest.update(f"{table}={row}".encode())
    engine.connection.execute("create table snapshot.meta (key varchar, value varchar)")
    engine.connection.executemany(
        "insert into snapshot.meta values (?, ?)",
        [
            ["business_date", day.isoformat()],
            ["format", FORMAT],
            ["fingerprint", fingerprint],
            ["content", digest.hexdigest()],
        ],
    )


def _fingerprint(runner: Runner, day: date) -> str:
    parts = [FORMAT, *map(repr, runner.project.catalogue.dictionary({}))]
    for name in SOURCES:
        row = runner.partitions.get((name, day))
        if row is None:
            raise NotReadyError(
                f"{name} of {day} has not been made; run `acrm run --date {day}` first."
            )
        parts.append(f"{name}={row.version}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def meta_of(path: Path) -> dict[str, str]:
    """What a snapshot says of itself; nothing where there is none, or none that can be read."""
    if not path.is_file():
        return {}
    with suppress(duckdb.Error), attached(path) as connection:
        return dict(connection.execute("select key, value from snapshot.meta").fetchall())
    return {}


def install(ledger: Ledger, warehouse: Path, day: date, staged: Path | None, keep: int) -> None:
    """Put a staged snapshot in place, name the newest published one, remove the oldest.

    PostgreSQL has committed the date. What dies in between is made good by the next run, which
    finds a file or a pointer that is not what it should be.
    """
    folder = folder_of(warehouse)
    folder.mkdir(parents=True, exist_ok=True)
    if staged is not None:
        staged.replace(file_of(warehouse, day))
    with ledger.connection.transaction():
        # Runs of two dates may end at once: the pointer is moved by one at a time.
        ledger.connection.execute(
            "select pg_advisory_xact_lock(%s)", (postgres.advisory_key("acrm snapshot"),)
        )
        there = [one for one in ledger.published_dates() if file_of(warehouse, one).is_file()]
        if there:
            _point(warehouse, there[-1])
            prune(warehouse, keep)
    _sync(folder)


def _point(warehouse: Path, day: date) -> None:
    path = file_of(warehouse, day)
    wanted = Pointer(day, path.name, meta_of(path).get("content", ""))
    if current(warehouse) == wanted:
        return
    pointer = folder_of(warehouse) / _POINTER
    aside = pointer.with_suffix(".tmp")
    with aside.open("w", encoding="utf-8") as stream:
        json.dump(asdict(wanted), stream, default=str, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(pointer)


def current(warehouse: Path) -> Pointer | None:
    """The newest published snapshot; None where there is none."""
    try:
        said = json.loads((folder_of(warehouse) / _POINTER).read_text(encoding="utf-8"))
        return Pointer(**said | {"business_date": date.fromisoformat(said["business_date"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def dates(warehouse: Path) -> list[date]:
    """The dates that have a snapshot, in order."""
    found = folder_of(warehouse).glob("acrm_????-??-??.duckdb")
    return sorted(date.fromisoformat(path.stem.removeprefix("acrm_")) for path in found)


def prune(warehouse: Path, keep: int) -> int:
    """Remove all but the newest snapshots, and how many went.

    The one that is pointed at stays, and the newest month end, which later days are compared with.
    A reader that has an old one open keeps it.
    """
    pointer, found = current(warehouse), dates(warehouse)
    kept = {*found[-keep:], *[day for day in found if is_month_end(day)][-1:]}
    if pointer:
        kept.add(pointer.business_date)
    old = [day for day in found if day not in kept]
    for day in old:
        file_of(warehouse, day).unlink()
    return len(old)


@contextmanager
def attached(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own with the file as `snapshot`, read only: never a file opened earlier."""
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(path)} as snapshot (read_only)")
        yield connection


@contextmanager
def reading(
    warehouse: Path, day: date | None, memory_limit: str, threads: int
) -> Iterator[tuple[date, duckdb.DuckDBPyConnection]]:
    """The snapshot of a date, by default the newest published: nothing else can be read through
    the connection, and nothing written. `NotReadyError` where there is none."""
    pointer = current(warehouse)
    wanted = day or (pointer.business_date if pointer else None)
    if wanted is None or not file_of(warehouse, wanted).is_file():
        others = ", ".join(map(str, dates(warehouse)[-5:])) or "none"
        raise NotReadyError(
            f"There is no snapshot of {wanted or 'any published date'} in {folder_of(warehouse)}"
            f" (the last there are: {others}); run `acrm run --date {wanted or 'DATE'}` first."
        )
    with attached(file_of(warehouse, wanted)) as connection:
        connection.execute(f"set memory_limit = {literal(memory_limit)}")
        connection.execute(f"set threads = {threads}")
        connection.execute("use snapshot")
        connection.execute("set temp_directory = ''")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield wanted, connection


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
