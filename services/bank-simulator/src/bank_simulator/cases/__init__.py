"""The planted cases, family by family."""

from bank_simulator.cases import contacts, coverage, coverage_credit, due, key_customers, movements
from bank_simulator.cases.prototype import Case, Dates


def all_cases(dates: Dates) -> tuple[Case, ...]:
    """Every planted case of a period, always in the same order."""
    families = (coverage, coverage_credit, key_customers, due, contacts, movements)
    return tuple(case for family in families for case in family.cases(dates))
