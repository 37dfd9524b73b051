"""What the report tells: the run from the ledger, distributions and coverage from snapshots."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from acrm_batch import history, snapshot
from acrm_batch.drift import Drift, compare
from acrm_batch.engines.sql import literal
from acrm_batch.ledger import Ledger
from acrm_batch.project import Project
from crm_shared.business_calendar import is_month_end
from crm_shared.errors import NotReadyError
from crm_shared.reminder_rules import RULES

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """A date's snapshot beside an earlier one."""

    before: date
    drift: list[Drift]
    tags: list[tuple[str, int, int]]
    rules: list[tuple[str, int, int]]
    moves: dict[str, int]


@dataclass(frozen=True)
class Facts:
    """Everything that a report tells of a date."""

    business_date: date
    run: dict[str, Any]
    steps: Rows
    audits: Rows
    rows_before: dict[str, int]
    names: dict[str, tuple[str, str]]
    comparisons: list[Comparison]
    reminders: list[tuple[str, int]]
    publication: dict[str, int]
    has_snapshot: bool


def collect(ledger: Ledger, project: Project, warehouse: Path, day: date) -> Facts:
    """The facts of a date's last run that did something; `NotReadyError` where none ran."""
    run = history.night_of(ledger, day)
    if run is None:
        raise NotReadyError(f"{day} has never been run; run `acrm run --date {day}` first.")
    names = {one.code: (one.name_zh, one.name_en) for one in project.catalogue.indicators}
    names |= {tag.path: (tag.name_zh, tag.name_en) for tag in project.catalogue.tags}
    names |= {code: (rule.name_zh, rule.name_en) for code, rule in RULES.items()}
    path = snapshot.file_of(warehouse, day)
    has_snapshot = bool(snapshot.meta_of(path))
    return Facts(
        day,
        run,
        history.steps_of(ledger, run["run_id"]),
        history.audits_of(ledger, run["run_id"]),
        _rows_before(ledger, day),
        names,
        [_compare(path, warehouse, one) for one in _earlier(warehouse, day)]
        if has_snapshot
        else [],
        *_published(ledger, day),
        has_snapshot,
    )


def _earlier(warehouse: Path, day: date) -> list[date]:
    """The snapshots to compare with: the date before, and the last month end before."""
    before = [
        one
        for one in snapshot.dates(warehouse)
        if one < day and snapshot.meta_of(snapshot.file_of(warehouse, one))
    ]
    month_ends = [one for one in before if is_month_end(one)]
    return sorted({*before[-1:], *month_ends[-1:]}, reverse=True)


def _rows_before(ledger: Ledger, day: date) -> dict[str, int]:
    """Rows of each model's partition before the date's."""
    with ledger.connection.transaction():
        rows = ledger.connection.execute(
            "select distinct on (model) model, rows from acrm.partitions where as_of < %s"
            " order by model, as_of desc", (day,),
        ).fetchall()  # fmt: skip
    return dict(rows)


def _published(ledger: Ledger, day: date) -> tuple[list[tuple[str, int]], dict[str, int]]:
    """Due reminders by rule, and rows by table, as they are published."""
    with ledger.connection.transaction():
        found = ledger.connection.execute(
            "select row_counts from acrm.publications where business_date = %s", (day,)
        ).fetchone()
        reminders = ledger.connection.execute(
            "select rule_code, count(*) from acrm.due_reminders where business_date = %s"
            " group by rule_code order by rule_code", (day,),
        ).fetchall()  # fmt: skip
    return reminders, dict(found[0]) if found else {}


def _compare(path: Path, warehouse: Path, earlier: date) -> Comparison:
    other = snapshot.file_of(warehouse, earlier)
    with snapshot.attached(path) as now, snapshot.attached(other) as then:
        drift = compare(now, then)
        now.execute(f"attach {literal(other)} as before (read_only)")
        return Comparison(earlier, drift, _tags(now), _rules(now), _moves(now))


def _tags(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int]]:
    """Path, customers now and before, of the tags that either has."""
    return connection.execute(
        "select path, coalesce(now.customers, 0), coalesce(earlier.customers, 0)"
        " from snapshot.populations as now full join before.populations as earlier using (path)"
        " order by path"
    ).fetchall()


def _rules(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int]]:
    """Rule that decided who leads, customers now and before."""
    return connection.execute(
        "select coverage_rule, count(*) filter (where side = 1), count(*) filter (where side = 0)"
        " from (select coverage_rule, 1 as side from snapshot.customers union all"
        " select coverage_rule, 0 from before.customers) where coverage_rule is not null"
        " group by coverage_rule order by 2 desc, 1"
    ).fetchall()


def _moves(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many customers came, went, and changed branch or manager."""
    row = connection.execute(
        "select count(*) filter (where earlier.customer_id is null),"
        " count(*) filter (where now.customer_id is null),"
        " count(*) filter (where now.lead_branch_id <> earlier.lead_branch_id),"
        " count(*) filter (where now.lead_branch_id = earlier.lead_branch_id"
        " and now.lead_manager_id is distinct from earlier.lead_manager_id)"
        " from (select customer_id, lead_branch_id, lead_manager_id from snapshot.customers) as now"
        " full join (select customer_id, lead_branch_id, lead_manager_id from before.customers)"
        " as earlier on earlier.customer_id = now.customer_id"
    ).fetchone()
    return dict(zip(("new", "gone", "branch", "manager"), row or (0, 0, 0, 0), strict=True))
