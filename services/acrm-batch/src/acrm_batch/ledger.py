"""The ledger in PostgreSQL: what was accepted, made, audited and published, and by which run.

`partitions` says what the warehouse holds: a partition counts only once its row is here, so a
process that dies in between leaves nothing that a later run would trust.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import date
from uuid import UUID, uuid4

import psycopg

from acrm_batch.acceptance import Day
from acrm_batch.engines.duckdb import reason_of
from acrm_batch.inputs import File
from crm_shared import postgres, published
from crm_shared.errors import CrmError, NotReadyError

_DDL = """
create table if not exists acrm.runs (
    run_id uuid primary key, command text not null, business_date date not null,
    started_at timestamptz not null default clock_timestamp(), finished_at timestamptz,
    outcome text not null default 'running', message text);
create table if not exists acrm.accepted_days (
    business_date date primary key, manifest_sha256 text not null, source text not null,
    opening boolean not null,
    run_id uuid not null, accepted_at timestamptz not null default clock_timestamp());
create table if not exists acrm.accepted_files (
    business_date date not null, table_name text not null, file text not null,
    sha256 text not null, rows bigint not null, full_delivery boolean not null,
    primary key (business_date, table_name));
create table if not exists acrm.compared_days (business_date date primary key);
create table if not exists acrm.partitions (
    model text not null, as_of date not null, fingerprint text not null, version text not null,
    rows bigint not null, run_id uuid not null,
    made_at timestamptz not null default clock_timestamp(), primary key (model, as_of));
create table if not exists acrm.steps (
    run_id uuid not null references acrm.runs, model text not null, as_of date not null,
    outcome text not null, reason text not null, seconds numeric(10,3) not null, rows bigint,
    at timestamptz not null default clock_timestamp(), primary key (run_id, model, as_of));
create table if not exists acrm.audits (
    run_id uuid not null references acrm.runs, model text not null, as_of date not null,
    audit text not null, severity text not null, failed_rows bigint not null,
    sentence text not null, at timestamptz not null default clock_timestamp(),
    primary key (run_id, model, as_of, audit));
create index if not exists audits_as_of on acrm.audits (as_of, model);
create table if not exists acrm.publication_states (
    business_date date primary key, fingerprint text not null, reminders_version text not null,
    reminders_sent_version text);
create table if not exists acrm.sent_reminders (
    reminder_id uuid primary key, rule_code text not null, subject text not null,
    reminder_window text not null, customer_id bigint not null, due_on date not null,
    version text not null);
alter table acrm.sent_reminders
    add column if not exists revision integer not null default 1,
    add column if not exists withdrawn_on date,
    add column if not exists withdrawing boolean not null default false,
    add column if not exists legal_entity_id text not null default '';
"""


@dataclass(frozen=True, slots=True)
class PartitionRow:
    """A partition that the warehouse holds: what it was made of, and the checksum of its file."""

    fingerprint: str
    version: str
    rows: int


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit found. Severity `error` blocks, `warn` is only written down."""

    audit: str
    severity: str
    failed_rows: int
    sentence: str

    @property
    def blocks(self) -> bool:
        """Whether the partition must not be used."""
        return self.severity == "error" and self.failed_rows > 0


@dataclass(frozen=True, slots=True)
class SentReminder:
    """A due reminder that was sent: its id, the business key behind it, when it is due, and the
    legal entity whose days ahead hold for it."""

    reminder_id: UUID
    rule_code: str
    subject: str
    window: str
    customer_id: int
    due_on: date
    legal_entity_id: str


def migrate(url: str) -> None:
    """Create the tables of schema acrm, and what the readers of the published ones rely on."""
    with postgres.connect(url, application_name="acrm migrate") as connection:
        row = connection.execute("select to_regclass('ocrm.scopes')").fetchone()
        if row is None or row[0] is None:
            raise NotReadyError(
                "The table ocrm.scopes does not exist, and who may see published rows is decided "
                "by it; run `ocrm migrate` first."
            )
        with postgres.advisory_lock(connection, "acrm migrate"):
            connection.execute(_DDL)
            for statement in published.ddl():
                connection.execute(statement.encode())
            connection.commit()


