"""The planted cases, family by family."""

from bank_simulator.cases import (
    churn,
    contacts,
    coverage,
    coverage_credit,
    due,
    key_customers,
    live,
    movements,
    potential_credit,
    potential_deposits,
    potential_wealth,
    reminders,
    tiers,
)
from bank_simulator.cases.prototype import Case, Dates

_FAMILIES = (
    coverage, coverage_credit, key_customers, due, contacts, movements, potential_deposits,
    potential_credit, potential_wealth, churn, tiers, reminders, live,
)  # fmt: skip


def all_cases(dates: Dates) -> tuple[Case, ...]:
    """Every planted case of a period, always in the same order."""
    return tuple(case for family in _FAMILIES for case in family.cases(dates))
