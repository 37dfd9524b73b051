"""Audits: what must hold for a partition before it may be used.

A key is a uniqueness audit. Beside it a model's front matter may have `not_null: [columns]`,
`assert: "condition"`, `accepted: {column: [values]}`, `equal_sums: {…}` and `row_count_drift`;
`severity: warn` writes the result down without blocking.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from acrm_batch.engines.duckdb import Bound, Engine
from acrm_batch.engines.sql import literal
from acrm_batch.ledger import AuditResult
from acrm_batch.project import Model, bind_name
from crm_shared.errors import CrmError, ExitCode, UsageError


class AuditBlockedError(CrmError):
    """An audit failed; nothing that depends on the partition is made or published."""

    code = "audit_blocked"
    exit_code = ExitCode.BLOCKED


def run_audits(
    engine: Engine, model: Model, rows: int, previous_rows: int | None, bound: Mapping[str, Bound]
) -> list[AuditResult]:
    """Try every audit of a model on the relation `staged`."""
    return list(_results(engine, model, rows, previous_rows, bound))


def _results(
    engine: Engine, model: Model, rows: int, previous_rows: int | None, bound: Mapping[str, Bound]
) -> Iterator[AuditResult]:
    if model.key:
        key = ", ".join(model.key)
        repeated = engine.count(
            f"select sum(n - 1) from (select count(*) as n from staged group by {key}"
            " having count(*) > 1)", bound,
        )  # fmt: skip
        yield AuditResult(f"unique({key})", "error", repeated, f"rows repeat the key {key}")
    for audit in model.audits:
        severity = audit.get("severity", "error")
        if "row_count_drift" in audit:
            yield _drift(audit, severity, rows, previous_rows)
            continue
        for name, query, sentence in _queries(model, audit):
            failed = engine.count(query, bound)
            yield AuditResult(name, severity, failed, sentence)


def _queries(model: Model, audit: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, counting query and sentence of each test of an entry."""
    if "not_null" in audit:
        for column in audit["not_null"]:
            query = f"select count(*) from staged where {column} is null"
            yield f"not_null({column})", query, f"rows have no {column}"
    elif "assert" in audit:
        condition = _bind(str(audit["assert"]))
        query = f"select count(*) from staged where not coalesce({condition}, false)"
        yield f"assert({audit['assert']})", query, f"rows break: {audit['assert']}"
    elif "accepted" in audit:
        for column, values in audit["accepted"].items():
            listed = ", ".join(literal(value) for value in values)
            query = f"select count(*) from staged where {column} not in ({listed})"
            yield f"accepted({column})", query, f"rows hold another {column} than {listed}"
    elif "equal_sums" in audit:
        yield from _equal_sums(audit["equal_sums"])
    else:
        raise UsageError(f"Model {model.name} has an audit that nobody knows: {audit}.")


def _equal_sums(audit: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Columns summed per key here and in another relation must be equal, to the cent."""
    other, by = audit["with"], ", ".join(audit["by"])
    for column in audit["columns"]:
        sides = " union all ".join(
            f"select {by}, coalesce({column}, 0) * {sign} as amount from {relation}"
            for relation, sign in (("staged", 1), (other, -1))
        )
        query = (
            f"select count(*) from (select {by} from ({sides}) group by {by}"
            " having sum(amount) <> 0)"
        )
        yield f"equal_sums({column}, {other})", query, f"values of {by} differ from {other}"


def _drift(
    audit: dict[str, Any], severity: str, rows: int, previous_rows: int | None
) -> AuditResult:
    limit = audit["row_count_drift"]["max_pct"]
    moved = abs(rows - previous_rows) if previous_rows else 0
    drifted = bool(previous_rows) and moved * 100 > limit * (previous_rows or 0)
    return AuditResult(
        "row_count_drift", severity, moved if drifted else 0,
        f"rows more or fewer than the {previous_rows} before (limit {limit} %)",
    )  # fmt: skip


def _bind(condition: str) -> str:
    """Parameters of a condition as bind variables, like those of a model."""
    probe = Model("", "", "", "as_of", condition)
    for code in probe.parameters:
        condition = condition.replace(f"param('{code}')", "$" + bind_name(code))
    return condition
