"""How useful each rule is: what became of the reminders that it raised in a period.

A reminder counts once, where its customer is led; what was raised again counts with its last life.
"""

from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared.clock import BANK_ZONE
from ocrm_api.db import fetch
from ocrm_api.languages import Language
from ocrm_api.reminders import texts
from ocrm_api.reminders.models import Reminder
from ocrm_api.reminders.outcomes import OUTCOMES
from ocrm_api.reminders.transitions import LIVE
from ocrm_api.scope import Scope, within

Grouping = Literal["rule", "branch"]
#: Of days; a year with its leap day.
LONGEST_PERIOD = 366


async def by_rule(
    session: AsyncSession, scope: Scope, first: date, last: date, grouping: Grouping
) -> list[dict[str, Any]]:
    """Counts of what was raised on these days of the bank, by rule, or by rule and branch."""
    return await fetch(session, of_period(scope, first, last, grouping))


def of_period(scope: Scope, first: date, last: date, grouping: Grouping) -> Select[Any]:
    """The query of `by_rule`."""
    groups: list[ColumnElement[Any]] = [Reminder.rule_code.expression]
    if grouping == "branch":
        groups.append(Reminder.lead_branch_id.expression)
    waited = func.extract("epoch", Reminder.acknowledged_at - Reminder.received_at)
    return (
        select(
            *groups,
            func.count().label("raised"),
            func.count(Reminder.seen_at).label("seen"),
            func.count(Reminder.acknowledged_at).label("acknowledged"),
            func.count().filter(Reminder.status.in_(LIVE)).label("live"),
            *(
                func.count().filter(Reminder.status == status).label(status)
                for status in ("done", "withdrawn", "expired")
            ),
            *(func.count().filter(Reminder.outcome_code == code).label(code) for code in OUTCOMES),
            func.percentile_cont(0.5).within_group(waited).label("median"),
        )
        .where(
            within(Reminder.lead_branch_id.expression, scope),
            Reminder.raised_at >= _midnight(first),
            Reminder.raised_at < _midnight(last + timedelta(days=1)),
        )
        .group_by(*groups)
        .order_by(*groups)
    )


def shown(row: dict[str, Any], language: Language) -> dict[str, Any]:
    """A row with the rule's name, its outcomes by code, and the share of useful ones."""
    outcomes = {code: row[code] for code in OUTCOMES}
    useful = sum(count for code, count in outcomes.items() if OUTCOMES[code].useful)
    useless = sum(count for code, count in outcomes.items() if OUTCOMES[code].useful is False)
    counts = ("raised", "seen", "acknowledged", "live", "done", "withdrawn", "expired")
    return {
        "rule_code": row["rule_code"],
        "rule_name": texts.title(row["rule_code"], language),
        "branch_id": row.get("lead_branch_id"),
        **{name: row[name] for name in counts},
        "outcomes": outcomes,
        "useful_share": round(useful / (useful + useless), 4) if useful + useless else None,
        "median_seconds_to_acknowledge": None if row["median"] is None else round(row["median"]),
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), BANK_ZONE)
