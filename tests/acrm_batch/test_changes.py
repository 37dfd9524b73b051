"""Changes of ratios and of numbers of customers, which do not add up, at organisations."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from acrm_batch.project import Project
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch, batch_over
from tests.databases import PostgresDatabase

DAY = date(2026, 2, 3)
MONTH_START = date(2026, 1, 31)


@pytest.fixture(scope="module")
def run(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    """1 leaves A; 2, of A, comes to C too and borrows there; the loan of 3 at C goes bad."""
    folder = tmp_path_factory.mktemp("changes")
    bank = Bank(folder / "landing", FIRST)
    for customer, home in ((1, "A"), (2, "A"), (3, "C")):
        bank.customer(customer, home=home)
    bank.account(11, 1, "A")
    account = bank.rows["deposit_accounts"][-1][1]
    bank.add("deposit_accounts", date(2026, 2, 2), **account | {"closed_on": date(2026, 2, 2)})
    bank.account(12, 2, "A", 300)
    bank.account(13, 2, "C", opened_on=date(2026, 1, 20), product="time")
    bank.move(12, date(2026, 2, 1), -100)
    bank.move(13, date(2026, 2, 1), 100)
    bank.loan(21, 1, "A", credit_line=Decimal(4000))
    loan = bank.rows["loans"][-1][1]
    gone = {"status": "settled", "balance": Decimal(0), "settled_on": date(2026, 2, 1)}
    bank.add("loans", date(2026, 2, 1), **loan | gone)
    bank.loan(22, 2, "C", balance=Decimal(3000), granted_on=date(2026, 1, 10))
    bank.rows["loans"][-1] = (date(2026, 1, 10), bank.rows["loans"][-1][1])
    bank.loan(23, 3, "C")
    bank.add("loans", date(2026, 2, 1), **bank.rows["loans"][-1][1] | {"five_tier": "doubtful"})
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        for day in (MONTH_START, DAY):
            crm.run(day, selectors=("mart_organisations", "mart_managers"))
        yield crm


def test_customers_who_came_and_went(run: Batch) -> None:
    columns = "org_id, dep_cust_cnt_chg_d, dep_cust_cnt_chg_m, dep_cust_cnt_chg_y"
    assert run.rows("mart_organisations", DAY, columns, "org_id") == [
        ("A", 0, -1, -1),
        ("B", 0, 0, 0),
        ("C", 0, 0, 1),
        ("L1", 0, -1, -1),
        ("L2", 0, 0, 1),
        ("U", 0, -1, -1),
    ]
    columns = "org_id, loan_cust_cnt_chg_m, loan_npl_cust_cnt_chg_d, loan_npl_cust_cnt_chg_m"
    assert run.rows("mart_organisations", DAY, columns, "org_id")[2:] == [
        ("C", 0, 0, 1),
        ("L1", -1, 0, 0),
        ("L2", 0, 0, 1),
        ("U", -1, 0, 1),
    ]


def test_ratios_against_month_and_year_start(run: Batch) -> None:
    columns = (
        "org_id, loan_npl_ratio_chg_m, loan_util_chg_m, loan_util_chg_y, dep_demand_share_chg_m"
    )
    assert run.rows("mart_organisations", DAY, columns, "org_id") == [
        ("A", None, None, None, Decimal(0)),
        ("B", None, None, None, None),
        # 1000 of 4000 is bad now; 4000 of 2000 is used now and then, 1000 of 1000 on the first day.
        ("C", Decimal("0.25"), Decimal(0), Decimal(1), None),
        ("L1", None, None, None, Decimal(0)),
        ("L2", Decimal("0.25"), Decimal(0), Decimal(1), None),
        # 4000 of 2000 now, 5000 of 6000 then, 2000 of 5000 on the first day; 200 of 300 on demand.
        ("U", Decimal("0.25"), Decimal("1.1667"), Decimal("1.6"), Decimal("-0.3333")),
    ]


def test_a_change_is_the_published_figure_less_that_of_the_day(run: Batch) -> None:
    codes = [
        one.column for one in Project.load().catalogue.indicators
        if one.column.endswith("_chg_m") and one.beside
    ]  # fmt: skip
    assert len(codes) == 16
    for code in codes:
        figure = f"org_id, {code.removesuffix('_chg_m')}"
        before = dict(run.rows("mart_organisations", MONTH_START, figure))
        now = dict(run.rows("mart_organisations", DAY, figure))
        assert dict(run.rows("mart_organisations", DAY, f"org_id, {code}")) == {
            org: None if None in (now[org], before[org]) else now[org] - before[org] for org in now
        }, code


def test_managers_are_compared_over_the_customers_they_have_today(run: Batch) -> None:
    columns = "branch_id, dep_cust_cnt_chg_m, loan_npl_ratio_chg_m"
    assert run.rows("mart_managers", DAY, columns, "branch_id") == [
        ("A", -1, None),
        ("C", 0, Decimal("0.25")),
    ]


def test_what_was_published_is_compared_in_the_marts(run: Batch) -> None:
    columns = "org_id, cust_holder_cnt_chg_m, cust_holder_cnt_chg_y, cov_assist_cnt_chg_m"
    assert ("A", -1, None, 0) in run.rows("mart_organisations", DAY, columns, "org_id")
    columns = "branch_id, cust_holder_cnt_chg_m, cust_holder_cnt_chg_y"
    assert ("A", -1, None) in run.rows("mart_managers", DAY, columns, "branch_id")
