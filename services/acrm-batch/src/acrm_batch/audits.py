"""Audits: what must hold for a partition before it may be used.

A key is a uniqueness audit. Beside it a model's front matter may have, under `audits`:

* `not_null: [columns]`, `assert: "condition"`, `accepted: {column: [values]}`
* `range: {column: [least, most]}`, of which one may be empty
* `references: {column: model.column}`: every value is one of theirs
* `freshness: {column: days}`: the newest value is at most so many days before the business date
* `equal_sums: {with: model, by: [key], columns: […]}`, to the cent
* `equal_totals: {by: column, columns: […]}`: the same total for every value of `by`
* against the partition before: `row_count_drift: {max_pct: N}`,
  `mean_drift: {columns: […], max_pct: N}` and `share_drift: {columns: […], max_points: N}`, where a
  share is that of the rows with one value

`severity: warn` writes the result down without blocking. What fails names up to five keys.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from acrm_batch.engines.duckdb import Bound, Engine
from acrm_batch.engines.sql import literal
from acrm_batch.ledger import AuditResult
from acrm_batch.model import Model, bind_name
from acrm_batch.project import Project
from crm_shared.errors import CrmError, ExitCode, UsageError

KINDS = {"not_null", "assert", "accepted", "range", "references", "freshness", "equal_sums",
         "equal_totals", "row_count_drift", "mean_drift", "share_drift"}  # fmt: skip

_SAMPLES = 5


class AuditBlockedError(CrmError):
    """An audit failed; nothing that depends on the partition is made or published."""

    code = "audit_blocked"
    exit_code = ExitCode.BLOCKED


@dataclass(frozen=True, slots=True)
class Previous:
    """The partition before: its rows, and its file as long as the warehouse has it."""

    rows: int
    path: Path


@dataclass(frozen=True, slots=True)
class _Test:
    """One number asked of a relation, `source`: how many rows fail; `sample` asks which."""

    name: str
    severity: str
    source: str
    count: str
    sentence: str
    sample: str = ""


def run_audits(
    engine: Engine, model: Model, rows: int, previous: Previous | None, bound: Mapping[str, Bound]
) -> list[AuditResult]:
    """Try every audit of a model on the relation `staged`, each relation in one pass."""
    with _kept(engine, model, previous) as has_previous:
        by_source: dict[str, list[_Test]] = {}
        for test in _tests(model, has_previous):
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
    engine: Engine, model: Model, test: _Test, failed: int, bound: Mapping[str, Bound]
) -> AuditResult:
    result = AuditResult(test.name, test.severity, failed, test.sentence)
    if not failed or not test.sample:
        return result
    keys = "; ".join(engine.texts(f"{test.sample} limit {_SAMPLES}", bound))
    return replace(result, sentence=f"{test.sentence} (for instance {keys})") if keys else result


def _tests(model: Model, has_previous: bool) -> Iterator[_Test]:
    if model.key:
        key = ", ".join(model.key)
        yield _Test(
            f"unique({key})", "error", f"(select count(*) as n from staged group by {key})",
            "sum(n - 1)", f"rows repeat the key {key}",
            f"select {_told(model.key)} from staged group by {key} having count(*) > 1"
            f" order by {key}",
        )  # fmt: skip
    for audit in model.audits:
        severity = audit.get("severity", "error")
        if "equal_sums" in audit:
            yield from _equal_sums(audit["equal_sums"], severity)
        elif "equal_totals" in audit:
            yield from _equal_totals(audit["equal_totals"], severity)
        elif "freshness" in audit:
            yield from _freshness(audit["freshness"], severity)
        elif "mean_drift" in audit or "share_drift" in audit:
            yield from _drifts(audit, severity) if has_previous else ()
        elif "row_count_drift" not in audit:
            for name, condition, sentence in _conditions(model, audit):
                count = f"count(*) filter (where {condition})"
                sample = f"select {_told(model.key)} from staged where {condition}"
                ordered = f"{sample} order by {', '.join(model.key)}" if model.key else ""
                yield _Test(name, severity, "staged", count, sentence, ordered)


def _told(key: tuple[str, ...] | list[str]) -> str:
    """A key as text: `customer_id 17, branch_id A`."""
    return " || ', ' || ".join(
        f"'{column} ' || coalesce(cast({column} as varchar), 'nothing')" for column in key
    )


def _conditions(model: Model, audit: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, condition of a bad row, and sentence of each test of an entry."""
    if "not_null" in audit:
        for column in audit["not_null"]:
            yield f"not_null({column})", f"{column} is null", f"rows have no {column}"
    elif "assert" in audit:
        stated = str(audit["assert"])
        yield f"assert({stated})", f"not coalesce({_bind(stated)}, false)", f"rows break: {stated}"
    elif "accepted" in audit:
        for column, values in audit["accepted"].items():
            listed = ", ".join(literal(value) for value in values)
            sentence = f"rows hold another {column} than {listed}"
            yield f"accepted({column})", f"{column} not in ({listed})", sentence
    elif "range" in audit:
        for column, (least, most) in audit["range"].items():
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


