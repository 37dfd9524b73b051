"""Audits: what must hold for a partition before it may be used.

A key is a uniqueness audit. Beside it a model's front matter may have `not_null: [columns]`,
`assert: "condition"`, `accepted: {column: [values]}`, `equal_sums: {…}`, `equal_totals: {…}` and
`row_count_drift`;
`severity: warn` writes the result down without blocking.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from acrm_batch.engines.duckdb import Bound, Engine
from acrm_batch.engines.sql import literal
from acrm_batch.ledger import AuditResult
from acrm_batch.model import Model, bind_name
from crm_shared.errors import CrmError, ExitCode, UsageError


class AuditBlockedError(CrmError):
    """An audit failed; nothing that depends on the partition is made or published."""

    code = "audit_blocked"
    exit_code = ExitCode.BLOCKED


@dataclass(frozen=True, slots=True)
class _Test:
    """One number asked of a relation, `source`: how many rows fail."""

    name: str
    severity: str
    source: str
    count: str
    sentence: str


def run_audits(
    engine: Engine, model: Model, rows: int, previous_rows: int | None, bound: Mapping[str, Bound]
) -> list[AuditResult]:
    """Try every audit of a model on the relation `staged`, each relation in one pass."""
    by_source: dict[str, list[_Test]] = {}
    for test in _tests(model):
        by_source.setdefault(test.source, []).append(test)
    results = [_drift(one, rows, previous_rows) for one in model.audits if "row_count_drift" in one]
    for source, tests in by_source.items():
        counts = ", ".join(test.count for test in tests)
        failed = engine.numbers(f"select {counts} from {source}", bound)
        results += [
            AuditResult(test.name, test.severity, number, test.sentence)
            for test, number in zip(tests, failed, strict=True)
        ]
    return results


def _tests(model: Model) -> Iterator[_Test]:
    if model.key:
        key = ", ".join(model.key)
        yield _Test(
            f"unique({key})", "error", f"(select count(*) as n from staged group by {key})",
            "sum(n - 1)", f"rows repeat the key {key}",
        )  # fmt: skip
    for audit in model.audits:
        severity = audit.get("severity", "error")
        if "equal_sums" in audit:
            yield from _equal_sums(audit["equal_sums"], severity)
        elif "equal_totals" in audit:
            yield from _equal_totals(audit["equal_totals"], severity)
        elif "row_count_drift" not in audit:
            for name, condition, sentence in _conditions(model, audit):
                count = f"count(*) filter (where {condition})"
                yield _Test(name, severity, "staged", count, sentence)


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
    else:
        raise UsageError(f"Model {model.name} has an audit that nobody knows: {audit}.")


def _equal_sums(audit: dict[str, Any], severity: str) -> Iterator[_Test]:
    """Columns summed per key here and in another relation must be equal, to the cent."""
    other, by, columns = audit["with"], ", ".join(audit["by"]), audit["columns"]
    sides = " union all ".join(
        "select "
        + (f"{by}, " if by else "")
        + ", ".join(f"coalesce({column}, 0) * {sign} as d{n}" for n, column in enumerate(columns))
        + f" from {relation}"
        for relation, sign in (("staged", 1), (other, -1))
    )
    sums = ", ".join(f"sum(d{n}) as d{n}" for n in range(len(columns)))
    source = f"(select {sums} from ({sides}){f' group by {by}' if by else ''})"
    what = f"values of {by}" if by else "totals"
    for n, column in enumerate(columns):
        yield _Test(
            f"equal_sums({column}, {other})" if by else f"equal_sums(total {column}, {other})",
            severity, source, f"count(*) filter (where d{n} <> 0)", f"{what} differ from {other}",
        )  # fmt: skip


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


def _drift(audit: dict[str, Any], rows: int, previous_rows: int | None) -> AuditResult:
    limit = audit["row_count_drift"]["max_pct"]
    moved = abs(rows - previous_rows) if previous_rows else 0
    drifted = bool(previous_rows) and moved * 100 > limit * (previous_rows or 0)
    return AuditResult(
        "row_count_drift", audit.get("severity", "error"), moved if drifted else 0,
        f"rows more or fewer than the {previous_rows} before (limit {limit} %)",
    )  # fmt: skip


def _bind(condition: str) -> str:
    """Parameters of a condition as bind variables, like those of a model."""
    probe = Model("", "", "", "as_of", condition)
    for code in probe.parameters:
        condition = condition.replace(f"param('{code}')", "$" + bind_name(code))
    return condition
