"""Reminders R03 to R05 by hand: both sides of every threshold, and of the first day."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import Batch

EVE = date(2026, 2, 25)
DAY = date(2026, 2, 26)
MILLION = Decimal("1000000.00")


def contact(bank: Bank, number: int, customer: int, on: date, **row: Any) -> None:
    """A visit that reached the customer."""
    bank.add("contacts", on, **{
        "contact_id": number, "customer_id": customer, "channel": "visit",
        "contact_class": "service", "contacted_at": noon(on), "result": "interested", **row,
    })  # fmt: skip


def raised(crm: Batch, day: date, kind: str) -> list[tuple[Any, ...]]:
    """Rule, subject, window, due date, amount and branch of a class of a day's reminders."""
    crm.run(day, selectors=("int_due_reminders",))
    columns = "rule_code, subject, reminder_window, due_on, amount, branch_id"
    return [row for row in crm.rows("int_due_reminders", day, columns) if row[0].startswith(kind)]


def test_what_is_overdue_is_said_on_its_nights(bank: Bank, crm: Batch) -> None:
    bank.first = EVE
    bank.customer(1)
    for number, overdue in enumerate((29, 30, 32, 33)):
        bank.loan(11 + number, 1, "C", days_overdue=overdue, interest_arrears=Decimal(number))
    for number, days in enumerate((1, 30, 31)):
        bank.card(21 + number, 1, "B")
        due_on = DAY - timedelta(days=days)
        bank.add("card_statements", card_id=21 + number, statement_on=date(2026, 1, 1),
                 due_on=due_on, amount=Decimal(50), minimum_due=Decimal(5))  # fmt: skip
    bank.deliver(DAY)
    first_of_march = date(2026, 3, 1)
    assert raised(crm, DAY, "R03") == [
        *(
            ("R03.ARREARS", f"loan:{11 + arrears}", "month:2026-02", first_of_march, arrears, "C")
            for arrears in (1, 2, 3)
        ),
        ("R03.CARD_OVERDUE", "card:21", "due:2026-02-25", date(2026, 3, 28), 50, "B"),
        ("R03.CARD_OVERDUE", "card:22", "due:2026-01-27", date(2026, 2, 27), 50, "B"),
        ("R03.OVERDUE", "loan:12", "since:2026-01-27:30", first_of_march, 1000, "C"),
        ("R03.OVERDUE", "loan:13", "since:2026-01-25:30", date(2026, 2, 27), 1000, "C"),
    ]


@pytest.mark.parametrize(
    ("day", "birthdays"),
    [
        (date(2026, 2, 26), {1: date(2026, 2, 28), 2: date(2026, 3, 1)}),
        (date(2028, 2, 28), {1: date(2028, 2, 29), 2: date(2028, 3, 1), 3: date(2028, 3, 2)}),
        (date(2026, 12, 31), {4: date(2027, 1, 1)}),
    ],
)
def test_a_birthday_is_said_on_the_three_days_before_it(
    bank: Bank, crm: Batch, day: date, birthdays: dict[int, date]
) -> None:
    bank.first = day
    born_on = (date(1988, 2, 29), date(1990, 3, 1), date(1990, 3, 2), date(1990, 1, 1))
    for customer, birth_date in enumerate(born_on, 1):
        bank.customer(customer, birth_date=birth_date)
    bank.customer(5, customer_type="business", birth_date=date(1990, 3, 1))
    bank.deliver(day)
    assert raised(crm, day, "R04") == [
        ("R04.BIRTHDAY", f"customer:{customer}", f"due:{birthday}", birthday, None, None)
        for customer, birthday in birthdays.items()
    ]


def test_key_customers_are_greeted_in_the_week_before_a_festival(bank: Bank, crm: Batch) -> None:
    bank.first = date(2026, 6, 11)
    bank.customer(1)
    bank.loan(11, 1, "C", balance=MILLION)
    bank.customer(2)
    bank.loan(12, 2, "C")
    bank.deliver(date(2026, 6, 12))
    festival = date(2026, 6, 19)
    assert raised(crm, date(2026, 6, 11), "R04") == []
    assert raised(crm, date(2026, 6, 12), "R04") == [
        ("R04.FESTIVAL", "customer:1", f"festival:dragon_boat:{festival}", festival, None, None)
    ]