class Ledger:
    """One connection to the ledger. Every method is one transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    @classmethod
    @contextmanager
    def open(cls, url: str, application_name: str) -> Iterator["Ledger"]:
        """Connect; `NotReadyError` where `acrm migrate` has not run."""
        connection = postgres.connect(url, application_name=application_name)
        with connection:
            row = connection.execute(
                "select to_regclass('acrm.publication_states'), to_regclass('acrm.sent_reminders'),"
                " to_regclass('acrm.compared_days')"
            ).fetchone()
            if row is None or None in row:
                raise NotReadyError(
                    "Schema acrm lacks tables of the ledger; run `acrm migrate` first."
                )
            connection.commit()
            yield cls(connection)

    def start_run(self, command: str, business_date: date) -> UUID:
        """Open a run, and close those of this date that died: we hold the date's lock."""
        run_id = uuid4()
        with self.connection.transaction():
            self.connection.execute(
                "update acrm.runs set outcome = 'died', finished_at = clock_timestamp()"
                " where business_date = %s and outcome = 'running'", (business_date,),
            )  # fmt: skip
            self.connection.execute(
                "insert into acrm.runs (run_id, command, business_date) values (%s, %s, %s)",
                (run_id, command, business_date),
            )
        return run_id

    def finish_run(self, run_id: UUID, outcome: str, message: str | None) -> None:
        """Close a run."""
        with self.connection.transaction():
            self.connection.execute(
                "update acrm.runs set outcome = %s, message = %s, finished_at = clock_timestamp()"
                " where run_id = %s", (outcome, message, run_id),
            )  # fmt: skip

    def accepted(self) -> tuple[dict[date, tuple[str, bool]], list[File]]:
        """Every accepted day with the checksum of its manifest and whether it is an opening, and
        every accepted file."""
        with self.connection.transaction():
            days = self.connection.execute(
                "select business_date, manifest_sha256, opening from acrm.accepted_days"
            ).fetchall()
            files = self.connection.execute(
                "select table_name, business_date, file, sha256, rows, full_delivery"
                " from acrm.accepted_files"
            ).fetchall()
        return {day: (sha256, opening) for day, sha256, opening in days}, [
            File(*row) for row in files
        ]

    def record_accepted(self, run_id: UUID, days: Iterable[Day], compared: Iterable[date]) -> None:
        """Days passed acceptance; what was known of them before is replaced. The events of the
        `compared` days came with no other day."""
        days = list(days)
        with self.connection.transaction(), self.connection.cursor() as cursor:
            # Runs of two dates may accept the same days at once; the second writes the same again.
            cursor.execute("lock table acrm.accepted_days in share row exclusive mode")
            dates = [day.day for day in days]
            for table in ("accepted_files", "accepted_days"):
                cursor.execute(
                    f"delete from acrm.{table} where business_date = any(%s)".encode(), (dates,)
                )
            cursor.execute(
                "insert into acrm.compared_days select unnest(%s::date[]) on conflict do nothing",
                (sorted(compared),),
            )
            with cursor.copy(
                "copy acrm.accepted_days (business_date, manifest_sha256, source, opening,"
                " run_id)"
                " from stdin"
            ) as copy:
                for day in days:
                    copy.write_row((day.day, day.manifest_sha256, day.source, day.opening, run_id))
            with cursor.copy(
                "copy acrm.accepted_files (business_date, table_name, file, sha256, rows,"
                " full_delivery) from stdin"
            ) as copy:
                for file in (file for day in days for file in day.files):
                    copy.write_row(
                        (file.day, file.table, file.file, file.sha256, file.rows, file.full)
                    )

    def compared_days(self) -> set[date]:
        """The accepted days whose events were compared with those of other days; what an older
        version accepted was not."""
        with self.connection.transaction():
            rows = self.connection.execute(
                "select business_date from acrm.compared_days"
            ).fetchall()
        return {day for (day,) in rows}

    def partitions(self) -> dict[tuple[str, date], PartitionRow]:
        """Every partition that counts."""
        with self.connection.transaction():
            rows = self.connection.execute(
                "select model, as_of, fingerprint, version, rows from acrm.partitions"
            ).fetchall()
        return {(model, as_of): PartitionRow(*rest) for model, as_of, *rest in rows}

    def forget_partitions(self, as_of: date, models: Iterable[str]) -> None:
        """Partitions of a date do not count any more."""
        with self.connection.transaction():
            self.connection.execute(
                "delete from acrm.partitions where as_of = %s and model = any(%s)",
                (as_of, list(models)),
            )

    def record_step(
        self,
        run_id: UUID,
        model: str,
        as_of: date,
        *,
        outcome: str,
        reason: str,
        seconds: float,
        partition: PartitionRow | None = None,
        audits: Iterable[AuditResult] = (),
    ) -> None:
        """A step ended; a partition given with it counts from now on."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(
                "insert into acrm.steps (run_id, model, as_of, outcome, reason, seconds, rows)"
                " values (%s, %s, %s, %s, %s, %s, %s)",
                (run_id, model, as_of, outcome, reason, round(seconds, 3),
                 partition.rows if partition else None),
            )  # fmt: skip
            if partition:
                cursor.execute(
                    "insert into acrm.partitions (model, as_of, fingerprint, version, rows,"
                    " run_id) values (%s, %s, %s, %s, %s, %s) on conflict (model, as_of) do update"
                    " set fingerprint = excluded.fingerprint, version = excluded.version,"
                    " rows = excluded.rows, run_id = excluded.run_id, made_at = clock_timestamp()",
                    (model, as_of, partition.fingerprint, partition.version, partition.rows,
                     run_id),
                )  # fmt: skip
            cursor.executemany(
                "insert into acrm.audits (run_id, model, as_of, audit, severity, failed_rows,"
                " sentence) values (%s, %s, %s, %s, %s, %s, %s)",
                [(run_id, model, as_of, one.audit, one.severity, one.failed_rows, one.sentence)
                 for one in audits],
            )  # fmt: skip

    def publication(self, business_date: date) -> tuple[str, str, str | None] | None:
        """Of a published date: its fingerprint, the version of its reminders, the version sent."""
        with self.connection.transaction():
            return self.connection.execute(
                "select fingerprint, reminders_version, reminders_sent_version"
                " from acrm.publication_states join acrm.publications using (business_date)"
                " where business_date = %s", (business_date,),
            ).fetchone()  # fmt: skip

    def record_publication(
        self, cursor: psycopg.Cursor, run_id: UUID, business_date: date, *, fingerprint: str,
        reminders_version: str, row_counts: dict[str, int],
    ) -> None:  # fmt: skip
        """Write a publication down, inside its own transaction."""
        cursor.execute(
            "insert into acrm.publications (business_date, run_id, row_counts) values (%s, %s, %s)"
            " on conflict (business_date) do update set run_id = excluded.run_id,"
            " row_counts = excluded.row_counts, published_at = now()",
            (business_date, run_id, json.dumps(row_counts)),
        )
        cursor.execute(
            "insert into acrm.publication_states (business_date, fingerprint, reminders_version)"
            " values (%s, %s, %s) on conflict (business_date) do update"
            " set fingerprint = excluded.fingerprint,"
            " reminders_version = excluded.reminders_version",
            (business_date, fingerprint, reminders_version),
        )

    def published_dates(self) -> list[date]:
        """Every published date, in order."""
        with self.connection.transaction():
            rows = self.connection.execute(
                "select business_date from acrm.publications order by business_date"
            ).fetchall()
        return [row[0] for row in rows]

    def record_reminders(self, version: str, reminders: Iterable[SentReminder]) -> None:
        """Reminders are about to be sent: written down first, so that none is sent unknown.

        One that was withdrawn, or may have been by a run that died, is raised as its next revision.
        """
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(
                "create temp table tonight (like acrm.sent_reminders including defaults)"
                " on commit drop"
            )
            with cursor.copy(
                "copy tonight (reminder_id, rule_code, subject, reminder_window, customer_id,"
                " due_on, legal_entity_id, version) from stdin"
            ) as copy:
                for one in reminders:
                    copy.write_row((*astuple(one), version))
            cursor.execute(
                "insert into acrm.sent_reminders as r select * from tonight"
                " on conflict (reminder_id) do update set customer_id = excluded.customer_id,"
                " due_on = excluded.due_on, legal_entity_id = excluded.legal_entity_id,"
                " version = excluded.version, withdrawn_on = null, withdrawing = false,"
                " revision = r.revision + (r.withdrawing or r.withdrawn_on is not null)::int"
            )

    def revisions(self) -> dict[UUID, int]:
        """The revisions of those reminders that have stood before."""
        with self.connection.transaction():
            return dict(
                self.connection.execute(
                    "select reminder_id, revision from acrm.sent_reminders where revision > 1"
                ).fetchall()
            )

    def begin_withdrawals(
        self, business_date: date, version: str, days_ahead: Mapping[tuple[str, str], int]
    ) -> list[SentReminder]:
        """What was sent before, would be told again on the date, and is not in its version.

        It is about to be withdrawn, which is written down first: whoever dies between the broker
        and the ledger must not raise it under a revision that is withdrawn. What lies beyond the
        days ahead of its rule and legal entity is let be: it is still due, and will come into them
        again. Of an entity that is not known (any more), those of any other hold.
        """
        entities = [entity for _, entity in days_ahead]
        with self.connection.transaction():
            rows = self.connection.execute(
                "update acrm.sent_reminders r set withdrawing = true"
                " from unnest(%s::text[], %s::text[], %s::int[]) as ahead (rule_code, entity, days)"
                " where r.rule_code = ahead.rule_code"
                " and (legal_entity_id = entity or legal_entity_id <> all(%s))"
                " and version <> %s and withdrawn_on is null"
                " and due_on > %s and due_on <= %s::date + days"
                " returning reminder_id, r.rule_code, subject, reminder_window, customer_id,"
                " due_on, legal_entity_id",
                ([rule for rule, _ in days_ahead], entities, list(days_ahead.values()), entities,
                 version, business_date, business_date),
            ).fetchall()  # fmt: skip
        return [SentReminder(*row) for row in sorted(rows)]

    def record_reminders_sent(
        self, business_date: date, version: str, withdrawn: Iterable[SentReminder]
    ) -> None:
        """The reminders of a date and its withdrawals have reached the broker."""
        with self.connection.transaction():
            self.connection.execute(
                "update acrm.publication_states set reminders_sent_version = %s"
                " where business_date = %s", (version, business_date),
            )  # fmt: skip
            self.connection.execute(
                "update acrm.sent_reminders set withdrawn_on = %s, withdrawing = false"
                " where reminder_id = any(%s)",
                (business_date, [one.reminder_id for one in withdrawn]),
            )
            self.connection.execute(
                "delete from acrm.sent_reminders where due_on <= %s", (business_date,)
            )


def named_failure(error: psycopg.Error) -> CrmError:
    """A failure of the database in the middle of the work, as a sentence."""
    return CrmError(
        f"PostgreSQL refused the work ({reason_of(error)}); nothing half-done is visible, start"
        " again."
    )
