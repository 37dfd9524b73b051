"""Deposits, bookings, cards and services of a small bank, computed by hand."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import FIRST, Batch, batch_over
from tests.databases import PostgresDatabase

DAY = date(2026, 2, 3)


def deposits(bank: Bank) -> None:
    """70.00 mature on January 10 and 500.00 on February 2, of which 300.00 are placed again the day
    after. A fee given back the same day does not count."""
    system = {"channel": "system"}
    bank.account(11, 1, "A", 1000)
    bank.account(12, 1, "A", 500, product="time", matures_on=date(2026, 2, 2))
    bank.account(13, 1, "A", product="time", opened_on=DAY, matures_on=date(2027, 2, 3))
    bank.account(14, 1, "A", 70, product="certificate", matures_on=date(2026, 1, 10))
    bank.move(14, date(2026, 1, 10), -50, txn_type="deposit_close", **system)
    bank.move(11, date(2026, 1, 10), 50, txn_type="deposit_close", **system)
    bank.move(11, date(2026, 1, 15), 20, txn_type="interest", **system)
    bank.move(11, date(2026, 1, 20), -12, txn_type="fee", **system)
    bank.move(11, date(2026, 1, 20), 90, txn_type="acquiring", **system)
    bank.move(11, date(2026, 2, 1), 7, txn_type="interest", **system)
    monday = date(2026, 2, 2)
    bank.move(12, monday, -500, txn_type="deposit_close")
    bank.move(11, monday, 500, txn_type="deposit_close")
    bank.move(11, monday, -3, txn_type="fee", **system)
    mistaken = bank.numbers + 1
    bank.move(11, monday, -4, txn_type="fee", **system)
    bank.move(11, monday, 4, txn_type="fee", reverses_txn_id=mistaken, **system)
    bank.move(11, monday, 10, txn_type="acquiring", **system)
    bank.move(11, monday, 800, txn_type="payroll", **system)
    bank.move(11, monday, 60, txn_type="pension", **system)
    bank.move(11, monday, -30, channel="mobile", booked_at=noon(monday) + timedelta(hours=8))
    bank.move(11, monday, -40, channel="mobile")
    bank.move(11, DAY, -300, txn_type="deposit_open")
    bank.move(13, DAY, 300, txn_type="deposit_open")


def times_of_day(bank: Bank) -> None:
    """Customer 2 goes to the machine at all hours; what the bank books at night is not his."""
    bank.account(41, 2, "C", 100, opened_on=FIRST)
    for hour in (0, 5, 6, 12, 17, 18, 20, 21, 22, 23):
        booked_at = noon(DAY) + timedelta(hours=hour - 12)
        bank.move(41, DAY, -1, channel="atm", booked_at=booked_at)
    bank.move(41, DAY, 1, channel="system", booked_at=noon(DAY) - timedelta(hours=11))


def cards(bank: Bank) -> None:
    """Card 31 is used and revolves, 32 is overdue, 33 is new and asleep."""
    bank.card(31, 1, "A", balance=Decimal(250), activated_on=date(2026, 2, 1), overdue_periods=0,
              credit_limit=Decimal(2000), product="gold", statement_day=7)  # fmt: skip
    bank.card(32, 1, "A", balance=Decimal(50), activated_on=date(2022, 1, 1), overdue_periods=2)
    bank.card(33, 1, "C", balance=Decimal(0), issued_on=date(2026, 2, 2))
    bank.rows["credit_cards"][-1] = (date(2026, 2, 2), bank.rows["credit_cards"][-1][1])
    used = [(date(2026, 1, 2), "debit", 70), (date(2026, 1, 5), "debit", 20),
            (date(2026, 2, 2), "debit", 60), (DAY, "credit", 35)]  # fmt: skip
    for number, (day, direction, amount) in enumerate(used):
        bank.add("card_transactions", day, card_txn_id=number, card_id=31, customer_id=1,
                 booked_at=noon(day), direction=direction, amount=Decimal(amount),
                 category="instalment" if amount == 20 else None)  # fmt: skip
    for statement_on, due_on, amount in (
        (date(2025, 12, 10), date(2026, 1, 2), 100), (date(2026, 1, 10), date(2026, 2, 5), 90)
    ):  # fmt: skip
        for card_id in (31, 32):
            bank.add("card_statements", card_id=card_id, statement_on=statement_on, due_on=due_on,
                     amount=Decimal(amount), minimum_due=Decimal(9))  # fmt: skip


def services(bank: Bank) -> None:
    """A fund bought this month, insurance bought this year and ended, an employer, a merchant."""
    held = [("fund", date(2026, 2, 1), None, date(2026, 2, 20)),
            ("insurance", date(2026, 1, 5), DAY, None),
            ("wealth", date(2025, 5, 1), None, date(2026, 3, 1))]  # fmt: skip
    for number, (kind, bought_on, ended_on, matures_on) in enumerate(held):
        bank.add("wealth_holdings", holding_id=number, customer_id=1, branch_id="A", kind=kind,
                 product="x", amount=Decimal(100 + number), bought_on=bought_on,
                 ended_on=ended_on, matures_on=matures_on)  # fmt: skip
    bank.add("payroll_members", employer_id=2, customer_id=1, account_id=11,
             effective_from=date(2025, 1, 1))  # fmt: skip
    bank.add("payroll_members", employer_id=2, customer_id=3, account_id=11,
             effective_from=date(2025, 1, 1), effective_until=DAY)  # fmt: skip
    bank.add("merchants", merchant_id=1, customer_id=1, account_id=11, branch_id="A",
             category="food", signed_on=date(2026, 1, 10))  # fmt: skip
    bank.add("standing_orders", order_id=1, account_id=11, amount=Decimal(55), purpose="utilities")


@pytest.fixture(scope="module")
def run(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    """Customer 1 has all of it; customer 2 is the employer."""
    folder = tmp_path_factory.mktemp("business")
    bank = Bank(folder / "landing", FIRST)
    bank.customer(1)
    bank.customer(2, home="C")
    for part in (deposits, times_of_day, cards, services):
        part(bank)
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        crm.run(DAY, selectors=("mart_customer_branches", "mart_organisations"))
        yield crm


def test_new_money_is_the_change_less_interest(run: Batch) -> None:
    columns = "dep_new_money_m, dep_new_money_y, dep_interest_m, dep_interest_y"
    # Without interest: -3 - 4 + 4 + 10 + 800 + 60 - 30 - 40 this month, and -12 + 90 in January.
    assert run.rows("mart_customers", DAY, columns, "customer_id")[0] == (797, 875, 7, 27)


def test_matured_deposits_are_taken_up_by_new_ones(run: Batch) -> None:
    columns = (
        "dep_matured_m, dep_taken_up_m, dep_take_up_rate_m, dep_demand_cnt, dep_time_cnt,"
        " dep_cert_cnt, dep_matured_y, dep_taken_up_y, dep_take_up_rate_y, dep_cert_share"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id")[0] == (
        500, 300, Decimal("0.6000"), 1, 2, 1, 570, 300, Decimal("0.5263"),
        Decimal("0.0081"),  # 20 / 2472
    )  # fmt: skip


def test_bookings_are_told_apart_by_channel(run: Batch) -> None:
    columns = (
        "flow_counter_cnt_30d, flow_mobile_cnt_30d, flow_atm_cnt_90d, flow_subst_rate_30d,"
        " flow_off_hours_cnt_30d"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id")[0] == (
        4, 2, 0, Decimal("0.3333"), 1,
    )  # fmt: skip


def test_bookings_are_told_apart_by_the_time_of_day(run: Batch) -> None:
    columns = (
        "flow_morning_cnt_30d, flow_afternoon_cnt_30d, flow_evening_cnt_30d, flow_night_cnt_30d,"
        " flow_night_cnt_90d"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id") == [
        (0, 5, 1, 0, 0),  # at noon, and once at 20 o'clock
        (1, 2, 3, 4, 4),
    ]


def test_cards_issued_used_and_paid(run: Batch) -> None:
    columns = (
        "card_issued_m, card_issued_y, card_activated_cnt, card_activated_m, card_activation_rate,"
        " card_active_cnt, card_spend_m, card_spend_y, card_spend_30d, card_spend_cnt_90d,"
        " card_instalment_90d, card_repaid_m, card_last_spent_on"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id")[0] == (
        1, 1, 2, 1, Decimal("0.6667"), 1, 60, 150, 80, 3, 20, 35, date(2026, 2, 2),
    )  # fmt: skip


def test_the_main_card_is_the_open_one_with_the_largest_limit(run: Batch) -> None:
    columns = "branch_id, card_product, card_statement_day"
    found = run.rows("mart_customer_branches", DAY, f"customer_id, {columns}")
    assert sorted(row for row in found if row[0] == 1) == [
        (1, "A", "gold", 7),
        (1, "C", "card", None),
    ]
    assert run.rows("mart_customers", DAY, "card_product, card_statement_day", "customer_id") == [
        ("gold", 7),
        (None, None),
    ]


def test_what_is_owed_on_cards_revolves_or_is_overdue(run: Batch) -> None:
    columns = (
        "card_due_amt, card_due_minimum, card_next_due_on, card_overdue_periods, card_overdue_bal,"
        " card_overdue_ratio, card_revolving_bal, card_revolving_share"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id")[0] == (
        180, 18, date(2026, 2, 5), 2, 50, Decimal("0.1667"), 100, Decimal("0.3333"),
    )  # fmt: skip


def test_investments_bought_ended_and_maturing(run: Batch) -> None:
    columns = (
        "wealth_bought_y, fund_bought_m, fund_bought_y, insurance_bought_m, insurance_bought_y,"
        " invested_ended_m, invested_maturing_15d, invested_maturing_30d, invested_next_matures_on"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id")[0] == (
        0, 100, 100, 0, 101, 101, 0, 202, date(2026, 2, 20),
    )  # fmt: skip


def test_payroll_acquiring_and_fees(run: Batch) -> None:
    columns = (
        "payroll_employer_cnt, payroll_member_cnt, payroll_in_amt_30d, pension_in_amt_30d,"
        " merchant_cnt, merchant_signed_y, acquiring_amt_30d, acquiring_amt_m, acquiring_amt_y,"
        " fee_amt_m, fee_amt_y, standing_order_amt, standing_utilities_cnt"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id") == [
        (1, 0, 800, 60, 1, 1, 100, 10, 100, 3, 15, 55, 1),
        (0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ]


def test_organisations_count_customers_once(run: Batch) -> None:
    columns = (
        "org_id, dep_new_cust_m, dep_new_cust_y, card_active_cust_cnt, card_overdue_cust_cnt,"
        " fund_cust_cnt, payroll_cust_cnt, payroll_company_cnt, merchant_cust_cnt, fee_amt_y"
    )
    found = {row[0]: row[1:] for row in run.rows("mart_organisations", DAY, columns)}
    assert found["A"] == (0, 0, 1, 1, 1, 1, 1, 1, 15)
    assert found["C"] == (0, 1, 0, 0, 0, 0, 0, 0, 0)
    assert found["U"] == (0, 1, 1, 1, 1, 1, 1, 1, 15)
