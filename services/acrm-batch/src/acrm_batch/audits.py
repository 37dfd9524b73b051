"""Audits: what must hold for a partition before it may be used.

A key is a uniqueness audit. Beside it a model's front matter may have, under `audits`:

* `not_null: [columns]`, `assert: "condition"`, `accepted: {column: [values]}`
* `range: {column: [least, most]}`, of which one may be empty
* `references: {column: model.column}`: every value is one of theirs
* `freshness: {column: days}`: the newest value is at most so many days before the business date
* `equal_sums: {with: model, by: [key], columns: […]}`, to the cent; with `at_once` many columns are
  looked at as one
* `equal_totals: {by: column, columns: […]}`: the same total for every value of `by`
* against the partition before: `row_count_drift: {max_pct: N}`,
  `mean_drift: {columns: […], max_pct: N}`, `share_drift: {columns: […], max_points: N}`, where a
  share is that of the rows with one value, and `holds_drift: {columns: […], max_pct: N}`, where the
  rows in which a flag holds are counted, and what chance does (three standard deviations) is no
  drift; a column that the partition before did not have is not compared

The columns of a range or drift may be a pattern: `score_*` is all that begin so. The limit of a
drift may be a parameter of the union, `"param('audit.tag_drift_pct')"`. `severity: warn` writes the
result down without blocking. What fails names up to five keys.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from acrm_batch.audit_tests import (
    Test,
    bind,
    drifts,
    equal_sums,
    equal_totals,
    freshness,
    key_text,
)
from acrm_batch.engines.duckdb import Bound, Engine
from acrm_batch.engines.sql import literal
from acrm_batch.ledger import AuditResult
from acrm_batch.model import Model, bind_name
from acrm_batch.project import Project
from crm_shared.errors import CrmError, ExitCode, UsageError

KINDS = {"not_null", "assert", "accepted", "range", "references", "freshness", "equal_sums",
         "equal_totals", "row_count_drift", "mean_drift", "share_drift", "holds_drift"}  # fmt: skip
_DRIFTS = {"mean_drift", "share_drift", "holds_drift"}

_SAMPLES = 5

#: A parameter of the union in a sentence, which is told by its value.
_PARAMETER = re.compile(r"param\('([\w.]+)'\)")


class AuditBlockedError(CrmError):
    """An audit failed; nothing that depends on the partition is made or published."""

    code = "audit_blocked"
    exit_code = ExitCode.BLOCKED


@dataclass(frozen=True, slots=True)
class Previous:
    """The partition before: its rows, and its file as long as the warehouse has it."""

    rows: int
    path: Path


def run_audits(
    engine: Engine, model: Model, rows: int, previous: Previous | None, bound: Mapping[str, Bound]
) -> list[AuditResult]:
    """Try every audit of a model on the relation `staged`, each relation in one pass."""
    with _kept(engine, model, previous) as has_previous:
        by_source: dict[str, list[Test]] = {}
        for test in _tests(model, engine.columns_of, has_previous):
            by_source.setdefault(test.source, []).append(test)
        results = [
            _row_count(one, rows, previous.rows if previous else None)
            for one in model.audits
            if "row_count_drift" in one
        ]
        for source, tests in by_source.items():
            counts = ", ".join(test.count for test in tests)
            failed = engine.numbers(f"select {counts} from {source}", bound)
            results += [
                _with_sample(engine, model, test, number, bound)
                for test, number in zip(tests, failed, strict=True)
            ]
    return results


@contextmanager
def _kept(engine: Engine, model: Model, previous: Previous | None) -> Iterator[bool]:
    """Whether there is a partition before to compare with, as the relation `previous`. Pruning may
    remove it meanwhile, so it is read under a name of its own, where the disk can give it one."""
    if previous is None:
        yield False
        return
    linked = engine.aside / f"{model.name}.before.{previous.path.parent.name}.parquet"
    linked.unlink(missing_ok=True)
    path = linked
    try:
        linked.hardlink_to(previous.path.resolve())
    except FileNotFoundError:
        yield False
        return
    except OSError:
        path = previous.path
    try:
        engine.partition_view("previous", path)
        yield True
    finally:
        linked.unlink(missing_ok=True)


def _with_sample(
    engine: Engine, model: Model, test: Test, failed: int, bound: Mapping[str, Bound]
) -> AuditResult:
    sentence = _PARAMETER.sub(lambda asked: str(bound[bind_name(asked[1])]), test.sentence)
    result = AuditResult(test.name, test.severity, failed, sentence)
    if not failed or not test.sample:
        return result
    keys = "; ".join(engine.texts(f"{test.sample} limit {_SAMPLES}", bound))
    return replace(result, sentence=f"{sentence} (for instance {keys})") if keys else result


def _tests(
    model: Model, columns_of: Callable[[str], list[str]], has_previous: bool
) -> Iterator[Test]:
    if model.key:
        key = ", ".join(model.key)
        yield Test(
            f"unique({key})", "error", f"(select count(*) as n from staged group by {key})",
            "sum(n - 1)", f"rows repeat the key {key}",
            f"select {key_text(model.key)} from staged group by {key} having count(*) > 1"
            f" order by {key}",
        )  # fmt: skip
    for audit in model.audits:
        severity = audit.get("severity", "error")
        if "equal_sums" in audit:
            yield from equal_sums(audit["equal_sums"], severity)
        elif "equal_totals" in audit:
            yield from equal_totals(audit["equal_totals"], severity)
        elif "freshness" in audit:
            yield from freshness(audit["freshness"], severity)
        elif kinds := _DRIFTS & set(audit):
            if has_previous:
                wanted = audit[next(iter(kinds))]["columns"]
                known = set(columns_of("previous"))
                named = _named(wanted, lambda: columns_of("staged"))
                columns = [column for column in named if column in known]
                yield from drifts(audit, columns, severity)
        elif "row_count_drift" not in audit:
            for name, condition, sentence in _conditions(model, audit, columns_of):
                counted = f"count(*) filter (where {condition})"
                sample = f"select {key_text(model.key)} from staged where {condition}"
                ordered = f"{sample} order by {', '.join(model.key)}" if model.key else ""
                yield Test(name, severity, "staged", counted, sentence, ordered)


def _named(wanted: Iterable[str], known: Callable[[], list[str]]) -> list[str]:
    """The columns that an audit names, those of a pattern among the known ones."""
    return [
        column
        for one in wanted
        for column in ([c for c in known() if fnmatchcase(c, one)] if "*" in one else [one])
    ]


def _conditions(
    model: Model, audit: dict[str, Any], columns_of: Callable[[str], list[str]]
) -> Iterator[tuple[str, str, str]]:
    """Name, condition of a bad row, and sentence of each test of an entry."""
    if "not_null" in audit:
        for column in audit["not_null"]:
            yield f"not_null({column})", f"{column} is null", f"rows have no {column}"
    elif "assert" in audit:
        stated = str(audit["assert"])
        yield f"assert({stated})", f"not coalesce({bind(stated)}, false)", f"rows break: {stated}"
    elif "accepted" in audit:
        for column, values in audit["accepted"].items():
            listed = ", ".join(literal(value) for value in values)
            sentence = f"rows hold another {column} than {listed}"
            yield f"accepted({column})", f"{column} not in ({listed})", sentence
    elif "range" in audit:
        limited = [
            (column, *limits)
            for names, limits in audit["range"].items()
            for column in _named([names], lambda: columns_of("staged"))
        ]
        for column, least, most in limited:
            low = [] if least is None else [f"{column} < {least}"]
            high = [] if most is None else [f"{column} > {most}"]
            limits = f"{'' if least is None else least}..{'' if most is None else most}"
            sentence = f"rows hold a {column} outside {limits}"
            yield f"range({column}, {limits})", " or ".join(low + high) or "false", sentence
    elif "references" in audit:
        for column, target in audit["references"].items():
            other, name = str(target).split(".")
            missing = f"{column} is not null and {column} not in (select {name} from {other})"
            sentence = f"rows hold a {column} that {other} does not know"
            yield f"references({column}, {target})", missing, sentence
    else:
        raise UsageError(f"Model {model.name} has an audit that nobody knows: {audit}.")


def _row_count(audit: dict[str, Any], rows: int, previous_rows: int | None) -> AuditResult:
    limit = audit["row_count_drift"]["max_pct"]
    moved = abs(rows - previous_rows) if previous_rows else 0
    drifted = bool(previous_rows) and moved * 100 > limit * (previous_rows or 0)
    return AuditResult(
        "row_count_drift", audit.get("severity", "error"), moved if drifted else 0,
        f"rows more or fewer than the {previous_rows} before (limit {limit} %)",
    )  # fmt: skip


def blocked_sentence(model: Model, day: date, blocking: list[AuditResult]) -> str:
    """What is said where audits block a model."""
    worst = blocking[0]
    more = f" ({len(blocking) - 1} more audits failed)" if len(blocking) > 1 else ""
    return (
        f"Model {model.name} of {day} is blocked by its audit {worst.audit}: {worst.failed_rows} "
        f"{worst.sentence}{more}; nothing of it is published. Correct the source or the model and "
        "run again."
    )


def audit_faults(project: Project, model: Model) -> Iterator[str]:
    """What is wrong with a model's audits before any is tried."""
    for audit in model.audits:
        kinds = set(audit) - {"severity"}
        if len(kinds) != 1 or not kinds <= KINDS:
            yield f"{model.name} has an audit that nobody knows: {audit}."
        if audit.get("severity", "error") not in ("error", "warn"):
            yield f"{model.name} has an audit whose severity is neither error nor warn: {audit}."
        for target in audit.get("references", {}).values():
            if str(target).partition(".")[0] not in project.models or "." not in str(target):
                yield f"{model.name} refers to {target}, which is no model.column."
