"""A rehearsal: models made aside from what the warehouse holds, under parameters that are tried.

Nothing is recorded, published or written into the warehouse. What the tried parameters do not
change is read where it lies, so only the rest is made.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from acrm_batch.acceptance import Day
from acrm_batch.batch import looking
from acrm_batch.catalogue import ALWAYS, Catalogue
from acrm_batch.ledger import Ledger
from acrm_batch.parameter_files import replaced, value_of
from acrm_batch.progress import Progress
from acrm_batch.project import Project
from acrm_batch.runner import Runner
from acrm_batch.settings import BatchSettings
from crm_shared.errors import UsageError


class _Unrecorded(Ledger):
    """The ledger, asked but never written."""

    def record_accepted(self, run_id: Any, days: Iterable[Day], compared: Iterable[date]) -> None:
        pass

    def forget_partitions(self, as_of: date, models: Iterable[str]) -> None:
        pass

    def record_step(self, run_id: Any, model: str, as_of: date, **facts: Any) -> None:
        pass


@dataclass(frozen=True)
class Rehearsal:
    """The stage of one or more rehearsals over the same inputs."""

    warehouse: Path
    runner: Runner
    ledger: Ledger
    progress: Progress

    def make(self, name: str, business_date: date, model: str, catalogue: Catalogue) -> Runner:
        """Make a model of a date, and what it reads, aside; the runner that knows where it lies.

        Rehearsals of other names do not meet.
        """
        project = Project(self.runner.project.models, catalogue)
        aside = self.runner.engine.aside / name
        runner = Runner(project, _Unrecorded(self.ledger.connection), self.runner.engine, aside)
        runner.inputs = self.runner.inputs
        selected = project.select((model,))
        for of, day in runner.partitions:
            made = self.runner.path(of, day)
            if of in selected and made.is_file():
                link = runner.path(of, day)
                link.parent.mkdir(parents=True)
                link.symlink_to(made.resolve())
        self.progress.expect(sum(1 for _ in runner.steps(business_date, selected)))
        runner.run(uuid4(), business_date, selected, self.progress.step)
        return runner


@contextmanager
def rehearsing(
    settings: BatchSettings, business_date: date, progress: Progress
) -> Iterator[Rehearsal]:
    """A stage for rehearsals of dates up to this one; what they leave is removed at the end."""
    with looking(settings) as (runner, ledger):
        progress.phase("reading source days")
        runner.accept(None, business_date, settings.threads)
        yield Rehearsal(settings.warehouse_dir, runner, ledger, progress)


def tried(
    project: Project,
    model: str,
    *,
    given: Sequence[str] = (),
    file: Path | None = None,
    since: date = ALWAYS,
) -> Catalogue:
    """The catalogue with other values of the parameters that decide a model.

    `given` are `CODE=VALUE`, in force from `since` on; `file` has entries as `catalogue/params`
    has them, each of which replaces the values of its code.
    """
    reach = {model, *project.upstream(model)}
    deciding = {code for name in reach for code in project.models[name].parameters}
    values = list(replaced(project, file, deciding) if file else project.catalogue.parameters)
    for pair in given:
        code, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} sets nothing; write CODE=VALUE.")
        fresh = value_of(project, code.strip(), text.strip(), since, known=deciding)
        values = [v for v in values if v.code != fresh.code or v.effective_from < since]
        values.append(fresh)
    return project.catalogue.with_parameters(values)
