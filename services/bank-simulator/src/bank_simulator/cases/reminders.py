"""Cases of what is overdue, of care, and of work left undone: R03 to R05.

Birthdays, visits and maintenance are not listed here as expected: their answers are read off the
dates of birth, the contacts and the loans of the whole bank.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from bank_simulator.cases.coverage import newly_assigned
from bank_simulator.cases.prototype import (
    Account,
    Card,
    Case,
    Contact,
    Dates,
    Due,
    Loan,
    Move,
    Statement,
    led_by,
)
from bank_simulator.cases.times import at

DAY = timedelta(days=1)
ACCOUNT = (Account("1000"),)
BY_LOAN = led_by("loan")
BY_CARD = led_by("card")


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of R03 to R05 that is not a case of something else."""
    yield from _overdue_loans(dates)
    yield from _overdue_cards(dates)
    yield from _birthdays(dates)
    yield from _converted(dates)
    yield from _visits(dates)
    yield from _maintenance(dates)


def _overdue_loans(dates: Dates) -> Iterator[Case]:
    first, nights = dates.number("overdue.days"), dates.number("reminder.event_nights")
    for name, days, said in (
        ("a_day_too_few", first - 1, False), ("long_enough", first, True),
        ("on_the_last_night", first + nights - 1, True), ("a_night_later", first + nights, False),
    ):  # fmt: skip
        since = dates.ago(days)
        loan = Loan("40000", days_overdue=days, last_overdue_on=dates.as_of,
                    five_tier="special_mention")  # fmt: skip
        due = Due("R03.OVERDUE", since + (first + nights) * DAY, "40000", 0,
                  window=f"since:{since}:{first}")  # fmt: skip
        yield Case(f"loan_overdue_{name}", accounts=ACCOUNT, loans=(loan,), coverage=BY_LOAN,
                   due=(due,) if said else ())  # fmt: skip


def _overdue_cards(dates: Dates) -> Iterator[Case]:
    nights = dates.number("overdue.card_nights")

    def overdue(name: str, said: bool, ago: int, amount: str = "321",
                paid_on: date | None = None) -> Case:  # fmt: skip
        day = dates.ago(ago)
        card = Card("5000", statements=(Statement(day, amount, paid_on),))
        due = Due("R03.CARD_OVERDUE", day + (nights + 1) * DAY, amount, 0, window=f"due:{day}")
        return Case(f"card_overdue_{name}", accounts=ACCOUNT, cards=(card,), coverage=BY_CARD,
                    due=(due,) if said else ())  # fmt: skip

    yield overdue("today_is_not_overdue", False, 0)
    yield overdue("since_yesterday", True, 1)
    yield overdue("for_two_days", True, 2)
    yield overdue("on_the_last_night", True, nights)
    yield overdue("a_night_later", False, nights + 1)
    yield overdue("and_paid_today", False, 4, paid_on=dates.as_of)
    yield overdue("and_paid_tomorrow", True, 4, paid_on=dates.ago(-1))
    yield overdue("by_nothing", False, 4, "0")


def _birthdays(dates: Dates) -> Iterator[Case]:
    days = dates.number("due.birthday_days")
    for name, ahead in (("today", 0), ("tomorrow", 1), ("on_the_last_day_ahead", days),
                        ("a_day_later", days + 1)):  # fmt: skip
        day = dates.ago(-ahead)
        born = date(1980, day.month, day.day)
        yield Case(f"birthday_{name}", accounts=ACCOUNT, birth_date=born)
    yield Case("birthday_on_29_february", accounts=ACCOUNT, birth_date=date(1980, 2, 29))


def _converted(dates: Dates) -> Iterator[Case]:
    nights = dates.number("reminder.event_nights")
    before = dates.ago(nights + 30)

    def converted(name: str, ago: int, since: date = before, *due: Due) -> Case:
        day = dates.ago(ago)
        said = ago < nights and since < day
        told = Due("R04.PROSPECT_CONVERTED", day + nights * DAY, window=f"on:{day}")
        return Case(
            f"converted_{name}", customer_since=since, due=(told,) if said else due,
            accounts=(Account("0", opened_on=day, moves=(
                Move(at(day, "10:00"), "500", "deposit_open"),)),),
        )  # fmt: skip

    yield converted("today", 0)
    yield converted("on_the_last_night", nights - 1)
    yield converted("a_night_before", nights)
    yield converted("on_the_day_he_came", 0, dates.as_of, newly_assigned(dates, 0))
    yield Case(
        "converted_by_a_loan", accounts=(), customer_since=before, coverage=BY_LOAN,
        loans=(Loan("5000", granted_on=dates.as_of),), due=(
            Due("R04.PROSPECT_CONVERTED", dates.as_of + nights * DAY,
                window=f"on:{dates.as_of}"),),
    )  # fmt: skip


def _visits(dates: Dates) -> Iterator[Case]:
    enough = dates.yuan("visits.min_loan_balance")
    short = dates.yuan("visits.min_loan_balance", "-0.01")
    times = dates.number("visits.per_month")
    first = dates.as_of.replace(day=1)

    def visited(name: str, *contacts: Contact, balance: str = enough) -> Case:
        large = Decimal(balance) >= dates.parameters.money("key_customer.min_loan_balance")
        return Case(f"visits_{name}", accounts=ACCOUNT, loans=(Loan(balance),), contacts=contacts,
                    coverage=BY_LOAN, key="loan" if large else None)  # fmt: skip

    def visit(day: date, minute: int = 0, result: str = "reached") -> Contact:
        reached = result == "reached"
        return Contact(at(day, f"09:{minute:02d}"), "service", "visit",
                       "reached" if reached else "not_reached")  # fmt: skip

    def visits(day: date, count: int) -> tuple[Contact, ...]:
        return tuple(visit(day, minute) for minute in range(count))

    yield visited("none")
    yield visited("enough_on_the_first", *visits(first, times))
    yield visited("one_too_few", *visits(first, times - 1))
    yield visited("last_month", *visits(first - DAY, times))
    yield visited("of_today", *visits(dates.as_of, times))
    yield visited("of_tomorrow", *visits(dates.ago(-1), times))
    yield visited("with_nobody_at_home", *visits(first, times - 1), visit(first, 30, "not"))
    yield visited("by_telephone", *visits(first, times - 1),
                  Contact(at(first, "11:00"), "service", "call"))  # fmt: skip
    yield visited("not_needed_for_a_cent", balance=short)


def _maintenance(dates: Dates) -> Iterator[Case]:
    days = dates.number("maintenance.days")
    rich = (Account(dates.yuan("key_customer.min_deposit_average")),)

    def kept(name: str, *contacts: Contact) -> Case:
        return Case(f"maintained_{name}", accounts=rich, contacts=contacts, key="deposit")

    def contact(ago: int, channel: str = "visit", result: str | None = "reached") -> Contact:
        return Contact(at(dates.ago(ago), "10:00"), "care", channel, result)  # type: ignore[arg-type]

    yield kept("on_the_first_day", contact(days - 1))
    yield kept("the_day_before", contact(days))
    yield kept("by_a_call", contact(0, "call", None))
    yield kept("by_a_call_that_nobody_took", contact(5, "call", "not_reached"))
    yield kept("by_messages_only", contact(5, "sms"))
    yield kept("tomorrow", contact(-1))
