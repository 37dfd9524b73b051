"""Contribution of a small bank, computed by hand from docs/rules/tiers.md."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch, batch_over
from tests.databases import PostgresDatabase

MONDAY, DAY = date(2026, 2, 2), date(2026, 2, 3)

#: Half a per cent, and what makes a margin of minus 1.35 %.
CHEAP, DEAR = Decimal("0.0005"), Decimal("0.0275")


def lend(bank: Bank) -> None:
    """At B a loan that is paid back on the third day, at A one that is not told the rate of."""
    loan = {"rate": Decimal("0.0435"), "settled_on": None}
    bank.loan(21, 1, "B", balance=Decimal(120000), **loan)
    bank.loan(22, 1, "A", balance=Decimal(36000), rate=None, five_tier="substandard")
    paid = dict(bank.rows["loans"][0][1])
    bank.add("loans", DAY, **{**paid, "balance": Decimal(0), "settled_on": DAY,
                              "status": "settled"})  # fmt: skip


@pytest.fixture(scope="module")
def run(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    """Three days of February; January does not count."""
    folder = tmp_path_factory.mktemp("contribution")
    bank = Bank(folder / "landing", FIRST)
    bank.customer(1)
    bank.account(11, 1, "A", 100_000, rate=CHEAP)
    bank.account(12, 1, "B", 36_000, product="time", rate=Decimal("0.02"))
    bank.account(13, 1, "B", 1000, closed_on=MONDAY)
    bank.move(11, date(2026, 1, 31), 5, channel="counter")
    bank.move(11, MONDAY, -7, txn_type="fee", channel="system")
    bank.move(11, DAY, -50, txn_type="purchase", channel="pos")
    mistaken = bank.numbers + 1
    bank.move(12, MONDAY, -3, txn_type="fee")
    bank.move(12, DAY, 3, txn_type="fee", reverses_txn_id=mistaken)
    bank.move(13, MONDAY, -1000, txn_type="deposit_close")
    lend(bank)
    bank.customer(2, home="C")
    bank.account(31, 2, "C", 400, rate=CHEAP)
    bank.account(32, 2, "A", 400, opened_on=date(2021, 1, 1), rate=DEAR)
    bank.customer(3, status="invalid")
    bank.account(41, 3, "C", 0)
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        crm.run(DAY, selectors=("mart_customers", "mart_organisations"))
        yield crm


def parts(run: Batch, customer: int, branch: str) -> object:
    """Margin of deposits and of loans, fees, cost and loss; and what they come to."""
    columns = "contrib_dep, contrib_loan, contrib_fee, contrib_cost, contrib_loss, contrib"
    rows = run.rows("ind_contribution", DAY, f"customer_id, branch_id, {columns}")
    [found] = [row[2:] for row in rows if row[:2] == (customer, branch)]
    return found


def test_an_account_earns_its_margin_and_fees_and_costs_its_bookings(run: Batch) -> None:
    assert parts(run, 1, "A") == (
        Decimal("11.25"),  # (100005 + 99998 + 99948) * (1.40 % - 0.05 %) / 360 = 11.24816…
        0,  # the loan is not told the rate of
        7,
        Decimal("1.50"),  # the account, and one booking at a point of sale; `system` is free
        Decimal("135.00"),  # 3 * 36000 * 100 % * 45 % / 360
        Decimal("-118.25"),
    )


def test_reversals_cost_and_give_back_and_a_loan_earns_while_it_runs(run: Batch) -> None:
    assert parts(run, 1, "B") == (
        Decimal("-0.90"),  # (36000 + 35997 + 36000) * (1.70 % - 2.00 %) / 360 = -0.899975
        Decimal("14.33"),  # 2 * 120000 * (4.35 % - 2.20 %) / 360 = 14.3333…
        0,
        16,  # the open account, and three bookings at the counter
        3,  # 2 * 120000 * 1 % * 45 % / 360
        Decimal("-5.57"),
    )


def test_half_a_cent_is_rounded_away_from_zero_for_every_account(run: Batch) -> None:
    # 3 * 400 * 1.35 % / 360 = 0.045
    assert parts(run, 2, "C") == (Decimal("0.05"), 0, 0, 1, 0, Decimal("-0.95"))
    assert parts(run, 2, "A") == (Decimal("-0.05"), 0, 0, 1, 0, Decimal("-1.05"))


def test_branches_add_up_to_the_customer_and_to_the_union(run: Batch) -> None:
    assert run.rows("mart_customers", DAY, "contrib", "customer_id") == [
        Decimal("-123.82"),
        Decimal("-2.00"),
    ]
    found = run.rows("mart_organisations", DAY, "org_id, contrib, contrib_loss", "org_id")
    assert found == [
        ("A", Decimal("-119.30"), 135),
        ("B", Decimal("-5.57"), 3),
        ("C", Decimal("-1.95"), 0),  # with the account of somebody who is invalid
        ("L1", Decimal("-124.87"), 138),
        ("L2", Decimal("-1.95"), 0),
        ("U", Decimal("-126.82"), 138),
    ]


def test_a_unit_has_the_average_of_the_customers_whom_it_leads(run: Batch) -> None:
    columns = "org_id, contrib_per_cust, tier_profit_cnt, tier_general_standardise_cnt"
    assert run.rows("mart_organisations", DAY, columns, "org_id") == [
        ("A", Decimal("-123.82"), 1, 0),  # of whom A leads, what he earns at B too
        ("B", None, 0, 0),  # leads nobody: no average, not one of 0
        ("C", Decimal("-2.00"), 0, 1),
        ("L1", Decimal("-123.82"), 1, 0),
        ("L2", Decimal("-2.00"), 0, 1),
        ("U", Decimal("-62.91"), 1, 1),
    ]


def test_a_fee_given_back_in_the_next_month_is_none_of_the_year(bank: Bank, crm: Batch) -> None:
    """A fee of January given back in February, one of February; penalty interest is no fee."""
    bank.account(11, bank.customer(1), "A", 100)
    mistaken = bank.numbers + 1
    bank.move(11, date(2026, 1, 20), -8, txn_type="fee", channel="system")
    bank.move(11, MONDAY, 8, txn_type="fee", channel="system", reverses_txn_id=mistaken)
    bank.move(11, MONDAY, -3, txn_type="fee", channel="system")
    bank.move(11, MONDAY, -20, txn_type="sanction_interest", channel="system")
    bank.deliver(DAY)
    crm.run(date(2026, 1, 31), selectors=("mart_customers",))
    crm.run(DAY, selectors=("mart_customers",))
    columns = "fee_amt_m, fee_amt_y, contrib_fee"
    assert crm.rows("mart_customers", date(2026, 1, 31), columns) == [(8, 8, 8)]
    assert crm.rows("mart_customers", DAY, columns) == [(-5, 3, -5)]
