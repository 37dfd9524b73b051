"""Build a bank: decide the truth, make the data that makes it true, deliver it day by day."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from bank_simulator import answers, calendar, names
from bank_simulator.cases import all_cases
from bank_simulator.cases.plant import plant
from bank_simulator.database import Value, open_workshop, run_sql, set_variable
from bank_simulator.extracts import Delivery
from bank_simulator.output import prepare_folder, readable_disk_errors
from bank_simulator.plan import Plan
from crm_shared.festivals import FESTIVALS

#: Told after every step: what was done, and which share of the whole is done.
Progress = Callable[[str, float], None]

_PLAN_STEPS = (
    "people", "deposits", "credit", "services", "assignments", "planned", "campaigns", "states",
    "contacts", "answers", "answers_reminders", "answers_campaigns", "workplace",
)  # fmt: skip


def generate(plan: Plan, out: Path, progress: Progress = lambda step, share: None) -> int:
    """Write the bank of `plan` under the new or empty folder `out`; returns the ledger's rows."""
    plan.check()
    prepare_folder(out)
    workshop = out / ".workshop"
    with readable_disk_errors(out):
        workshop.mkdir()
        try:
            with open_workshop(workshop) as connection:
                return _build(connection, plan, out, progress)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)


def _build(connection: duckdb.DuckDBPyConnection, plan: Plan, out: Path, progress: Progress) -> int:
    _decide(connection, plan, progress)
    answers.write(connection, plan, out)
    answers.write_live(connection, out)
    rows = 0
    with Delivery(connection, plan, out) as delivery:
        for index, start in enumerate(plan.months):
            first, last = _set_month(connection, plan, index, start)
            run_sql(connection, "month")
            progress(f"{first:%Y-%m} ledger", 0.15 + 0.85 * (index + 0.5) / len(plan.months))
            rows += delivery.month(first, last)
            progress(f"{first:%Y-%m} delivered", 0.15 + 0.85 * (index + 1) / len(plan.months))
    return rows


def _decide(connection: duckdb.DuckDBPyConnection, plan: Plan, progress: Progress) -> None:
    cases = all_cases(plan.dates)
    variables: dict[str, Value] = {
        "seed": plan.seed, "customers": plan.customers, "entities": plan.entities,
        "copies": plan.copies, "case_customers": len(cases) * plan.copies, "span": plan.span,
        "months": len(plan.months), "from": plan.first, "to": plan.last, "as_of": plan.as_of,
        "m0": plan.months, "surnames": names.SURNAMES, "given": names.GIVEN,
        "trades": names.TRADES, "banks": names.OTHER_BANKS,
    }  # fmt: skip
    variables |= plan.parameters.variables()
    variables |= {
        "festival_codes": [festival.code for festival in FESTIVALS],
        "festival_days": [festival.day for festival in FESTIVALS],
    }
    for name, value in variables.items():
        set_variable(connection, f'"{name}"', value)
    run_sql(connection, "macros")
    run_sql(connection, "world")
    plant(connection, cases, plan.dates)
    run_sql(connection, "cases")
    for done, step in enumerate(_PLAN_STEPS):
        run_sql(connection, step)
        progress(f"decided {step}", 0.15 * (done + 1) / len(_PLAN_STEPS))
    connection.execute(
        "CREATE TEMP TABLE standing AS SELECT account_id, opening AS balance FROM account"
    )


def _set_month(
    connection: duckdb.DuckDBPyConnection, plan: Plan, index: int, start: date
) -> tuple[date, date]:
    end = (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    first, last = max(start, plan.first), min(end, plan.last)
    wheel = calendar.wheel_of_days(start, end)
    variables: dict[str, Value] = {
        "m_index": index + 1, "m_start": start, "m_first": first, "m_last": last,
        "m_wheel": wheel, "m_wheel_size": len(wheel), "m_season": calendar.season_pct(start),
    }  # fmt: skip
    for name, value in variables.items():
        set_variable(connection, name, value)
    return first, last
