"""Publication: the partitions of a date become the tables that the OCRM reads, in one transaction.

Every table gets a new partition, filled by COPY into a table that nobody else sees yet (FREEZE),
with its primary key, indexes and statistics; only then are the partitions of the same date replaced
and the new ones attached. Readers see the old day or the new day.

Dropping a partition locks its table against readers, and whoever waits for that lock makes later
readers wait behind it. So nobody waits for it long: it is let go and tried again.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from acrm_batch.engines.duckdb import reason_of
from acrm_batch.engines.sql import literal
from acrm_batch.ledger import Ledger, named_failure
from acrm_batch.project import Project
from acrm_batch.runner import Runner
from crm_shared.business_calendar import is_month_end
from crm_shared.errors import CrmError, NotReadyError, UsageError
from crm_shared.personal_data import Protector
from crm_shared.published import SCHEMA, TABLES, PublishedTable

#: Changes when the same partitions would be published as other rows.
_FORMAT_VERSION = "2"

#: How long a lock that keeps readers out is waited for, how often, and how long between.
_LOCK_TIMEOUT = "200ms"
_TRIES = 60
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publication did: rows per table, or nothing because nothing had changed."""

    business_date: date
    row_counts: dict[str, int]
    changed: bool
    warning: str | None = None


def fingerprint(runner: Runner, business_date: date, protector: Protector) -> str:
    """Changes when any published partition, the catalogue or the key of personal data does."""
    digest = hashlib.sha256(_FORMAT_VERSION.encode() + protector.blind_index("fingerprint"))
    for name in TABLES:
        if name != "dictionary":
            digest.update(f"{name}={runner.version(f'pub_{name}', business_date)}".encode())
    # The dictionary tells what codes are made of, which is as the texts of the models say.
    project = runner.project
    digest.update(repr(project.catalogue.dictionary({})).encode())
    digest.update("".join(model.text_hash for model in project.models.values()).encode())
    return digest.hexdigest()


def publish(
    runner: Runner,
    ledger: Ledger,
    run_id: UUID,
    business_date: date,
    *,
    protector: Protector,
    keep_dates: int,
    progress: Callable[[str], None],
) -> Publication:
    """Publish a date if it is not published as it is now; drop the partitions of old dates."""
    current = fingerprint(runner, business_date, protector)
    published = ledger.publication(business_date)
    if published is not None and published[0] == current:
        return Publication(business_date, {}, changed=False)
    counts: dict[str, int] = {}
    connection = ledger.connection
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("set local synchronous_commit = on")
            for table in TABLES.values():
                progress(table.name)
                counts[table.name] = _fill(cursor, runner, table, business_date, protector)
            _swap_soon(cursor, business_date)
            version = runner.version("int_due_reminders", business_date)
            ledger.record_publication(
                cursor,
                run_id,
                business_date,
                fingerprint=current,
                reminders_version=version,
                row_counts=counts,
            )
    except psycopg.errors.UndefinedTable as error:
        raise NotReadyError(
            f"A published table does not exist ({str(error).splitlines()[0]}); run `acrm migrate`."
        ) from error
    except psycopg.errors.LockNotAvailable as error:
        raise NotReadyError(
            f"Readers did not let go of the published tables in {_TRIES} tries; nothing was"
            " published, start again."
        ) from error
    except psycopg.Error as error:
        raise named_failure(error) from error
    return Publication(business_date, counts, changed=True, warning=_tidy(ledger, keep_dates))


def _partition(table: str, business_date: date) -> str:
    return f"{table}_{business_date:%Y%m%d}"


def _fill(
    cursor: psycopg.Cursor, runner: Runner, table: PublishedTable, day: date, protector: Protector
) -> int:
    """Create the new partition beside the old one, fill it, index it."""
    aside = f"{SCHEMA}.{_partition(table.name, day)}_new"
    cursor.execute(f"drop table if exists {aside}".encode())
    cursor.execute(
        f"create table {aside} (like {SCHEMA}.{table.name} including defaults,"
        f" check (business_date = {literal(day)}))".encode()
    )
    # Rights on a partition itself would let a reader past the policies of its parent.
    cursor.execute(f"revoke all on {aside} from public, ocrm_app, ocrm_owner".encode())
    from acrm_batch.published_rows import (  # noqa: PLC0415  an unchanged date needs no PyArrow
        rows_as_csv,
    )

    rows = 0
    columns = ", ".join(("business_date", *table.column_names))
    with cursor.copy(
        f"copy {aside} ({columns}) from stdin (format csv, freeze true)".encode()
    ) as copy:
        for count, text in rows_as_csv(runner, table, day, protector):
            rows += count
            copy.write(text)
    key = ", ".join(("business_date", *table.key))
    cursor.execute(f"alter table {aside} add primary key ({key})".encode())
    for index in table.indexes:
        listed = ", ".join(("business_date", *index))
        cursor.execute(f"create index on {aside} ({listed})".encode())
    cursor.execute(f"analyze {aside}".encode())
    return rows


