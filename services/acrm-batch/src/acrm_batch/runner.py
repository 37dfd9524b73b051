"""The runner: stage, audit, rename, ledger row; skip what has not changed; heal what died.

A step is a model and a date. Its fingerprint is made of the model's text, the parameters in force
and the versions of everything it reads. A business date needs its own steps and, before them, the
steps of other days that they read: a month end, which reads the month end before, or a day that a
balance is compared with.
"""

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import duckdb

from acrm_batch import acceptance
from acrm_batch.audits import AuditBlockedError, Previous, blocked_sentence, run_audits
from acrm_batch.engines.duckdb import Bound, Engine, failure, room_of
from acrm_batch.engines.sql import empty_relation
from acrm_batch.inputs import File, Inputs, source
from acrm_batch.ledger import Ledger, PartitionRow
from acrm_batch.model import Model, bind_name
from acrm_batch.project import Project
from acrm_batch.repeats import refuse_repeats
from acrm_batch.steps import Relations, Report, Step
from acrm_batch.warehouse import partition_path, put_in_place
from crm_shared.errors import CrmError, NotReadyError, UsageError
from crm_shared.landing import TABLES, day_folder


class Runner:
    """Runs the project over one landing folder and one warehouse, under one ledger."""

    def __init__(self, project: Project, ledger: Ledger, engine: Engine, warehouse: Path) -> None:
        self.project = project
        self.ledger = ledger
        self.engine = engine
        self.warehouse = warehouse
        self.partitions = ledger.partitions()
        self.inputs = Inputs([], [])

    def accept(self, run_id: UUID | None, business_date: date, threads: int) -> int:
        """Accept every day delivered up to the date that is new or changed; returns how many.

        The events of the date itself are compared with other days also where an older version
        accepted it, which did not. Without a run nothing is recorded.
        """
        landing = self.engine.landing
        days, files = self.ledger.accepted()
        found = acceptance.delivered(landing, business_date)
        if business_date not in found and business_date not in days:
            raise NotReadyError(
                f"The extract of {business_date} has not arrived:"
                f" {day_folder(landing, business_date)} has no manifest; deliver the day and"
                " start again."
            )
        wanted = [day for day, sha256 in found.items() if days.get(day, ("",))[0] != sha256]
        openings = {day for day, (_, opening) in days.items() if opening}
        accepted = []
        known = {(file.table, file.day): file.sha256 for file in files}
        if wanted:
            accepted = acceptance.accept(self.engine.connection, landing, wanted, threads, known)
            replaced = set(wanted)
            files = [file for file in files if file.day not in replaced]
            files += [file for day in accepted for file in day.files]
            openings = (openings - replaced) | {day.day for day in accepted if day.opening}
        self.inputs = Inputs(set(days) | set(wanted), files, openings)
        self.inputs.check_tables(business_date)
        compared, news = self.ledger.compared_days(), {business_date, *wanted}
        seen = {of: sha256 for of, sha256 in known.items() if of[1] in compared}
        fresh = [f for f in files if f.day in news and seen.get((f.table, f.day)) != f.sha256]
        refuse_repeats(self.engine.connection, self.inputs, fresh, landing)
        if run_id is not None and (accepted or not news <= compared):
            self.ledger.record_accepted(run_id, accepted, compared=news)
        return len(wanted)

    def path(self, model: str, as_of: date) -> Path:
        """Where a partition lies."""
        return partition_path(self.warehouse, model, as_of)

    def steps(self, business_date: date, selected: set[str]) -> Iterator[tuple[Model, date]]:
        """The steps that the date is made of, in an order in which each follows what it reads."""
        met: set[tuple[str, date]] = set()
        month_end = max(self.inputs.month_ends(business_date), default=None)
        for name in self.project.order:
            if name in selected and self._is_partitioned(name):
                day = business_date if self._model(name).partition == "as_of" else month_end
                if day is not None:
                    yield from self._with_what_it_reads(name, day, met)

    def _with_what_it_reads(
        self, name: str, day: date, met: set[tuple[str, date]]
    ) -> Iterator[tuple[Model, date]]:
        """A step after those that it reads, without those met before."""
        waiting = [(name, day, False)]
        while waiting:
            name, day, is_open = waiting.pop()
            if is_open:
                yield self._model(name), day
            elif (name, day) not in met:
                met.add((name, day))
                waiting.append((name, day, True))
                waiting += [
                    (*read, False) for read in self._partition_reads(self._model(name), day)
                ]

    def _is_partitioned(self, name: str) -> bool:
        model = self.project.models.get(name)
        return model is not None and model.partition in ("as_of", "month_end")

    def plan(self, business_date: date, selected: set[str]) -> Iterator[Step]:
        """What a run would do and why, without doing it."""
        waiting: set[tuple[str, date]] = set()
        for model, day in self.steps(business_date, selected):
            above = [read for read in self._partition_reads(model, day) if read in waiting]
            if above:
                names = ", ".join(sorted({name for name, _ in above}))
                waiting.add((model.name, day))
                yield Step(model.name, day, "follow", f"runs if {names} comes out different")
                continue
            reason = self._reason(model, day, self._fingerprint(model, day, self._read(model, day)))
            if reason:
                waiting.add((model.name, day))
            yield Step(model.name, day, "run" if reason else "skip", reason or "nothing changed")

    def _model(self, name: str) -> Model:
        return self.project.models[name]

    def _partition_day(self, reader: Model, name: str, day: date) -> date | None:
        """Which partition of `name` a step reads; None where there is none yet."""
        if self._model(name).partition == "as_of" or reader.partition == "month_end":
            return day
        return max(self.inputs.month_ends(day), default=None)

    def _partition_reads(self, model: Model, day: date) -> Iterator[tuple[str, date]]:
        for name in model.reads:
            if self._is_partitioned(name):
                of = self._partition_day(model, name, day)
                if of is not None:
                    yield name, of
        for name, reference in model.references.values():
            if name not in model.if_made:
                yield name, self.inputs.reference(reference, day)
        if before := self._day_before(model, day):
            yield model.name, before

    def _day_before(self, model: Model, day: date) -> date | None:
        if not model.before or model.partition != "month_end":
            return None
        return max((end for end in self.inputs.month_ends(day) if end < day), default=None)

    def _read(self, model: Model, day: date) -> Relations:
        """Everything a step reads; `NotReadyError` where a day is missing inside a window."""
        relations = Relations()
        numbers = {
            code: self.project.catalogue.longest(code, day, f"model {model.name}")
            for spans in model.window.values()
            for code in spans
            if isinstance(code, str) and "." in code
        }
        for name in model.reads:
            if name not in self.project.models:
                raise UsageError(f"Model {model.name} reads {name}, which is no model.")
            read = self._model(name)
            if read.partition == "view":
                relations.staging.append(read)
                table = read.reads[0].removeprefix("landing.")
                start = (
                    self.inputs.window_start(model.window[name], day, numbers)
                    if name in model.window
                    else None
                )
                files = self._files(table, day, start, model)
                relations.landing[table] = files
                relations.versions[name] = self.inputs.version(files) + read.text_hash
            else:
                self._add_partition(relations, model, read, self._partition_day(model, name, day))
        for alias, (name, reference) in model.references.items():
            if name in model.if_made:
                relations.declared[alias] = model.if_made[name]
                self._add_if_made(relations, alias, name, self.inputs.earlier(reference, day))
            else:
                of = self.inputs.reference(reference, day)
                self._add_partition(relations, model, self._model(name), of, alias=alias)
        if model.before:
            before = self._day_before(model, day)
            self._add_partition(relations, model, model, before, alias=f"{model.name}_before")
        return relations

    def _files(self, table: str, day: date, start: date | None, model: Model) -> list[File]:
        name, is_history = source(table)
        if is_history:
            return self.inputs.state(name, day, since=start)
        if TABLES[table].kind == "state":
            return self.inputs.state(table, day)
        if start is None:
            raise UsageError(f"Model {model.name} reads events of {table} without a window.")
        return self.inputs.events(table, start, day)

    def _add_partition(
        self, relations: Relations, reader: Model, read: Model, day: date | None, alias: str = ""
    ) -> None:
        name = alias or read.name
        row = self.partitions.get((read.name, day)) if day else None
        if day is None and read.before:
            relations.declared[name] = read.before
            relations.versions[name] = "none yet"
        elif day is None or row is None:
            raise NotReadyError(
                f"Model {reader.name} reads {read.name} of {day or 'a month end'}, which has not "
                "been made; run its date first."
            )
        else:
            relations.partitions[name] = self.path(read.name, day)
            relations.versions[name] = row.version

    def _add_if_made(self, relations: Relations, alias: str, name: str, day: date | None) -> None:
        row = self.partitions.get((name, day)) if day else None
        if day and row and self.path(name, day).is_file():
            relations.partitions[alias] = self.path(name, day)
            relations.versions[alias] = row.version
        else:
            relations.versions[alias] = "not made"

    def version(self, name: str, day: date) -> str:
        """Changes with the rows of a model on a date; `NotReadyError` before they can be had."""
        model = self._model(name)
        if model.partition == "published":
            return self._fingerprint(model, day, self._read(model, day))
        row = self.partitions.get((name, day))
        if row is None:
            raise NotReadyError(
                f"{name} of {day} has not been made; run `acrm run --date {day}` first."
            )
        return row.version

    def _fingerprint(self, model: Model, day: date, relations: Relations) -> str:
        parts = [self.engine.version, model.text_hash, day.isoformat()]
        parts += [f"{name}={version}" for name, version in sorted(relations.versions.items())]
        wanted = set(model.parameters)
        parts += [
            f"{value.code}[{value.legal_entity_id}]={value.value}"
            for value in self.project.catalogue.in_force(day)
            if value.code in wanted
        ]
        if re.search(r"\$(first_day|month_days|year_days)", model.sql):
            parts.append(f"first_day={self.inputs.first_day(day)}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _reason(self, model: Model, day: date, fingerprint: str) -> str | None:
        """Why a step has to run; None if it does not."""
        row = self.partitions.get((model.name, day))
        if row is None:
            return "never made"
        if row.fingerprint != fingerprint:
            return "its text, parameters or inputs changed"
        if not self.path(model.name, day).is_file():
            return "its partition is gone from the warehouse"
        return None

    def run(
        self, run_id: UUID, business_date: date, selected: set[str], report: Report
    ) -> list[Step]:
        """Bring every step of the date up to date; raises the first failure at the end.

        Steps that do not depend on the failed one are still made. Those that fail, and those that
        they block, are written down with the reason.
        """
        failed: set[tuple[str, date]] = set()
        first: CrmError | None = None
        done = []
        for model, day in self.steps(business_date, selected):
            above = [name for name, of in self._partition_reads(model, day) if (name, of) in failed]
            began, is_known = time.monotonic(), True
            if above:
                step, is_known = Step(model.name, day, "blocked", f"{above[0]} failed"), False
            else:
                try:
                    step = self._run_step(run_id, model, day)
                except CrmError as error:
                    first = first or error
                    seconds = time.monotonic() - began
                    step = Step(model.name, day, "failed", error.sentence, seconds)
                    # What an audit blocked has its row already, with the audits.
                    is_known = isinstance(error, AuditBlockedError)
            if step.outcome in ("failed", "blocked"):
                failed.add((model.name, day))
            if not is_known:
                self.ledger.record_step(run_id, model.name, day, outcome=step.outcome,
                                        reason=step.reason, seconds=step.seconds)  # fmt: skip
            done.append(step)
            report(step)
        if first is not None:
            raise first
        return done

    def _run_step(self, run_id: UUID, model: Model, day: date) -> Step:
        began = time.monotonic()
        relations = self._read(model, day)
        fingerprint = self._fingerprint(model, day, relations)
        reason = self._reason(model, day, fingerprint)
        if reason is None:
            return Step(model.name, day, "skipped", "nothing changed")
        try:
            self._provide(relations, day)
            staged, rows = self.engine.stage(
                model.name, model.bound_sql, model.key, self.bound(model, day), model.ranges_of
            )
            self.engine.partition_view("staged", staged)
            results = run_audits(
                self.engine, model, rows, self.previous(model, day), self.bound(model, day)
            )
            blocking = [result for result in results if result.blocks]
            if blocking:
                self.ledger.record_step(
                    run_id, model.name, day, outcome="blocked", reason=reason,
                    seconds=time.monotonic() - began, audits=results,
                )  # fmt: skip
                raise AuditBlockedError(blocked_sentence(model, day, blocking))
            with staged.open("rb") as stream:
                version = hashlib.file_digest(stream, "sha256").hexdigest()
            if (model.name, day) in self.partitions:
                # Dying before the new row is written must not leave the old row of another file.
                self.ledger.forget_partitions(day, [model.name])
            put_in_place(staged, self.path(model.name, day))
        except duckdb.Error as error:
            from acrm_batch.tag_rules import tag_fault  # noqa: PLC0415  only a failure needs SQLGlot

            named = tag_fault(self.project, model.name)
            raise (
                named or failure(f"Model {model.name} of {day}", error, self.engine.aside)
            ) from error
        except OSError as error:
            raise CrmError(
                f"The partition of {model.name} cannot be written ({error.strerror}); make room"
                f" ({room_of(self.engine.aside.parent)}) or give the right to write, and start"
                " again."
            ) from error
        row = PartitionRow(fingerprint, version, rows)
        seconds = time.monotonic() - began
        self.ledger.record_step(run_id, model.name, day, outcome="made", reason=reason,
                                seconds=seconds, partition=row, audits=results)  # fmt: skip
        self.partitions[model.name, day] = row
        return Step(model.name, day, "made", reason, seconds, rows)

    def provide(self, model: Model, day: date) -> dict[str, Bound]:
        """Make everything a step reads available under its name; what is bound into its text."""
        self._provide(self._read(model, day), day)
        return self.bound(model, day)

    def _provide(self, relations: Relations, day: date) -> None:
        """Make everything a step reads available under its name."""
        self.engine.set_parameters(self.project.catalogue.in_force(day))
        for table, files in relations.landing.items():
            self._check_there(files)
            self.engine.landing_relation(table, files)
        for model in relations.staging:
            self.engine.view(model.name, model.sql)
        for name, columns in relations.declared.items():
            if name not in relations.partitions:
                self.engine.view(name, empty_relation(columns))
        for name, path in relations.partitions.items():
            self.engine.partition_view(name, path, relations.declared.get(name))

    def _check_there(self, files: Iterable[File]) -> None:
        for file in files:
            if not file.path(self.engine.landing).is_file():
                raise NotReadyError(
                    f"The extract of {file.day} was accepted, but {file.path(self.engine.landing)}"
                    " is missing now; put it back and start again."
                )

    def bound(self, model: Model, day: date) -> dict[str, Bound]:
        """The values of the bind variables that a model may name."""
        first_day = self.inputs.first_day(day)
        bound: dict[str, Bound] = {
            "bd": day,
            "first_day": first_day,
            # Days that an average of the month or the year so far is made of.
            "month_days": (day - max(first_day, day.replace(day=1))).days + 1,
            "year_days": (day - max(first_day, day.replace(month=1, day=1))).days + 1,
            "version": model.version,
        }
        for code in model.parameters:
            needed_by = f"model {model.name}"
            bound[bind_name(code)] = self.project.catalogue.union_wide(code, day, needed_by)
        return bound

    def previous(self, model: Model, day: date) -> Previous | None:
        """The newest partition of a model before a date."""
        days = [of for name, of in self.partitions if name == model.name and of < day]
        if not days:
            return None
        rows = self.partitions[model.name, max(days)].rows
        return Previous(rows, self.path(model.name, max(days)))
