"""Who leads: the rules of docs/rules.md on banks made for them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch

JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)


def coverage(crm: Batch, bank: Bank, day: date) -> list[tuple[str, str, str, str]]:
    """Branch, role, manager and rule of every row, after running the day."""
    bank.deliver(day)
    crm.run(day, selectors=("int_coverage", "int_key_customers"))
    return crm.rows("int_coverage", day, "branch_id, role, manager_id, rule")


def leads(crm: Batch, day: date) -> list[str]:
    """The lead branch of every customer."""
    return crm.rows("int_lead_decisions", day, "lead_branch_id", "customer_id")


def test_largest_average_leads_and_the_others_assist(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 100)
    bank.account(12, 1, "B", 200)
    bank.manager(1, "A", "E1")
    assert coverage(crm, bank, date(2026, 1, 20)) == [
        ("A", "assist", "E1", "deposit"),
        ("B", "lead", "V:B", "deposit"),
    ]


def test_ties_go_to_the_earlier_relationship_then_to_the_lower_branch(
    bank: Bank, crm: Batch
) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 100, opened_on=date(2019, 1, 2))
    bank.account(12, 1, "B", 100, opened_on=date(2019, 1, 1))
    bank.customer(2)
    bank.account(21, 2, "B", 100)
    bank.account(22, 2, "A", 100)
    bank.deliver(JANUARY)
    crm.run(JANUARY, selectors=("int_coverage",))
    assert leads(crm, JANUARY) == ["B", "A"]


@pytest.mark.parametrize(
    ("challenger", "expected"), [("1099.99", "A"), ("1100.00", "B"), ("1100.01", "B")]
)
def test_the_lead_moves_at_ten_percent_on_two_month_ends(
    bank: Bank, crm: Batch, challenger: str, expected: str
) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", "1000.00")
    bank.account(12, 1, "B", "0.00")
    # Whole averaging windows of both later month ends hold the new balance.
    bank.move(12, date(2026, 1, 30), challenger)
    bank.deliver(date(2026, 4, 1))
    for day in (JANUARY, FEBRUARY, date(2026, 3, 30)):
        crm.run(day, selectors=("int_coverage",))
        assert leads(crm, day) == ["A"]
    crm.run(MARCH, selectors=("int_coverage",))
    assert leads(crm, MARCH) == [expected]
    crm.run(date(2026, 4, 1), selectors=("int_coverage",))
    assert leads(crm, date(2026, 4, 1)) == [expected]


def test_one_month_end_above_and_back_does_not_move_the_lead(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 1000)
    bank.account(12, 1, "B", 0)
    bank.move(12, date(2026, 1, 30), 5000)
    bank.move(12, date(2026, 3, 1), -5000)
    bank.move(12, date(2026, 4, 1), 5000)
    bank.deliver(date(2026, 4, 30))
    crm.run(date(2026, 4, 30), selectors=("int_coverage",))
    assert leads(crm, date(2026, 4, 30)) == ["A"]


def test_a_lead_without_open_account_is_replaced_at_once(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 1000)
    bank.account(12, 1, "B", 10)
    bank.account(13, 1, "C", 20)
    closed = date(2026, 2, 10)
    bank.move(11, closed, -1000)
    account = bank.rows["deposit_accounts"][0][1]
    bank.add("deposit_accounts", closed, **account | {"closed_on": closed})
    bank.deliver(closed)
    for day, lead in ((closed - timedelta(days=1), "A"), (closed, "C")):
        crm.run(day, selectors=("int_coverage",))
        assert leads(crm, day) == [lead]


def test_the_larger_loan_leads_before_card_and_deposit(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 9999)
    bank.loan(21, 1, "B", balance=Decimal(500), manager_id="E2")
    bank.loan(22, 1, "C", balance=Decimal(600), manager_id="E3")
    bank.card(31, 1, "C", manager_id="E4")
    bank.card(32, 1, "B", manager_id="E5")
    assert coverage(crm, bank, FIRST) == [
        ("A", "assist", "V:A", "loan"),
        ("B", "assist", "E2", "loan"),
        ("C", "assist", "E4", "loan"),
        ("C", "lead", "E3", "loan"),
    ]


@pytest.mark.parametrize(("age", "rule"), [(89, "loan_settled"), (90, "deposit")])
def test_a_settled_loan_leads_for_ninety_days(bank: Bank, crm: Batch, age: int, rule: str) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 10)
    settled_on = FIRST - timedelta(days=age)
    bank.loan(21, 1, "B", status="settled", settled_on=settled_on, balance=Decimal(0))
    assert {row[3] for row in coverage(crm, bank, FIRST)} == {rule}


def test_a_lock_holds_until_its_day_and_the_natural_lead_assists(bank: Bank, crm: Batch) -> None:
    bank.customer(1, home="A")
    bank.lock(1, "C", until=date(2026, 1, 3))
    assert coverage(crm, bank, date(2026, 1, 2)) == [
        ("A", "assist", "V:A", "locked"),
        ("C", "lead", "V:C", "locked"),
    ]
    bank.deliver(date(2026, 1, 3), since=date(2026, 1, 3))
    crm.run(date(2026, 1, 3), selectors=("int_coverage",))
    assert leads(crm, date(2026, 1, 3)) == ["A"]


def test_a_manager_who_left_is_passed_over(bank: Bank, crm: Batch) -> None:
    bank.employee("E1", left_on=FIRST)
    bank.employee("E2")
    bank.customer(1)
    bank.loan(21, 1, "B", manager_id="E1")
    bank.manager(1, "B", "E2")
    bank.customer(2)
    bank.loan(22, 2, "B", manager_id="E1")
    bank.manager(2, "B", "E1")
    assert coverage(crm, bank, FIRST) == [("B", "lead", "E2", "loan"), ("B", "lead", "V:B", "loan")]


def test_customers_without_business_stay_with_their_home_and_invalid_ones_with_nobody(
    bank: Bank, crm: Batch
) -> None:
    bank.customer(1, home="B")
    bank.customer(2, status="invalid")
    bank.account(21, 2, "A", 10)
    assert coverage(crm, bank, FIRST) == [("B", "lead", "V:B", "registered")]


@pytest.mark.parametrize(("deposit", "is_key"), [("500000.00", True), ("499999.99", False)])
def test_key_customers_by_deposits(bank: Bank, crm: Batch, deposit: str, is_key: bool) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", deposit)
    coverage(crm, bank, date(2026, 1, 30))
    assert bool(crm.rows("int_key_customers", date(2026, 1, 30), "customer_id")) is is_key


@pytest.mark.parametrize(
    ("trouble", "is_key"),
    [
        ({}, True),
        ({"last_overdue_on": FIRST - timedelta(days=365)}, True),
        ({"last_overdue_on": FIRST - timedelta(days=364)}, False),
        ({"interest_arrears": Decimal("0.01")}, False),
        ({"days_overdue": 1}, False),
    ],
)
def test_key_customers_by_loans(
    bank: Bank, crm: Batch, trouble: dict[str, object], is_key: bool
) -> None:
    bank.customer(1)
    bank.loan(21, 1, "A", balance=Decimal(1_000_000))
    bank.loan(22, 1, "A", status="settled", balance=Decimal(0), **trouble)
    coverage(crm, bank, FIRST)
    assert bool(crm.rows("int_key_customers", FIRST, "customer_id")) is is_key
