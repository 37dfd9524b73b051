"""What the ledger remembers of runs, for people: which ran, how they ended, what each step took."""

from datetime import date
from typing import Any

from psycopg.rows import dict_row

from acrm_batch.ledger import Ledger

Rows = list[dict[str, Any]]

_RUN = """
select r.run_id, r.business_date, r.command, r.outcome, r.started_at, r.finished_at,
    extract(epoch from coalesce(r.finished_at, clock_timestamp()) - r.started_at)::numeric(10,1)
        as seconds,
    (select count(*) from acrm.steps s where s.run_id = r.run_id and s.outcome = 'made') as made,
    (select count(*) from acrm.audits a where a.run_id = r.run_id
        and a.failed_rows > 0 and a.severity = 'error') as audits_failed,
    (select count(*) from acrm.audits a where a.run_id = r.run_id
        and a.failed_rows > 0 and a.severity = 'warn') as audits_warned,
    exists (select from acrm.publications p where p.run_id = r.run_id) as published,
    r.message
from acrm.runs r
"""

_DID_SOMETHING = (
    "exists (select from acrm.steps s where s.run_id = r.run_id)"
    " or r.outcome not in ('ok', 'running', 'not_ready') desc"
)


def recent_runs(ledger: Ledger, limit: int) -> Rows:
    """The last runs, newest first. `published`: what readers see of the date is this run's."""
    return _rows(ledger, _RUN + " order by r.started_at desc limit %s", limit)


def last_run(ledger: Ledger, business_date: date) -> dict[str, Any] | None:
    """The last run of a date that made, failed or published something, else the last at all."""
    return _last(ledger, business_date, _DID_SOMETHING)


def night_of(ledger: Ledger, business_date: date) -> dict[str, Any] | None:
    """The same, which is an audit that somebody asked for only where nothing else ran: it makes
    nothing, and what the night did is still what there is to tell of the date."""
    return _last(ledger, business_date, f"r.command <> 'audit' desc, {_DID_SOMETHING}")


def _last(ledger: Ledger, business_date: date, order: str) -> dict[str, Any] | None:
    query = f"{_RUN} where r.business_date = %s order by {order}, r.started_at desc limit 1"
    found = _rows(ledger, query, business_date)
    return found[0] if found else None


def is_worth_a_report(ledger: Ledger, run_id: object) -> bool:
    """Whether a run made, blocked or published something, or failed otherwise than by waiting; an
    audit that somebody asked for is none of these."""
    return bool(
        _rows(
            ledger,
            "select 1 from acrm.runs r where r.run_id = %s and r.command <> 'audit'"
            " and (r.outcome not in"
            " ('ok', 'not_ready') or exists (select from acrm.steps s where s.run_id = r.run_id)"
            " or exists (select from acrm.publications p where p.run_id = r.run_id))", run_id,
        )
    )  # fmt: skip


def steps_of(ledger: Ledger, run_id: object) -> Rows:
    """The steps of a run, in the order in which they ended."""
    return _rows(
        ledger,
        "select model, as_of, outcome, seconds, rows, reason from acrm.steps where run_id = %s"
        " order by at, as_of, model", run_id,
    )  # fmt: skip


def audits_of(ledger: Ledger, run_id: object) -> Rows:
    """The audits of a run: failed ones first, those that block before those that warn."""
    return _rows(
        ledger,
        "select model, as_of, audit, severity, failed_rows, sentence from acrm.audits"
        " where run_id = %s order by failed_rows = 0, severity, model, as_of, audit", run_id,
    )  # fmt: skip


def _rows(ledger: Ledger, query: str, *values: object) -> Rows:
    with (
        ledger.connection.transaction(),
        ledger.connection.cursor(row_factory=dict_row) as cursor,
    ):
        return cursor.execute(query.encode(), values).fetchall()
