"""A business date from inputs to publication, under the date's lock: what the commands call."""

import logging
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import duckdb
import psycopg

from acrm_batch import history, snapshot
from acrm_batch.audits import blocked_sentence, run_audits
from acrm_batch.engines.duckdb import Engine, failure, room_of
from acrm_batch.inputs import Inputs
from acrm_batch.ledger import AuditResult, Ledger, named_failure
from acrm_batch.model import Model
from acrm_batch.progress import Progress
from acrm_batch.project import Project
from acrm_batch.publish import Publication, publish, require_kept
from acrm_batch.runner import Runner
from acrm_batch.settings import BatchSettings
from acrm_batch.steps import Step
from acrm_batch.warehouse import clean_aside
from crm_shared import postgres
from crm_shared.errors import CrmError, NotReadyError
from crm_shared.personal_data import Protector
from crm_shared.settings import DataKeySettings, KafkaSettings, load


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did for a date."""

    accepted_days: int
    steps: list[Step]
    publication: Publication | None = None
    reminders_sent: int = 0
    reminders_withdrawn: int = 0


def project_of(settings: BatchSettings) -> Project:
    """The models and the catalogue, and the bank's own values of parameters."""
    project = Project.load()
    if settings.parameters_file is None:
        return project
    from acrm_batch.parameter_files import replaced  # noqa: PLC0415  most banks need no such file

    values = replaced(project, settings.parameters_file)
    return Project(project.models, project.catalogue.with_parameters(values))


@contextmanager
def opened(
    settings: BatchSettings, business_date: date, command: str
) -> Iterator[tuple[Runner, Ledger, UUID]]:
    """A runner that holds the date's lock, and a run in the ledger that says how it ended."""
    name = f"acrm {command} {business_date}"
    project = project_of(settings)
    with Ledger.open(settings.database_url.get_secret_value(), name) as ledger:
        connection = ledger.connection
        with postgres.advisory_lock(connection, f"acrm {business_date}"):
            connection.commit()
            aside = settings.warehouse_dir / ".aside" / business_date.isoformat()
            clean_aside(aside)
            run_id = ledger.start_run(command, business_date)
            try:
                with _named_failures(aside), closing(_engine(settings, aside)) as engine:
                    yield Runner(project, ledger, engine, settings.warehouse_dir), ledger, run_id
            except CrmError as error:
                _write_down(ledger, run_id, error.code, error.sentence)
                _report(ledger, project, settings.warehouse_dir, business_date, run_id, says=False)
                raise
            except BaseException as error:
                _write_down(ledger, run_id, "failed", type(error).__name__)
                _report(ledger, project, settings.warehouse_dir, business_date, run_id, says=False)
                raise
            else:
                ledger.finish_run(run_id, "ok", None)
                _report(ledger, project, settings.warehouse_dir, business_date, run_id, says=True)
            finally:
                clean_aside(aside)


def _report(
    ledger: Ledger, project: Project, warehouse: Path, day: date, run_id: UUID, *, says: bool
) -> None:
    """Leave the run's report; where it cannot be written that is said, and fails nothing."""
    try:
        if history.is_worth_a_report(ledger, run_id):
            from acrm_batch.report.files import write_reports  # noqa: PLC0415  seldom needed

            write_reports(ledger, project, warehouse, day)
    except (CrmError, duckdb.Error, psycopg.Error) as error:
        if says:
            logging.getLogger("acrm").warning("No report was written: %s", error)


@contextmanager
def _named_failures(aside: Path) -> Iterator[None]:
    """A failure of DuckDB, PostgreSQL or a disk is one sentence."""
    try:
        yield
    except duckdb.Error as error:
        raise failure("The batch", error, aside) from error
    except psycopg.Error as error:
        raise named_failure(error) from error
    except OSError as error:
        raise CrmError(
            f"A file could not be read or written ({str(error).splitlines()[0]}); give the right"
            f" to, or make room on the disk ({room_of(aside.parent)}), and start again."
        ) from error


def _write_down(ledger: Ledger, run_id: UUID, outcome: str, message: str) -> None:
    """How a run failed; what has lost its server is found dead by the next run."""
    with suppress(psycopg.Error):
        ledger.connection.rollback()
        ledger.finish_run(run_id, outcome, message)


@contextmanager
def looking(settings: BatchSettings) -> Iterator[tuple[Runner, Ledger]]:
    """A runner that only looks: no lock, no run, nothing that stays in the warehouse."""
    with (
        Ledger.open(settings.database_url.get_secret_value(), "acrm") as ledger,
        TemporaryDirectory(prefix="acrm-", dir=_folder_to_look_from(settings)) as aside,
        _named_failures(Path(aside)),
        closing(_engine(settings, Path(aside))) as engine,
    ):
        runner = Runner(project_of(settings), ledger, engine, settings.warehouse_dir)
        runner.inputs = Inputs.recalled(*ledger.accepted())
        yield runner, ledger


def _folder_to_look_from(settings: BatchSettings) -> Path | None:
    """Where looking may spill: on the warehouse's disk, or that of temporary files for those who
    may only read the warehouse."""
    if not os.access(settings.warehouse_dir, os.W_OK):
        return None
    aside = settings.warehouse_dir / ".aside"
    aside.mkdir(exist_ok=True)
    return aside


