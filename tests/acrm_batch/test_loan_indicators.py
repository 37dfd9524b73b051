"""Loan indicators of a small bank, computed by hand."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch, batch_over
from tests.databases import PostgresDatabase

DAY = date(2026, 2, 3)


def instalment(bank: Bank, number: int, due_on: date, paid_on: date | None) -> None:
    """An instalment of loan 21 of 100.00 and 4.50 of interest."""
    bank.add("loan_schedules", loan_id=21, instalment_no=number, due_on=due_on,
             principal=Decimal(100), interest=Decimal("4.50"), paid_on=paid_on)  # fmt: skip


@pytest.fixture(scope="module")
def run(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    """Customer 1 repays 100.00 of loan 21 a month and renews loan 22 with loan 23 at A; customer 2
    has his first loan at B, and an older one at C."""
    folder = tmp_path_factory.mktemp("loans")
    bank = Bank(folder / "landing", FIRST)
    bank.customer(1)
    bank.customer(2, home="C")
    state = {"rate": Decimal("0.05"), "matures_on": date(2026, 4, 1),
             "next_due_on": date(2026, 3, 1), "next_due_amount": Decimal("104.50")}  # fmt: skip
    bank.loan(21, 1, "A", balance=Decimal(700), product="farm", collateral="pledge", **state)
    bank.add("loans", date(2026, 2, 1), **dict(bank.rows["loans"][-1][1], balance=Decimal(600)))
    instalment(bank, 1, date(2025, 12, 1), date(2025, 12, 1))
    instalment(bank, 2, date(2026, 1, 1), date(2026, 1, 1))
    instalment(bank, 3, date(2026, 2, 1), date(2026, 2, 1))
    instalment(bank, 4, date(2026, 3, 1), None)
    bank.loan(22, 1, "A", matures_on=date(2026, 2, 2))
    settled = dict(bank.rows["loans"][-1][1], status="settled", balance=Decimal(0),
                   settled_on=date(2026, 2, 2))  # fmt: skip
    bank.add("loans", date(2026, 2, 2), **settled)
    granted = {"rate": Decimal("0.02"), "granted_on": DAY, "amount": Decimal(2400),
               "balance": Decimal(2400), "matures_on": date(2026, 2, 20),
               "product": "mortgage", "collateral": "guarantee"}  # fmt: skip
    bank.loan(23, 1, "A", **granted)
    bank.rows["loans"][-1] = (DAY, bank.rows["loans"][-1][1])
    bank.loan(24, 2, "B", granted_on=date(2026, 1, 20))
    bank.rows["loans"][-1] = (date(2026, 1, 20), bank.rows["loans"][-1][1])
    bank.loan(25, 2, "C", matures_on=date(2026, 2, 1), collateral="credit")
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        crm.run(DAY, selectors=("mart_customer_branches", "ind_loans_orgs"))
        yield crm


def test_averages_weigh_what_runs_by_its_days(run: Batch) -> None:
    assert run.rows("mart_customers", DAY, "loan_avg_m, loan_avg_y", "customer_id") == [
        (
            Decimal("1733.33"),  # (3 * 600 + 1 * 1000 + 1 * 2400) / 3
            Decimal("1702.94"),  # (31 * 700 + 3 * 600 + 32 * 1000 + 2400) / 34
        ),
        (Decimal("2000.00"), Decimal("1441.18")),  # (34 + 15) * 1000 / 34
    ]


def test_what_was_granted_repaid_and_settled(run: Batch) -> None:
    columns = (
        "loan_disbursed_m, loan_disbursed_y, loan_granted_m, loan_granted_y, loan_repaid_m,"
        " loan_repaid_y, loan_interest_m, loan_interest_y, loan_settled_m, loan_settled_y"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id") == [
        (2400, 2400, 1, 1, 100, 200, Decimal("4.50"), 9, 1, 1),
        (0, 1000, 0, 1, 0, 0, 0, 0, 0, 0),
    ]


def test_what_falls_due(run: Batch) -> None:
    columns = (
        "loan_due_30d, loan_maturing_30d, loan_maturing_90d, loan_next_matures_on,"
        " loan_last_granted_on"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id")[0] == (
        Decimal("104.50"), 2400, 3000, date(2026, 2, 20), DAY,
    )  # fmt: skip


def test_rates_are_weighed_by_balance(run: Batch) -> None:
    assert run.rows("mart_customers", DAY, "loan_rate_avg", "customer_id") == [
        Decimal("0.0260"),  # (600 * 5 % + 2400 * 2 %) / 3000
        None,
    ]


def test_a_matured_loan_is_renewed_by_another_one_at_the_branch(run: Batch) -> None:
    columns = "loan_matured_m, loan_renewed_m, loan_renewal_rate_m"
    assert run.rows("mart_customers", DAY, columns, "customer_id") == [(1, 1, 1), (1, 0, 0)]


def test_a_borrower_is_new_where_he_had_no_loan_before(run: Batch) -> None:
    columns = "org_id, loan_new_cust_m, loan_new_cust_y, loan_disbursed_y"
    found = [
        row for row in run.rows("ind_loans_orgs", DAY, f"grain, {columns}") if row[0] != "manager"
    ]
    assert found == [
        ("branch", "A", 0, 0, 2400),
        ("branch", "B", 0, 1, 1000),
        ("branch", "C", 0, 0, 0),
        ("legal_entity", "L1", 0, 1, 3400),
        ("legal_entity", "L2", 0, 0, 0),
        ("union", "", 0, 0, 3400),
    ]


def test_loans_are_told_apart_by_product(run: Batch) -> None:
    columns = (
        "loan_mortgage_bal, loan_farm_bal, loan_other_bal, loan_other_cnt, loan_farm_cnt,"
        " loan_consumer_bal + loan_small_business_bal + loan_working_capital_bal, loan_bal"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id") == [
        (2400, 600, 0, 0, 1, 0, 3000),
        (0, 0, 2000, 2, 0, 0, 2000),
    ]


def test_the_collateral_is_that_of_the_largest_loan_of_equal_ones_of_the_first(run: Batch) -> None:
    found = run.rows("mart_customers", DAY, "loan_collateral", "customer_id")
    assert found == ["guarantee", "credit"]
    at_branches = run.rows(
        "mart_customer_branches", DAY, "branch_id, loan_collateral", "customer_id, branch_id"
    )
    assert at_branches == [("A", "guarantee"), ("B", None), ("C", "credit")]
