"""Cases of T02, who may want a loan, and T03, who may want a credit card."""

from collections.abc import Iterator
from datetime import date, timedelta

from bank_simulator.cases.prototype import (
    Account,
    Card,
    Case,
    Dates,
    Due,
    Loan,
    Merchant,
    Move,
    Payroll,
    Statement,
    led_by,
)
from bank_simulator.cases.times import at, months_before, years_before

DAY = timedelta(days=1)
ACCOUNT = (Account("1000"),)
BY_DEPOSIT, BY_LOAN, BY_CARD = led_by("deposit"), led_by("loan"), led_by("card")
SETTLED = led_by("loan_settled")


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of demand for loans and cards."""
    yield from _lines(dates)
    yield from _settled(dates)
    yield from _turnover(dates)
    yield from _mortgages(dates)
    yield from _seasonal(dates)
    yield from _payroll(dates)
    yield from _spending(dates)
    yield from _limits(dates)
    yield from _unused_cards(dates)


def _lines(dates: Dates) -> Iterator[Case]:
    line, short = dates.yuan("potential.line_min"), dates.yuan("potential.line_min", "-0.01")
    for name, loan, expected in (
        ("not_drawn", Loan("0", amount=line), 50),
        ("not_drawn_one_cent_short", Loan("0", amount=short), False),
        ("drawn_by_a_cent", Loan("0.01", amount=line), False),
    ):  # fmt: skip
        yield Case(f"line_{name}", accounts=ACCOUNT, loans=(loan,), coverage=BY_LOAN,
                   tags={"T02/LINE_UNUSED": expected})  # fmt: skip


def _settled(dates: Dates) -> Iterator[Case]:
    days = dates.number("potential.settled_days")

    def settled(
        name: str, expected: bool | int, ago: int, *more: Loan, overdue_on: date | None = None
    ) -> Case:
        loan = Loan("30000", status="settled", settled_on=dates.ago(ago),
                    matures_on=dates.ago(ago - 50), last_overdue_on=overdue_on)  # fmt: skip
        return Case(f"settled_{name}", accounts=ACCOUNT, loans=(loan, *more),
                    coverage=BY_LOAN if more else SETTLED,
                    tags={"T02/SETTLED_CLEAN": expected})  # fmt: skip

    yield settled("today", dates.strength("30000"), 0)
    yield settled("on_the_first_day", True, days - 1)
    yield settled("the_day_before", False, days)
    yield settled("after_trouble", False, 9, overdue_on=dates.first - 200 * DAY)
    yield settled("but_another_is_running", False, 9, Loan("5000"))


def _turnover(dates: Dates) -> Iterator[Case]:
    days = dates.number("potential.turnover_days")
    rest = dates.yuan("potential.turnover_min", "-100")

    def merchant(
        name: str, expected: bool | int, cents: str = "100", ago: int = 20, *,
        shop: Merchant | None = None, loan: bool = False,
    ) -> Case:  # fmt: skip
        moves = (Move(at(dates.ago(12), "22:00"), rest, "acquiring"),
                 Move(at(dates.ago(ago), "22:00"), cents, "acquiring"))  # fmt: skip
        shop = shop or Merchant(dates.first - 50 * DAY)
        return Case(
            f"turnover_{name}", accounts=(Account("300", moves=moves),), merchants=(shop,),
            loans=(Loan("5000"),) if loan else (), tags={"T02/MERCHANT_TURNOVER": expected},
            coverage=BY_LOAN if loan else BY_DEPOSIT,
        )  # fmt: skip

    yield merchant("exactly_enough", 50)
    yield merchant("one_cent_short", False, "99.99")
    yield merchant("on_the_first_day", True, ago=days - 1)
    yield merchant("the_day_before", False, ago=days)
    yield merchant("of_a_merchant_until_today", False,
                   shop=Merchant(dates.first - 50 * DAY, dates.as_of))  # fmt: skip
    yield merchant("of_a_merchant_from_tomorrow", False, shop=Merchant(dates.ago(-1)))
    yield merchant("with_a_loan", False, loan=True)


def _mortgages(dates: Dates) -> Iterator[Case]:
    granted_on = years_before(dates.as_of, dates.number("potential.mortgage_years"))

    def mortgage(name: str, expected: bool | int, day: date, **more: object) -> Case:
        loan = Loan("90000", amount="200000", granted_on=day, **{"product": "mortgage", **more})  # type: ignore[arg-type]
        return Case(f"mortgage_{name}", accounts=ACCOUNT, loans=(loan,), coverage=BY_LOAN,
                    tags={"T02/MORTGAGE_YEARS": expected})  # fmt: skip

    yield mortgage("of_exactly_so_many_years", dates.strength("90000"), granted_on)
    yield mortgage("of_a_day_less", False, granted_on + DAY)
    yield mortgage("once_overdue", False, granted_on - 90 * DAY,
                   last_overdue_on=dates.first - 400 * DAY)  # fmt: skip
    yield mortgage("that_is_none", False, granted_on - 90 * DAY, product="consumer")


def _seasonal(dates: Dates) -> Iterator[Case]:
    year, days = years_before(dates.as_of, 1), dates.number("potential.seasonal_days")

    def farmer(
        name: str, expected: bool | int, granted_on: date, *more: Loan, work: str = "farmer"
    ) -> Case:
        # What was borrowed in spring was paid back before it could still decide the coverage.
        settled_on = granted_on + 60 * DAY
        loan = Loan("8000", granted_on=granted_on, status="settled", settled_on=settled_on,
                    matures_on=settled_on, product="farm")  # fmt: skip
        return Case(
            f"seasonal_{name}", accounts=ACCOUNT, loans=(loan, *more), occupation=work,
            tags={"T02/SEASONAL": expected}, coverage=BY_LOAN if more else BY_DEPOSIT,
        )  # fmt: skip

    yield farmer("a_year_and_no_day_ago", False, year)
    yield farmer("from_the_day_after", dates.strength("8000"), year + DAY)
    yield farmer("until_the_last_day", True, year + days * DAY)
    yield farmer("a_day_later", False, year + (days + 1) * DAY)
    yield farmer("of_a_teacher", False, year + 5 * DAY, work="teacher")
    yield farmer("of_a_trader", True, year + 5 * DAY, work="trader")
    yield farmer("but_a_loan_is_running", False, year + 5 * DAY, Loan("5000"))


def _payroll(dates: Dates) -> Iterator[Case]:
    def paid(name: str, expected: bool | int, *cards: Card, until: date | None = None) -> Case:
        leads = any(card.card_type == "credit" and not card.closed_on for card in cards)
        return Case(
            f"salary_{name}", accounts=ACCOUNT, cards=cards, payroll=Payroll(until),
            tags={"T03/PAYROLL_NO_CARD": expected}, coverage=BY_CARD if leads else BY_DEPOSIT,
        )  # fmt: skip

    yield paid("without_a_card", 50)
    yield paid("until_today", False, until=dates.as_of)
    yield paid("until_tomorrow", True, until=dates.ago(-1))
    yield paid("with_a_card", False, Card("9000"))
    yield paid("with_a_card_closed_today", True, Card("9000", closed_on=dates.as_of))
    yield paid("with_a_debit_card", True, Card("9000", card_type="debit"))


def _spending(dates: Dates) -> Iterator[Case]:
    days, half = dates.number("potential.flow_days"), dates.yuan("potential.spend_min", times="0.5")
    less = dates.yuan("potential.spend_min", "-0.01", "0.5")

    def spent(
        name: str, expected: bool | int, second: str = half, ago: int = 3, *cards: Card,
        back: bool = False, kind: str = "purchase",
    ) -> Case:  # fmt: skip
        moves = [Move(at(dates.ago(6), "12:00"), f"-{half}", "purchase"),
                 Move(at(dates.ago(ago), "12:00"), f"-{second}", kind, ref="second")]  # fmt: skip
        if back:
            moves.append(Move(at(dates.ago(2), "09:00"), second, kind, reverses="second"))
        return Case(
            f"spent_{name}", accounts=(Account("90000", moves=tuple(moves)),), cards=cards,
            tags={"T03/DEBIT_SPEND": expected}, coverage=BY_CARD if cards else BY_DEPOSIT,
        )  # fmt: skip

    yield spent("exactly_enough", 50)
    yield spent("one_cent_short", False, less)
    yield spent("on_the_first_day", True, ago=days - 1)
    yield spent("the_day_before", False, ago=days)
    yield spent("and_returned", False, back=True)
    yield spent("in_cash", False, kind="cash_out")
    yield spent("with_a_credit_card", False, half, 3, Card("9000"))


def _limits(dates: Dates) -> Iterator[Case]:
    owed = 100 * dates.number("potential.utilisation_pct")
    months_ago = months_before(dates.as_of, dates.number("potential.punctual_months"))

    def used(
        name: str, expected: bool | int, amount: str = f"{owed}", *earlier: Statement,
        periods: int = 0, closed_on: date | None = None, due: tuple[Due, ...] = (),
    ) -> Case:  # fmt: skip
        card = Card("10000", statements=(Statement(dates.ago(-15), amount), *earlier),
                    issued_on=months_ago - 90 * DAY, overdue_periods=periods,
                    closed_on=closed_on)  # fmt: skip
        return Case(
            f"limit_{name}", accounts=ACCOUNT, cards=(card,), due=due,
            tags={"T03/LIMIT_UP": expected}, coverage=BY_DEPOSIT if closed_on else BY_CARD,
        )  # fmt: skip

    late, paid = dates.ago(40), dates.ago(39)
    yield used("used_exactly_enough", 50)
    yield used("used_one_cent_less", False, f"{owed - 1}.99")
    yield used("used_and_overdue", False, periods=1)
    yield used("used_and_once_late", False, f"{owed}", Statement(late, "70", paid))
    yield used("used_and_paid_when_due", True, f"{owed}", Statement(late, "70", late))
    yield used("used_and_nothing_was_late", True, f"{owed}", Statement(late, "0"))
    in_time = months_ago + 20 * DAY
    yield used("used_and_late_long_ago", True, f"{owed}",
               Statement(in_time, "70", in_time + DAY))  # fmt: skip
    yield used("used_and_late_a_day_later", False, f"{owed}",
               Statement(in_time + DAY, "70", in_time + 2 * DAY))  # fmt: skip
    yield used("used_and_due_today", True, f"{owed - 70}", Statement(dates.as_of, "70"))
    until = dates.as_of + dates.number("overdue.card_nights") * DAY
    yield used("used_and_due_yesterday", False, f"{owed - 70}", Statement(dates.ago(1), "70"), due=(
        Due("R03.CARD_OVERDUE", until, "70", 0, window=f"due:{dates.ago(1)}"),))  # fmt: skip
    yield used("of_a_closed_card", False, closed_on=dates.as_of)


def _unused_cards(dates: Dates) -> Iterator[Case]:
    days = dates.number("potential.activation_days")

    def issued(name: str, expected: bool | int, card: Card) -> Case:
        leads = BY_CARD if card.card_type == "credit" else BY_DEPOSIT
        return Case(f"card_{name}", accounts=ACCOUNT, cards=(card,), coverage=leads,
                    tags={"T03/NOT_ACTIVATED": expected})  # fmt: skip

    day = dates.ago(days)
    yield issued("never_activated", 50, Card("9000", issued_on=day, activated_on="never"))
    yield issued("issued_a_day_later", False,
                 Card("9000", issued_on=day + DAY, activated_on="never"))  # fmt: skip
    yield issued("activated_today", False,
                 Card("9000", issued_on=day, activated_on=dates.as_of))  # fmt: skip
    yield issued("activated_tomorrow", True,
                 Card("9000", issued_on=day, activated_on=dates.ago(-1)))  # fmt: skip
    yield issued("never_activated_debit", False,
                 Card("9000", issued_on=day, activated_on="never", card_type="debit"))  # fmt: skip
