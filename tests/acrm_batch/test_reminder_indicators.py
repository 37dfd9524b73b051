"""Private managers of key customers, and what became of reminders, as the OCRM tells both."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import FIRST, Batch

FEBRUARY = date(2026, 2, 1)

DAY = date(2026, 2, 3)


def private(bank: Bank, customer: int, manager: str = "E1", **row: Any) -> None:
    bank.add("private_managers", **{
        "customer_id": customer, "manager_id": manager, "assigned_on": date(2025, 1, 1), **row,
    })  # fmt: skip


def test_of_no_outcomes_no_row_is_made_and_the_union_still_counts_none(
    bank: Bank, crm: Batch
) -> None:
    bank.customer(1)
    bank.deliver(FIRST)
    crm.run(FIRST, selectors=("mart_organisations",))
    assert crm.rows("ind_reminders_orgs", FIRST, "grain") == []
    union = crm.rows("mart_organisations", FIRST, "org_type, rem_done_m")
    assert ("union", 0) in union


def test_a_key_customer_has_the_private_manager_in_force_who_is_in_office(
    bank: Bank, crm: Batch
) -> None:
    bank.employee("E1")
    bank.employee("E2", left_on=DAY)
    for customer in range(1, 7):
        bank.customer(customer)
        bank.loan(customer * 10, customer, "A", balance=Decimal(1_000_000))
    private(bank, 1)
    private(bank, 2, manager="E2")
    private(bank, 3, ended_on=DAY)
    private(bank, 4, assigned_on=DAY + timedelta(days=1))
    private(bank, 5, assigned_on=DAY, ended_on=DAY + timedelta(days=1))
    bank.customer(7)
    private(bank, 7)
    bank.deliver(DAY)
    crm.run(DAY, selectors=("mart_customers", "mart_organisations"))
    named = crm.rows("mart_customers", DAY, "customer_id, private_manager")
    assert named == [(1, "E1"), (2, None), (3, None), (4, None), (5, "E1"), (6, None), (7, None)]
    columns = "cust_key_cnt, cust_key_private_cnt, cust_key_private_rate"
    [union] = crm.rows("mart_organisations", DAY, f"org_type, {columns}", "org_type desc")[:1]
    assert union == ("union", 6, 2, Decimal("0.3333"))


def ended(bank: Bank, on: date, branch: str, manager: str, **row: Any) -> None:
    """A reminder that was done after two hours."""
    bank.numbers += 1
    bank.add("reminder_outcomes", on, **{
        "reminder_id": f"r{bank.numbers}", "rule_code": "R04.BIRTHDAY", "customer_id": 1,
        "branch_id": branch, "manager_id": manager, "ended_at": noon(on), "minutes_open": 120,
        "state": "done", "outcome": "resolved", **row,
    })  # fmt: skip


def test_reminders_count_for_whoever_had_them_in_the_month_and_in_30_days(
    bank: Bank, crm: Batch
) -> None:
    bank.customer(1)
    bank.customer(2, home="C")
    ended(bank, FEBRUARY - timedelta(days=28), "A", "E1")
    ended(bank, FEBRUARY - timedelta(days=27), "A", "E1", minutes_open=60)
    ended(bank, FEBRUARY, "A", "E1")
    ended(bank, DAY, "A", "E1", state="expired", outcome=None, minutes_open=9999)
    ended(bank, DAY, "A", "V:A", state="expired", outcome=None)
    ended(bank, DAY, "C", "E1", customer_id=2, minutes_open=30)
    ended(bank, FIRST, "C", "E2", customer_id=2)
    bank.deliver(DAY)
    crm.run(DAY, selectors=("ind_reminders_orgs",))
    columns = (
        "grain, org_id, manager_id, rem_ended_m, rem_done_m, rem_done_rate_m, rem_hours_avg_m,"
        " rem_ended_30d, rem_done_30d, rem_done_rate_30d, rem_hours_avg_30d"
    )
    half, third, hours = Decimal("0.5000"), Decimal("0.6667"), Decimal("1.2500")
    assert crm.rows("ind_reminders_orgs", DAY, columns) == [
        ("branch", "A", "", 3, 1, Decimal("0.3333"), Decimal(2), 4, 2, half, Decimal("1.5000")),
        ("branch", "C", "", 1, 1, Decimal(1), half, 1, 1, Decimal(1), half),
        ("legal_entity", "L1", "", 3, 1, Decimal("0.3333"), 2, 4, 2, half, Decimal("1.5000")),
        ("legal_entity", "L2", "", 1, 1, Decimal(1), half, 1, 1, Decimal(1), half),
        ("manager", "A", "E1", 2, 1, half, Decimal(2), 3, 2, third, Decimal("1.5000")),
        ("manager", "A", "V:A", 1, 0, Decimal(0), None, 1, 0, Decimal(0), None),
        ("manager", "C", "E1", 1, 1, Decimal(1), half, 1, 1, Decimal(1), half),
        ("union", "", "", 4, 2, half, hours, 5, 3, Decimal("0.6000"), Decimal("1.1667")),
    ]
