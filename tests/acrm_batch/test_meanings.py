"""What indicators and tags of one name say of one another."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch, batch_over
from tests.databases import PostgresDatabase

DAY = date(2026, 2, 3)


@pytest.fixture(scope="module")
def run(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    """A depositor with a fund, a borrower, and two of other occupations."""
    folder = tmp_path_factory.mktemp("meanings")
    bank = Bank(folder / "landing", FIRST)
    bank.customer(1, occupation="worker")
    bank.account(11, 1, "A", 50)
    bank.account(12, 1, "A", 30, product="time")
    bank.account(13, 1, "A", 20, product="certificate")
    bank.move(11, date(2026, 2, 2), 60_000, txn_type="interest", channel="system")
    bank.move(11, date(2026, 2, 2), -60_000, txn_type="cash_out")
    bank.add("wealth_holdings", holding_id=1, customer_id=1, branch_id="A", kind="fund",
             product="f", amount=Decimal(9), currency="CNY", bought_on=FIRST)  # fmt: skip
    bank.customer(2, occupation="astronaut", home="B")
    bank.loan(21, 2, "B")
    bank.customer(3)
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        crm.run(DAY, selectors=("tag_customers", "mart_organisations"))
        yield crm


def test_shares_of_deposits_come_to_one(run: Batch) -> None:
    columns = "dep_demand_share, dep_time_share, dep_cert_share"
    shares = (Decimal("0.5"), Decimal("0.3"), Decimal("0.2"))
    assert run.rows("mart_customers", DAY, columns, "customer_id")[0] == shares


def test_a_fund_is_an_investment_and_no_wealth_product(run: Batch) -> None:
    columns = "invested_cnt, wealth_bal, fund_bal"
    assert run.rows("mart_customers", DAY, columns, "customer_id")[0] == (1, 0, 9)
    columns = "org_id, invested_cust_cnt, wealth_cust_cnt, fund_cust_cnt"
    assert ("U", 1, 0, 1) in run.rows("mart_organisations", DAY, columns)
    assert run.rows("tag_customers", DAY, "tag_in_bank_invested", "customer_id")[0] is True


def test_an_average_of_no_accounts_is_unknown(run: Batch) -> None:
    found = run.rows("mart_customers", DAY, "dep_per_acct", "customer_id")
    assert found == [Decimal("33.33"), None, None]
    organisations = dict(run.rows("mart_organisations", DAY, "org_id, dep_per_acct"))
    assert (organisations["B"], organisations["U"]) == (None, Decimal("33.33"))


def test_an_occupation_that_is_not_listed_is_another(run: Batch) -> None:
    columns = "tag_basic_occupation_employed, tag_basic_occupation_other"
    found = run.rows("tag_customers", DAY, columns, "customer_id")
    assert found == [(True, False), (False, True), (False, False)]


def test_interest_is_no_new_money(run: Batch) -> None:
    columns = "tag_value_deposit_trend_new_money, tag_value_deposit_trend_outflow"
    assert run.rows("tag_customers", DAY, columns, "customer_id")[0] == (False, True)
    assert run.rows("mart_customers", DAY, "dep_chg_m", "customer_id")[0] == 0
