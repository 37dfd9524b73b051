"""Cases of due reminders: today, tomorrow, the last day ahead, and one day more."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from bank_simulator.cases.prototype import (
    Account,
    Card,
    Case,
    Dates,
    Due,
    Holding,
    Instalment,
    Loan,
    Statement,
    led_by,
)

BY_LOAN = led_by("loan")
BY_CARD = led_by("card")
ACCOUNT = (Account("1000"),)


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of due reminders."""
    yield from _boundaries("loan_matures", "due.loan_days", dates, _loan)
    yield from _boundaries("repayment", "due.repayment_days", dates, _repayment)
    yield from _boundaries("card_repayment", "due.card_days", dates, _card)
    yield from _boundaries("time_deposit_matures", "due.deposit_days", dates, _deposit)
    yield from _boundaries("certificate_matures", "due.deposit_days", dates, _certificate)
    yield from _boundaries("wealth_matures", "due.wealth_days", dates, _wealth)
    yield from _boundaries("document_expires", "due.document_days", dates, _document)
    yield from _boundaries("risk_profile_expires", "due.risk_profile_days", dates, _risk_profile)
    yield from _over_and_done(dates)


def _boundaries(
    name: str, code: str, dates: Dates, make: Callable[[str, date, bool, Dates], Case]
) -> Iterator[Case]:
    ahead = dates.number(code)
    for when, offset, expected in (
        ("today", 0, False), ("tomorrow", 1, True), ("on_the_last_day_ahead", ahead, True),
        ("a_day_later", ahead + 1, False),
    ):  # fmt: skip
        yield make(f"{name}_{when}", dates.as_of + timedelta(days=offset), expected, dates)


def _loan(name: str, day: date, expected: bool, dates: Dates) -> Case:
    """A loan whose last instalment is due with it: where that is near, it is a second reminder."""
    last = Instalment(day, "50000", "100")
    due = [Due("R02.LOAN_MATURES", day, "50000", 0)] if expected else []
    if dates.as_of < day <= dates.ago(-dates.number("due.repayment_days")):
        due.append(Due("R02.REPAYMENT_DUE", day, "50100", 0))
    return Case(name, accounts=ACCOUNT, coverage=BY_LOAN, due=tuple(due),
                loans=(Loan("50000", matures_on=day, instalments=(last,)),))  # fmt: skip


def _repayment(name: str, day: date, expected: bool, dates: Dates) -> Case:
    loan = Loan("50000", matures_on=day + timedelta(days=300), instalments=(
        Instalment(day, "5000", "123.45"), Instalment(day + timedelta(days=300), "45000", "90"),
    ))  # fmt: skip
    due = (Due("R02.REPAYMENT_DUE", day, "5123.45", 0),) if expected else ()
    return Case(name, accounts=ACCOUNT, loans=(loan,), coverage=BY_LOAN, due=due)


def _card(name: str, day: date, expected: bool, dates: Dates) -> Case:
    due = (Due("R02.CARD_REPAYMENT_DUE", day, "888.88", 0),) if expected else ()
    card = Card("9000", statements=(Statement(day, "888.88"),))
    return Case(name, accounts=ACCOUNT, cards=(card,), coverage=BY_CARD, due=due)


def _deposit(name: str, day: date, expected: bool, dates: Dates) -> Case:
    due = (Due("R02.DEPOSIT_MATURES", day, "40000", 0, 1),) if expected else ()
    return Case(name, due=due, accounts=(
        *ACCOUNT, Account("40000", product="time", matures_on=day)))  # fmt: skip


def _certificate(name: str, day: date, expected: bool, dates: Dates) -> Case:
    due = (Due("R02.DEPOSIT_MATURES", day, "200000", 0, 1),) if expected else ()
    return Case(name, due=due, accounts=(
        *ACCOUNT, Account("200000", product="certificate", matures_on=day)))  # fmt: skip


def _wealth(name: str, day: date, expected: bool, dates: Dates) -> Case:
    due = (Due("R02.WEALTH_MATURES", day, "60000", 0),) if expected else ()
    return Case(name, accounts=ACCOUNT, holdings=(Holding("60000", day),), due=due)


def _document(name: str, day: date, expected: bool, dates: Dates) -> Case:
    due = (Due("R02.DOCUMENT_EXPIRES", day),) if expected else ()
    return Case(name, accounts=ACCOUNT, document_expires_on=day, due=due)


def _risk_profile(name: str, day: date, expected: bool, dates: Dates) -> Case:
    due = (Due("R02.RISK_PROFILE_EXPIRES", day),) if expected else ()
    return Case(name, accounts=ACCOUNT, risk_profile_expires_on=day, due=due)


def _over_and_done(dates: Dates) -> Iterator[Case]:
    soon, day = dates.as_of + timedelta(days=2), dates.as_of
    settled = Loan("50000", status="settled", settled_on=day - timedelta(days=200), matures_on=soon)
    yield Case("settled_loan_matures_no_more", accounts=ACCOUNT, loans=(settled,))
    ahead = Instalment(soon, "5000", "50", paid_on=day - timedelta(days=3))
    rest = Instalment(day + timedelta(days=200), "45000", "90")
    yield Case("instalment_paid_ahead", accounts=ACCOUNT, coverage=BY_LOAN, loans=(
        Loan("45000", amount="50000", instalments=(ahead, rest)),))  # fmt: skip
    yield Case("statement_paid_ahead", accounts=ACCOUNT, coverage=BY_CARD, cards=(
        Card("9000", statements=(Statement(soon, "500", paid_on=day - timedelta(days=1)),)),
    ))  # fmt: skip
    yield Case("statement_of_nothing", accounts=ACCOUNT, coverage=BY_CARD, cards=(
        Card("9000", statements=(Statement(soon, "0"),)),))  # fmt: skip
    yield Case("statement_of_a_closed_card", accounts=ACCOUNT, cards=(
        Card("9000", closed_on=day, statements=(Statement(soon, "70"),)),))  # fmt: skip
    yield Case("time_deposit_closed_early", accounts=(
        *ACCOUNT, Account("0", product="time", matures_on=soon, closed_on=day - timedelta(days=6)),
    ))  # fmt: skip
    yield Case("wealth_ended_early", accounts=ACCOUNT, holdings=(
        Holding("60000", soon, ended_on=day - timedelta(days=1)),))  # fmt: skip
    yield Case("wealth_without_maturity", accounts=ACCOUNT, holdings=(Holding("60000", None),))
    yield Case("invalid_customer_is_not_reminded", status="invalid", accounts=ACCOUNT,
               document_expires_on=soon, coverage=())  # fmt: skip
    both = Loan("50000", matures_on=soon, instalments=(Instalment(soon, "50000", "60.01"),))
    yield Case(
        "last_instalment_matures_too", accounts=ACCOUNT, loans=(both,), coverage=BY_LOAN,
        due=(Due("R02.LOAN_MATURES", soon, "50000", 0),
             Due("R02.REPAYMENT_DUE", soon, "50060.01", 0)),
    )  # fmt: skip