def _engine(settings: BatchSettings, aside: Path) -> Engine:
    place = (settings.landing_dir, aside, settings.memory_limit, settings.threads)
    try:
        if settings.engine == "duckdb":
            return Engine(*place)
        from acrm_batch.engines.spark import SparkEngine  # noqa: PLC0415  SQLGlot takes 0.3 s

        return SparkEngine(*place, settings.spark_master)
    except OSError as error:
        raise CrmError(
            f"The warehouse {settings.warehouse_dir} cannot be written ({error.strerror}); set "
            "CRM_WAREHOUSE_DIR to a folder that the user who runs the batch may write to."
        ) from error


def run_date(
    settings: BatchSettings,
    business_date: date,
    progress: Progress,
    *,
    selectors: tuple[str, ...] = (),
    publishes: bool = True,
    sends: bool = True,
    command: str = "run",
) -> Result:
    """Accept, make, audit and publish a date, then send its due reminders.

    With selectors only those models are made, and nothing is published.
    """
    # What only the end needs is asked for first, so that a missing setting costs nothing.
    protector = _protector() if publishes and not selectors else None
    kafka = KafkaSettings.load() if protector and sends else None
    with opened(settings, business_date, command) as (runner, ledger, run_id):
        if protector is not None:
            require_kept(ledger, business_date, settings.keep_dates)
        progress.phase("accepting source days")
        accepted = runner.accept(run_id, business_date, settings.threads)
        selected = runner.project.select(selectors)
        progress.expect(sum(1 for _ in runner.steps(business_date, selected)))
        progress.phase("making the models")
        steps = runner.run(run_id, business_date, selected, progress.step)
        if protector is None:
            return Result(accepted, steps)
        return _publish(
            settings,
            runner,
            ledger,
            run_id,
            business_date,
            done=Result(accepted, steps),
            protector=protector,
            kafka=kafka,
            progress=progress,
        )


def publish_date(
    settings: BatchSettings, business_date: date, progress: Progress, *, sends: bool
) -> Result:
    """Publish what the warehouse holds of a date, and send its due reminders."""
    protector = _protector()
    kafka = KafkaSettings.load() if sends else None
    with opened(settings, business_date, "publish") as (runner, ledger, run_id):
        require_kept(ledger, business_date, settings.keep_dates)
        runner.inputs = Inputs.recalled(*ledger.accepted())
        return _publish(
            settings,
            runner,
            ledger,
            run_id,
            business_date,
            done=Result(0, []),
            protector=protector,
            kafka=kafka,
            progress=progress,
        )


def audit_date(
    settings: BatchSettings,
    business_date: date,
    progress: Progress,
    selectors: tuple[str, ...] = (),
) -> list[tuple[str, AuditResult]]:
    """Try the audits of a date's partitions again, against the days that they were made of; with
    selectors, those of the selected models and of what they read. Each with its model's name."""
    with opened(settings, business_date, "audit") as (runner, ledger, run_id):
        selected = runner.project.select(selectors)
        if not any(day == business_date for _, day in runner.partitions):
            raise NotReadyError(
                f"Nothing of {business_date} has been made; run `acrm run --date {business_date}`"
                " first."
            )
        runner.inputs = Inputs.recalled(*ledger.accepted())
        found = []
        for model, day in runner.steps(business_date, selected):
            if day == business_date and (model.name, day) in runner.partitions:
                results = _audited_again(runner, ledger, run_id, model, day)
                found += [(model.name, result) for result in results]
                blocking = [result for result in results if result.blocks]
                progress.step(Step(model.name, day, "blocked" if blocking else "passed",
                                   blocked_sentence(model, day, blocking) if blocking
                                   else f"{len(results)} audits"))  # fmt: skip
        return found


def _audited_again(
    runner: Runner, ledger: Ledger, run_id: UUID, model: Model, day: date
) -> list[AuditResult]:
    """What the audits of a model find in its partition as it lies in the warehouse."""
    bound = runner.provide(model, day)
    runner.engine.partition_view("staged", runner.path(model.name, day))
    rows = runner.partitions[model.name, day].rows
    results = run_audits(runner.engine, model, rows, runner.previous(model, day), bound)
    ledger.record_step(run_id, model.name, day, outcome="audited", reason="asked", seconds=0,
                       audits=results)  # fmt: skip
    return results


def plan_date(
    settings: BatchSettings, business_date: date, selectors: tuple[str, ...]
) -> list[Step]:
    """What a run would do."""
    with looking(settings) as (runner, _):
        runner.accept(None, business_date, settings.threads)
        return list(runner.plan(business_date, runner.project.select(selectors)))


def _publish(
    settings: BatchSettings,
    runner: Runner,
    ledger: Ledger,
    run_id: UUID,
    business_date: date,
    *,
    done: Result,
    protector: Protector,
    kafka: KafkaSettings | None,
    progress: Progress,
) -> Result:
    progress.phase("writing the snapshot")
    staged = snapshot.stage(runner, business_date)
    progress.phase("publishing")
    publication = publish(
        runner,
        ledger,
        run_id,
        business_date,
        protector=protector,
        keep_dates=settings.keep_dates,
        progress=lambda table: progress.phase(f"publishing {table}"),
    )
    snapshot.install(ledger, settings.warehouse_dir, business_date, staged, settings.keep_snapshots)
    if kafka is None:
        return replace(done, publication=publication)
    from acrm_batch.reminders import (  # noqa: PLC0415  a run without events needs no Kafka client
        send_due_reminders,
    )

    progress.phase("sending due reminders")
    sent = send_due_reminders(runner, ledger, business_date, kafka)
    return replace(
        done,
        publication=publication,
        reminders_sent=sent.raised,
        reminders_withdrawn=sent.withdrawn,
    )


def _protector() -> Protector:
    return Protector(load(DataKeySettings).key.get_secret_value())
