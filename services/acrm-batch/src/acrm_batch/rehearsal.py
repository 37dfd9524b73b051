"""A rehearsal: models made aside from what the warehouse holds, under parameters that are tried.

Nothing is recorded, published or written into the warehouse. What the tried parameters do not
change is read where it lies, so only the rest is made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from acrm_batch.acceptance import Day
from acrm_batch.batch import looking
from acrm_batch.catalogue import EVERYBODY, Catalogue, ParameterValue
from acrm_batch.ledger import Ledger
from acrm_batch.progress import Progress
from acrm_batch.project import Project
from acrm_batch.runner import Runner
from acrm_batch.settings import BatchSettings
from crm_shared.errors import UsageError

#: Where a value that is tried without a date holds from: on every date.
ALWAYS = date(1900, 1, 1)

#: Of a count of days or month ends, none is none at all.
_AT_LEAST_ONE = {"coverage.averaging_days", "coverage.hysteresis_month_ends"}


class _Unrecorded(Ledger):
    """The ledger, asked but never written."""

    def record_accepted(self, run_id: Any, days: Iterable[Day]) -> None:
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
    catalogue = project.catalogue
    reach = {model, *project.upstream(model)}
    deciding = {code for name in reach for code in project.models[name].parameters}
    integers = {v.code for v in catalogue.parameters if isinstance(v.value, int)}

    def value(code: str, text: object, start: date, entity: str) -> ParameterValue:
        if code not in deciding:
            raise UsageError(
                f"Parameter {code} does not decide {model}; try one of"
                f" {', '.join(sorted(deciding))}."
            )
        return ParameterValue(code, entity, start, _number(code, text, code in integers))

    values = list(catalogue.parameters)
    for entry in _entries(file) if file else ():
        code = str(entry["code"])
        values = [one for one in values if one.code != code]
        for dated in entry["values"]:
            start, entity = dated.get("effective_from", ALWAYS), dated.get("legal_entity")
            if not isinstance(start, date):
                raise UsageError(f"{start!r} of {code} is not a date; write it like 2026-06-30.")
            values.append(value(code, dated["value"], start, str(entity or EVERYBODY)))
    for pair in given:
        code, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} sets nothing; write CODE=VALUE.")
        fresh = value(code.strip(), text.strip(), since, EVERYBODY)
        values = [v for v in values if v.code != fresh.code or v.effective_from < since]
        values.append(fresh)
    _check_entities(project, values)
    return catalogue.with_parameters(values)


def _number(code: str, text: object, is_integer: bool) -> int | Decimal:
    least = 1 if code in _AT_LEAST_ONE else 0
    try:
        number = Decimal(str(text))
        wrong = not number.is_finite() or number < least or (is_integer and number % 1 != 0)
    except InvalidOperation:
        wrong = True
    if wrong:
        kind = "a whole number" if is_integer else "a number"
        raise UsageError(f"{text!r} is no value of {code}; give {kind} of {least} or more.")
    return int(number) if is_integer else number


def _entries(file: Path) -> list[Mapping[str, Any]]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{file} cannot be read as YAML ({str(error).splitlines()[0]}).") from None
    entries = found if isinstance(found, list) else [found]
    for entry in entries:
        dated = entry.get("values") if isinstance(entry, dict) and "code" in entry else None
        if not isinstance(dated, list) or not all(
            isinstance(one, dict) and "value" in one for one in dated
        ):
            raise UsageError(
                f"{file} must be a list of entries like `- {{code: coverage.hysteresis_pct, values:"
                " [{effective_from: 2026-01-01, value: 20}]}`."
            )
    return entries


def _check_entities(project: Project, values: Iterable[ParameterValue]) -> None:
    bound = {code for one in project.models.values() for code in one.union_wide_parameters}
    for value in values:
        if value.legal_entity_id != EVERYBODY and value.code in bound:
            raise UsageError(
                f"One value of {value.code} holds for the whole union; take legal entity"
                f" {value.legal_entity_id} out."
            )