def _swap_soon(cursor: psycopg.Cursor, day: date) -> None:
    """Put all new partitions in place at once, as soon as no reader is in the way.

    What is not had within `_LOCK_TIMEOUT` is given up with all the other locks, and tried again.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            with cursor.connection.transaction():
                cursor.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'".encode())
                for table in TABLES.values():
                    _swap(cursor, table, day)
        except psycopg.errors.LockNotAvailable:
            if attempt == _TRIES:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _swap(cursor: psycopg.Cursor, table: PublishedTable, day: date) -> None:
    """Put the new partition where the old one of the date was."""
    name = _partition(table.name, day)
    cursor.execute(f"drop table if exists {SCHEMA}.{name}".encode())
    cursor.execute(f"alter table {SCHEMA}.{name}_new rename to {name}".encode())
    cursor.execute(
        f"alter table {SCHEMA}.{table.name} attach partition {SCHEMA}.{name}"
        f" for values in ({literal(day)})".encode()
    )


def dictionary_of(project: Project) -> list[dict[str, Any]]:
    """The rows of the dictionary as they are published."""
    from acrm_batch.lineage import origins_of  # noqa: PLC0415  tracing all models takes a second

    return project.catalogue.dictionary(origins_of(project).inputs())


def _tidy(ledger: Ledger, keep_dates: int) -> str | None:
    """Drop old dates and bring statistics up to date; a sentence where it has to wait.

    The date is published by now, so nothing here may fail the run.
    """
    connection = ledger.connection
    try:
        drop_old(ledger, keep_dates)
        with connection.transaction():
            for name in ("coverage", "customers"):
                connection.execute(f"analyze {SCHEMA}.{name}".encode())
    except psycopg.errors.LockNotAvailable:
        return (
            "Published, but readers were in the way of dropping old dates; the next publication "
            "drops them."
        )
    except psycopg.Error as error:
        return (
            f"Published, but old dates were not dropped ({reason_of(error)}); the next"
            " publication tries again."
        )
    return None


def _old(dates: Iterable[date], keep_dates: int) -> list[date]:
    """The dates that are neither among the newest nor month ends."""
    return [day for day in sorted(dates)[:-keep_dates] if not is_month_end(day)]


def not_kept(ledger: Ledger, dates: Iterable[date], keep_dates: int) -> list[date]:
    """Which of some dates would be dropped again as soon as all of them are published."""
    wanted = set(dates)
    return [day for day in _old(wanted.union(ledger.published_dates()), keep_dates)
            if day in wanted]  # fmt: skip


def require_kept(ledger: Ledger, business_date: date, keep_dates: int) -> None:
    """`UsageError` where a publication of the date would be dropped at once."""
    if not_kept(ledger, [business_date], keep_dates):
        raise UsageError(
            f"{business_date} would be dropped as soon as it is published: ACRM_KEEP_DATES keeps"
            f" the newest {keep_dates} and month ends; raise it, or make the date with"
            f" `acrm run --date {business_date} --no-publish`."
        )


def drop_old(ledger: Ledger, keep_dates: int) -> int:
    """Drop what is neither among the last dates nor a month end, a transaction for each date."""
    old = _old(ledger.published_dates(), keep_dates)
    for day in old:
        with ledger.connection.transaction(), ledger.connection.cursor() as cursor:
            cursor.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'".encode())
            for name in TABLES:
                cursor.execute(f"drop table if exists {SCHEMA}.{_partition(name, day)}".encode())
            for table in ("publications", "publication_states"):
                cursor.execute(
                    f"delete from acrm.{table} where business_date = %s".encode(), (day,)
                )
    return len(old)


def require_published(ledger: Ledger, business_date: date) -> tuple[str, str, str | None]:
    """The state of a publication; `CrmError` where the date is not published."""
    state = ledger.publication(business_date)
    if state is None:
        raise CrmError(f"{business_date} is not published; run `acrm publish` first.")
    return state
