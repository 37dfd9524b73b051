"""Active weeks and turnover, carried by month, are what the whole ledger says."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm_shared.business_calendar import days
from tests.acrm_batch.bank import Bank, Row
from tests.acrm_batch.conftest import Batch

#: A Wednesday. The month ends after it lie within a week: a Wednesday, two Saturdays, a Tuesday.
FIRST = date(2025, 12, 17)
MONTH_ENDS = (date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31))
MONDAY = date(1970, 1, 5)

#: What the bank books itself, and what takes another booking back: no activity.
SILENT: tuple[Row, ...] = (
    {"channel": "system"},
    {"txn_type": "interest"},
    {"txn_type": "fee"},
    {"txn_type": "sanction_interest"},
    {"reverses_txn_id": 1001},
)

LOUD: tuple[Row, ...] = ({}, {"txn_type": "payroll"}, {"channel": "mobile"})


@pytest.fixture
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Customer 1 books every fifth day on two accounts, 2 on both sides of the month ends alone, 3
    from February on, 4 in January alone; 5 is only booked on by the bank."""
    bank = Bank(tmp_path_factory.mktemp("weeks") / "landing", FIRST)
    for customer in range(1, 7):
        bank.customer(customer)
        bank.account(customer * 10, customer, "A", 1000)
    bank.account(11, 1, "B", 1000)
    for number, on in enumerate(days(FIRST, MONTH_ENDS[-1])):
        bank.move(50, on, 1, **SILENT[number % 5])
        if number % 5 == 0:
            bank.move(10, on, f"-{number}.25", **LOUD[number % 3])
            bank.move(11, on, number + 1, **LOUD[number % 2])
            bank.move(10, on, 3, **SILENT[number % 4])
        if on in MONTH_ENDS or on - timedelta(1) in MONTH_ENDS:
            bank.move(20, on, "7.70")
        if number % 6 == 0 and on >= date(2026, 2, 1):
            bank.move(30, on, "0.01")
        if number % 7 == 0 and on.month == 1:
            bank.move(40, on, -2)
    bank.deliver(MONTH_ENDS[-1])
    return bank


def counted(bank: Bank, until: date) -> list[tuple[int, int, int, int, Decimal]]:
    """From the first booking on: customer, first and last week, weeks and turnover."""
    found: dict[int, list[tuple[int, Decimal]]] = {}
    for on, row in bank.rows["transactions"]:
        is_silent = (
            row["channel"] == "system"
            or row["txn_type"] in ("interest", "fee", "sanction_interest")
            or row.get("reverses_txn_id")
        )
        if on <= until and not is_silent:
            week = (on - MONDAY).days // 7
            found.setdefault(row["customer_id"], []).append((week, row["amount"]))
    return [
        (customer, min(weeks)[0], max(weeks)[0], len({week for week, _ in weeks}),
         sum((amount for _, amount in weeks), Decimal(0)))
        for customer, weeks in sorted(found.items())
    ]  # fmt: skip


COLUMNS = "customer_id, first_week, last_week, active_weeks, turnover"


def test_what_is_carried_is_what_the_whole_ledger_says(bank: Bank, crm: Batch) -> None:
    for day in MONTH_ENDS:
        crm.run(day, selectors=("int_active_weeks",))
        assert crm.rows("int_active_weeks", day, COLUMNS) == counted(bank, day)


def test_a_month_that_is_delivered_again_is_carried_anew(bank: Bank, crm: Batch) -> None:
    crm.run(MONTH_ENDS[-1], selectors=("int_active_weeks",))
    late = date(2026, 1, 8)
    bank.move(60, late, 9)
    del bank.rows["transactions"][1]  # money that customer 1 booked on the first day
    bank.deliver(MONTH_ENDS[-1])
    crm.run(MONTH_ENDS[-1], selectors=("int_active_weeks",))
    for day in MONTH_ENDS:
        assert crm.rows("int_active_weeks", day, COLUMNS) == counted(bank, day)