def _freshness(limits: dict[str, int], severity: str) -> Iterator[_Test]:
    for column, days in limits.items():
        yield _Test(
            f"freshness({column}, {days} days)", severity, "staged",
            f"case when coalesce(cast(max({column}) as date) >= $bd - {days}, false) then 0"
            " else 1 end",
            f"relation has no {column} within {days} days of the business date",
        )  # fmt: skip


def _equal_sums(audit: dict[str, Any], severity: str) -> Iterator[_Test]:
    """Columns summed per key here and in another relation must be equal, to the cent."""
    other, by, columns = audit["with"], ", ".join(audit["by"]), audit["columns"]
    source = _differences(other, by, columns)
    what = f"values of {by}" if by else "totals"
    keys = f"{_told(audit['by'])} || ' by ' || " if by else "'by ' || "
    order = f" order by {by}" if by else ""
    for n, column in enumerate(columns):
        yield _Test(
            f"equal_sums({column}, {other})" if by else f"equal_sums(total {column}, {other})",
            severity, source, f"count(*) filter (where d{n} <> 0)", f"{what} differ from {other}",
            f"select {keys}d{n} from {source} where d{n} <> 0{order}",
        )  # fmt: skip


def _differences(other: str, by: str, columns: list[str]) -> str:
    """Sums here less those of another relation, as d0, d1, …: a row per key, or one of totals."""
    if not by:
        sums = ", ".join(f"coalesce(sum({one}), 0) as s{n}" for n, one in enumerate(columns))
        less = ", ".join(f"here.s{n} - there.s{n} as d{n}" for n in range(len(columns)))
        return (
            f"(select {less} from (select {sums} from staged) as here"
            f" cross join (select {sums} from {other}) as there)"
        )
    sides = " union all ".join(
        f"select {by}, "
        + ", ".join(f"coalesce({column}, 0) * {sign} as d{n}" for n, column in enumerate(columns))
        + f" from {relation}"
        for relation, sign in (("staged", 1), (other, -1))
    )
    sums = ", ".join(f"sum(d{n}) as d{n}" for n in range(len(columns)))
    return f"(select {by}, {sums} from ({sides}) group by {by})"


def _equal_totals(audit: dict[str, Any], severity: str) -> Iterator[_Test]:
    """Columns summed over the rows of each value of `by` must come to the same total."""
    by, columns = audit["by"], audit["columns"]
    sums = ", ".join(f"sum({column}) as t{n}" for n, column in enumerate(columns))
    source = f"(select {by}, {sums} from staged group by {by})"
    for n, column in enumerate(columns):
        yield _Test(
            f"equal_totals({column})", severity, source,
            f"case when max(t{n}) <> min(t{n}) then 1 end", f"total differs between values of {by}",
        )  # fmt: skip


def _row_count(audit: dict[str, Any], rows: int, previous_rows: int | None) -> AuditResult:
    limit = audit["row_count_drift"]["max_pct"]
    moved = abs(rows - previous_rows) if previous_rows else 0
    drifted = bool(previous_rows) and moved * 100 > limit * (previous_rows or 0)
    return AuditResult(
        "row_count_drift", audit.get("severity", "error"), moved if drifted else 0,
        f"rows more or fewer than the {previous_rows} before (limit {limit} %)",
    )  # fmt: skip


def _drifts(audit: dict[str, Any], severity: str) -> Iterator[_Test]:
    """Means and shares against the partition before; what is counted is columns or values."""
    if "mean_drift" in audit:
        limit = audit["mean_drift"]["max_pct"]
        for column in audit["mean_drift"]["columns"]:
            mean = f"avg(cast({column} as double))"
            source = (
                f"(select (select {mean} from staged) as now, (select {mean} from previous)"
                " as before)"
            )
            drifted = f"abs(now - before) * 100 > {limit} * abs(before)"
            yield _Test(
                f"mean_drift({column})", severity, source, f"count(*) filter (where {drifted})",
                f"mean of {column} moved by more than {limit} % since the partition before",
                f"select 'from ' || round(before, 2) || ' to ' || round(now, 2) from {source}"
                f" where {drifted}",
            )  # fmt: skip
        return
    limit = audit["share_drift"]["max_points"]
    for column in audit["share_drift"]["columns"]:
        sides = " union all ".join(
            f"select {column} as value, {sign}.0 * count(*) / sum(count(*)) over () as share"
            f" from {relation} group by {column}"
            for relation, sign in (("staged", 1), ("previous", -1))
        )
        source = f"(select value, sum(share) * 100 as points from ({sides}) group by value)"
        drifted = f"abs(points) > {limit}"
        yield _Test(
            f"share_drift({column})", severity, source, f"count(*) filter (where {drifted})",
            f"values of {column} moved by more than {limit} points of share since the partition"
            " before",
            "select coalesce(cast(value as varchar), 'nothing') || ' by ' || round(points, 1)"
            f" from {source} where {drifted} order by abs(points) desc, value",
        )  # fmt: skip


def _bind(condition: str) -> str:
    """Parameters of a condition as bind variables, like those of a model."""
    probe = Model("", "", "", "as_of", condition)
    for code in probe.parameters:
        condition = condition.replace(f"param('{code}')", "$" + bind_name(code))
    return condition


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
