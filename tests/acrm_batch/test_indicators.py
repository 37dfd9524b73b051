"""Indicators of a small bank, computed by hand."""

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
    """1,000.00 at A; 300.00 more from January 16; 100.00 to another bank on February 2."""
    folder = tmp_path_factory.mktemp("indicators")
    bank = Bank(folder / "landing", FIRST)
    bank.customer(1)
    bank.account(11, 1, "A", 1000)
    bank.account(12, 1, "C", 40, product="time", matures_on=date(2026, 3, 1))
    bank.move(11, date(2026, 1, 16), 300)
    bank.move(11, date(2026, 2, 2), -100, counterparty_bank="OTHER", counterparty_account="1")
    mistaken = bank.numbers + 1
    bank.move(12, date(2026, 2, 2), -5)
    bank.move(12, DAY, 5, reverses_txn_id=mistaken)
    bank.loan(21, 1, "A", credit_line=Decimal(1600), balance=Decimal(700), days_overdue=2,
              five_tier="special_mention", next_due_on=date(2026, 2, 20))  # fmt: skip
    bank.loan(22, 1, "C", status="settled", balance=Decimal(0), last_overdue_on=date(2025, 1, 1))
    bank.card(31, 1, "B", closed_on=DAY)
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        crm.run(
            DAY,
            selectors=("mart_customer_branches", "mart_organisations", "pub_customer_tags"),
        )
        yield crm


def test_averages_weigh_every_balance_by_its_days(run: Batch) -> None:
    columns = "dep_bal, dep_avg_recent, dep_avg_m, dep_avg_y"
    assert run.rows("mart_customer_branches", DAY, columns, "branch_id")[0] == (
        Decimal("1200.00"),
        Decimal("1183.33"),  # (11 * 1000 + 17 * 1300 + 2 * 1200) / 30
        Decimal("1233.33"),  # (1 * 1300 + 2 * 1200) / 3
        Decimal("1161.76"),  # (15 * 1000 + 17 * 1300 + 2 * 1200) / 34
    )


def test_changes_compare_with_day_month_and_the_first_day_known(run: Batch) -> None:
    columns = "dep_chg_d, dep_chg_m, dep_chg_y"
    assert run.rows("mart_customers", DAY, columns) == [(Decimal(5), Decimal(-100), Decimal(200))]


def test_deposits_are_told_apart_by_product(run: Batch) -> None:
    columns = "dep_demand_bal, dep_time_bal, dep_cert_bal, dep_acct_cnt, dep_maturing_30d"
    assert run.rows("mart_customers", DAY, columns) == [(1200, 40, 0, 2, 40)]


def test_flows_leave_out_reversals_and_what_they_reverse(run: Batch) -> None:
    columns = (
        "flow_in_amt_30d, flow_in_cnt_30d, flow_out_amt_30d, flow_out_cnt_30d, flow_out_max_7d,"
        " flow_other_amt_7d, flow_other_parties_7d, flow_active_days_90d, flow_last_on"
    )
    assert run.rows("mart_customers", DAY, columns) == [
        (300, 1, 100, 1, 100, 100, 1, 2, date(2026, 2, 2))
    ]
    assert run.rows("mart_customers", DAY, "flow_in_cnt_7d") == [0]


def test_loans(run: Batch) -> None:
    columns = "loan_bal, loan_line, loan_util, loan_cnt, loan_next_due_on, loan_overdue_days"
    assert run.rows("mart_customers", DAY, columns) == [
        (700, 1600, Decimal("0.4375"), 1, date(2026, 2, 20), 2)
    ]
    assert run.rows("mart_customers", DAY, "loan_five_tier, loan_clean_since") == [
        ("special_mention", None)
    ]


def test_organisations_add_up_their_branches(run: Batch) -> None:
    columns = "org_id, dep_bal, dep_cust_cnt, cov_lead_cnt, flow_in_amt_y, flow_out_amt_y"
    assert run.rows("mart_organisations", DAY, columns, "org_id") == [
        ("A", 1200, 1, 1, 300, 100),
        ("B", 0, 0, 0, 0, 0),
        ("C", 40, 1, 0, 0, 0),
        ("L1", 1200, 1, 1, 300, 100),
        ("L2", 40, 1, 0, 0, 0),
        ("U", 1240, 1, 1, 300, 100),
    ]


def test_tags_follow_the_indicators(run: Batch) -> None:
    """The history is too short to say that there were no bookings, or that he is asleep; his only
    credit card was closed today."""
    assert run.rows("pub_customer_tags", DAY, "tags") == [
        [
            "VALUE/AUM/MASS",
            "IN_BANK/DEPOSIT",
            "IN_BANK/LOAN",
            "IN_BANK/MANY_BRANCHES",
            "RISK/LOAN/OVERDUE",
            "BASIC/TYPE/INDIVIDUAL",
            "BASIC/SINCE/LONGER",
            "IN_BANK/TIME_DEPOSIT",
            "VALUE/PRODUCTS/DEPOSIT_AND_LOAN",
            "RISK/FIVE_TIER/SPECIAL_MENTION",
            "MARKETING/CONTACT/NONE_90D",
            "POTENTIAL/T01/TIME_MATURING",
            "POTENTIAL/T06/CLOSING",
            "VALUE/CHURN_RISK/LOW",
            "MARKETING/WEALTH_PROPENSITY/LOW",
            "MARKETING/CARD_RESEMBLANCE/LOW",
            "VALUE/TIER/GENERAL_STANDARDISE",
            "ACTIVITY/LIFECYCLE/STABLE",
        ]
    ]


def test_a_branch_without_business_today_keeps_its_changes(run: Batch) -> None:
    columns = "branch_id, card_cnt, card_cnt_chg_d, card_cnt_chg_m"
    rows = run.rows("mart_customer_branches", DAY, columns, "branch_id")
    assert rows[1] == ("B", 0, -1, -1)
    assert run.rows("mart_customers", DAY, "card_cnt, card_cnt_chg_d") == [(0, -1)]