def test_what_has_changed_since_the_day_before_is_said_once(bank: Bank, crm: Batch) -> None:
    bank.first = EVE
    # 1 becomes a key customer, 2 was one; 3 and 4 are new, 4 since the day of his account.
    for customer, before in ((1, MILLION - 1), (2, MILLION)):
        bank.customer(customer)
        bank.loan(customer, customer, "C", balance=before)
        loan = bank.rows["loans"][-1][1]
        bank.add("loans", DAY, **{**loan, "balance": MILLION})
        contact(bank, customer, customer, DAY)
    for customer, since in ((3, DAY - timedelta(days=3)), (4, DAY - timedelta(days=2))):
        bank.customer(customer, customer_since=since)
        bank.account(customer, customer, "A", opened_on=DAY - timedelta(days=2))
    # 5 is given to another manager, the manager of 6 leaves; 7 and 8 come with and without one.
    for customer in (5, 6):
        bank.customer(customer)
        bank.manager(customer, "A", f"E{customer}")
        bank.employee(f"E{customer}")
    bank.add("coverage_managers", DAY, customer_id=5, branch_id="A", manager_id="E9",
             assigned_on=DAY)  # fmt: skip
    bank.add("employees", DAY, employee_id="E6", name="王小明", home_org_id="A", left_on=DAY)
    for customer in (7, 8):
        bank.change("customers", DAY, {"customer_id": 6}, customer_id=customer)
    bank.add("coverage_managers", DAY, customer_id=7, branch_id="A", manager_id="E9",
             assigned_on=DAY)  # fmt: skip
    bank.deliver(DAY)
    tomorrow = DAY + timedelta(days=1)
    converted = ("R04.PROSPECT_CONVERTED", "customer:3", "on:2026-02-24", tomorrow, None, None)
    assert raised(crm, EVE, "R04") == [converted]
    assert raised(crm, EVE, "R05.NEWLY") == []
    assert raised(crm, DAY, "R04") == [
        ("R04.BECAME_KEY", "customer:1", f"on:{DAY}", tomorrow, None, None), converted,
    ]  # fmt: skip
    assert raised(crm, DAY, "R05") == [
        ("R05.NEWLY_ASSIGNED", f"customer:{one}", f"on:{DAY}", tomorrow, None, "A")
        for one in (5, 7)
    ]


def test_large_borrowers_are_to_be_visited_and_key_customers_kept_in_touch_with(
    bank: Bank, crm: Batch
) -> None:
    bank.first = date(2026, 2, 20)
    for customer in (1, 2, 3, 4):
        bank.customer(customer)
        bank.loan(customer, customer, "C", balance=MILLION / 2)
        bank.loan(10 + customer, customer, "B", balance=MILLION / 2)
    bank.customer(5)
    bank.loan(5, 5, "C", balance=MILLION - 1)
    # 1 is visited, 2 was not there, 3 was called, and nobody tried 4.
    day = date(2026, 2, 21)
    contact(bank, 1, 1, day, result=None)
    contact(bank, 2, 2, day, result="not_reached")
    contact(bank, 3, 3, day, channel="call")
    bank.deliver(day)
    march = date(2026, 3, 1)
    not_met = [
        ("R05.VISIT_QUOTA_NOT_MET", f"customer:{one}", "month:2026-02", march, MILLION, "C")
        for one in (2, 3, 4)
    ]
    untouched = [
        ("R05.NOT_MAINTAINED", f"customer:{one}", "month:2026-02", march, None, "C")
        for one in (2, 4)
    ]
    assert raised(crm, day, "R05") == untouched + not_met
    # The day before is more than seven days from the end of the month.
    assert {row[0] for row in raised(crm, date(2026, 2, 20), "R05")} == {"R05.NOT_MAINTAINED"}
    assert crm.rows("int_visit_quotas", day, "customer_id, month, quota, visits, is_met") == [
        (1, "2026-02", 1, 1, True), (2, "2026-02", 1, 0, False),
        (3, "2026-02", 1, 0, False), (4, "2026-02", 1, 0, False),
    ]  # fmt: skip
