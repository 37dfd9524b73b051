"""Cases of what the stream tells of loans, cards, customers and lobbies, on the last three days.

What happens to a loan here is over by the night: its state in the extracts stays as it was.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from bank_simulator.cases.prototype import (
    Account,
    Card,
    Case,
    Dates,
    Loan,
    LoanStep,
    Movement,
    Spend,
    Ticket,
    led_by,
)
from bank_simulator.cases.times import at

ACCOUNT = (Account("1000"),)
BY_LOAN = led_by("loan")
BY_CARD = led_by("card")


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of the stream that is no movement on an account."""
    for back in (2, 1, 0):
        day = dates.last - timedelta(days=back)
        yield from _loans(day)
        yield from _spending(day)
        yield from _changes(day)
        yield from _lobby(day)


def _loan(name: str, day: date, expected: Movement | None, *steps: LoanStep) -> Case:
    return Case(
        name, accounts=ACCOUNT, loans=(Loan("40000"),), coverage=BY_LOAN, loan_steps=steps,
        movements=(expected,) if expected else (),
    )  # fmt: skip


def _loans(day: date) -> Iterator[Case]:
    def said(code: str, window: str, expected: bool = True) -> Movement:
        return Movement(day, code, expected, loan=0, window=window)

    month = said("R03.ARREARS", f"month:{day:%Y-%m}")
    yield _loan("arrears_of_a_cent", day, month, LoanStep(at(day, "09:30"), "arrears", "0.01", 1))
    yield _loan("arrears_told_twice_in_a_day", day, month,
                LoanStep(at(day, "09:30"), "arrears", "12", 1),
                LoanStep(at(day, "17:30"), "arrears", "14", 1))  # fmt: skip
    since = day - timedelta(days=4)
    yield _loan("overdue_for_four_days", day, said("R03.OVERDUE", f"since:{since}:1"),
                LoanStep(at(day, "10:00"), "overdue", None, 4))  # fmt: skip
    lower = said("R03.DOWNGRADE", f"class:doubtful:{day}")
    yield _loan("downgraded_by_two_classes", day, lower, LoanStep(
        at(day, "10:00"), "class_changed", None, 0, "special_mention", "doubtful"))  # fmt: skip
    upper = said("R03.DOWNGRADE", f"class:normal:{day}", expected=False)
    yield _loan("upgraded_to_normal", day, upper, LoanStep(
        at(day, "10:00"), "class_changed", None, 0, "special_mention", "normal"))  # fmt: skip
    yield _loan("repaid_on_time", day, None, LoanStep(at(day, "10:00"), "repaid", "500", 0))


def _spending(day: date) -> Iterator[Case]:
    def spent(name: str, amount: str, expected: bool) -> Case:
        return Case(
            name, accounts=ACCOUNT, cards=(Card("90000"),), coverage=BY_CARD,
            spending=(Spend(at(day, "11:00"), amount),),
            movements=(Movement(day, "R01.LARGE_CARD_SPEND", expected, spend=0),),
        )  # fmt: skip

    yield spent("card_spending_exactly_50000", "50000", True)
    yield spent("card_spending_one_cent_short", "49999.99", False)
    yield Case(
        "card_repayment_of_60000", accounts=ACCOUNT, cards=(Card("90000"),), coverage=BY_CARD,
        spending=(Spend(at(day, "11:00"), "-60000"),),
        movements=(Movement(day, "R01.LARGE_CARD_SPEND", False, spend=0),),
    )  # fmt: skip


def _changes(day: date) -> Iterator[Case]:
    def changed(name: str, column: str, expected: bool) -> Case:
        window = f"changed:{day}:{column}"
        return Case(name, accounts=ACCOUNT, changed=(day, column), movements=(
            Movement(day, "R03.KEY_DATA_CHANGED", expected, window=window),))  # fmt: skip

    yield changed("phone_changed", "phone", True)
    yield changed("name_changed", "name", True)
    yield changed("education_changed", "education", False)


def _lobby(day: date) -> Iterator[Case]:
    def came(name: str, expected: bool, *tickets: Ticket) -> Case:
        return Case(name, accounts=ACCOUNT, tickets=tickets, movements=(
            Movement(day, "R05.LOBBY_ARRIVAL", expected, branch=0),))  # fmt: skip

    yield came("arrived_and_served", True, Ticket(at(day, "09:10"), "drawn"),
               Ticket(at(day, "09:20"), "called"), Ticket(at(day, "09:31"), "served"))  # fmt: skip
    yield came("arrived_twice_in_a_day", True, Ticket(at(day, "09:10"), "drawn"),
               Ticket(at(day, "15:10"), "drawn"))  # fmt: skip
    yield came("known_when_he_was_called", True, Ticket(at(day, "09:10"), "drawn", known=False),
               Ticket(at(day, "09:20"), "called"))  # fmt: skip
    yield came("known_only_when_he_left", False, Ticket(at(day, "09:10"), "drawn", known=False),
               Ticket(at(day, "09:20"), "abandoned"))  # fmt: skip
