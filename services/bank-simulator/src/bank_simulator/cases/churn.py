"""Cases of T06, who is about to leave, and of the stages of the life cycle."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bank_simulator.cases.prototype import (
    Account,
    Card,
    Case,
    Channel,
    Dates,
    Due,
    Holding,
    Loan,
    Merchant,
    Move,
    Movement,
    Payroll,
    led_by,
)
from bank_simulator.cases.times import at, next_month
from crm_shared.business_calendar import previous_month_end

DAY = timedelta(days=1)
CENT = Decimal("0.01")
BY_LOAN = led_by("loan")


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of churn and life cycle that the period allows."""
    yield from _falling(dates)
    yield from _still(dates)
    yield from _closing(dates)
    yield from _key_down(dates)
    yield from _stages(dates)
    yield from _trends(dates)


def complete_months(dates: Dates, count: int) -> list[date]:
    """The first days of the last complete months, oldest first; none if there are fewer."""
    ends = [end for end in dates.month_ends if end.replace(day=1) >= dates.first]
    return [end.replace(day=1) for end in ends[-count:]] if len(ends) >= count else []


def stepped(months: list[date], balances: list[str]) -> Account:
    """An account whose balance is constant within each month from the second one on."""
    amounts = [Decimal(balance) for balance in balances]
    moves = tuple(
        Move(at(day, "08:00"), f"{after - before:.2f}", "cash_in" if after > before else "cash_out")
        for day, before, after in zip(months[1:], amounts, amounts[1:], strict=False)
        if after != before
    )
    return Account(balances[0], moves=moves)


def _falling(dates: Dates) -> Iterator[Case]:
    months = complete_months(dates, 4)
    if not months:
        return
    keep = Decimal(100 - dates.number("potential.fall_pct")) / 100
    # Divisible by 10,000 three times over, so that every fall is exact to the cent.
    falls = [(Decimal(100000) * keep**n).quantize(CENT) for n in range(4)]

    def falling(name: str, expected: bool | int, *balances: Decimal) -> Case:
        return Case(f"average_{name}", tags={"T06/AVG_DOWN": expected},
                    accounts=(stepped(months, [str(one) for one in balances]),))  # fmt: skip

    first, second, third, last = falls
    fall = falls[0] - falls[-1]
    yield falling("fell_exactly_enough", 50 + int(50 * fall / falls[0]), *falls)
    yield falling("fell_a_cent_less_at_last", False, first, second, third, last + CENT)
    yield falling("fell_a_cent_less_at_first", False, first, second + CENT, third, last)
    yield falling("fell_twice_only", False, second, second, third, last)
    yield falling("fell_in_one_leap", False, first, last, last, last)


def _still(dates: Dates) -> Iterator[Case]:
    day = dates.ago(dates.number("potential.no_txn_days"))

    def still(name: str, expected: bool | int, *moves: Move, opened_on: date | None = None) -> Case:
        return Case(f"still_{name}", tags={"T06/NO_TXN": expected},
                    accounts=(Account("20000", opened_on=opened_on, moves=moves),))  # fmt: skip

    def cash(on: date) -> Move:
        return Move(at(on, "10:00"), "-100", "cash_out")

    yield still("since_the_day", 50, cash(day))
    yield still("since_a_day_later", False, cash(day + DAY))
    yield still("but_for_interest", True, Move(at(dates.ago(9), "01:00"), "3", "interest"))
    yield still("but_for_what_others_paid", True,
                Move(at(dates.ago(9), "10:00"), "400", "transfer_in", "Example Bank"))  # fmt: skip
    yield still("but_for_a_reversal", True, Move(at(dates.ago(9), "10:00"), "-40", "purchase",
                                                 ref="spent"),
                Move(at(dates.ago(8), "10:00"), "40", "purchase", reverses="spent"))  # fmt: skip
    yield Case("still_since_it_was_opened_on_the_day", tags={"T06/NO_TXN": True}, accounts=(
        Account("0", opened_on=day, moves=(Move(at(day, "09:30"), "700", "deposit_open"),)),
    ))  # fmt: skip
    yield Case("still_since_it_was_opened_a_day_later", tags={"T06/NO_TXN": False}, accounts=(
        Account("0", opened_on=day + DAY, moves=(Move(at(day + DAY, "09:30"), "700"),)),
    ))  # fmt: skip


def _closing(dates: Dates) -> Iterator[Case]:
    before = previous_month_end(previous_month_end(dates.as_of))
    had, left = dates.yuan("potential.closing_min"), dates.yuan("potential.closing_max")

    def emptied(name: str, expected: bool | int, opening: str, kept: str) -> Case:
        out = f"{Decimal(kept) - Decimal(opening):.2f}"
        move = Move(at(before + DAY, "10:00"), out, "cash_out")
        return Case(f"emptied_{name}", tags={"T06/CLOSING": expected},
                    accounts=(Account(opening, moves=(move,)),))  # fmt: skip

    yield emptied("exactly_enough", dates.strength(had), had, left)
    yield emptied("but_for_a_cent", False, had, f"{Decimal(left) + CENT}")
    yield emptied("of_a_cent_less", False, f"{Decimal(had) - CENT}", left)
    days = dates.number("potential.channel_ended_days")
    for name, ended_on, expected in (
        ("today", dates.as_of, 50), ("on_the_first_day", dates.ago(days - 1), True),
        ("the_day_before", dates.ago(days), False), ("tomorrow", dates.ago(-1), False),
    ):  # fmt: skip
        channel = Channel(dates.first - 300 * DAY, dates.first - DAY, ended_on, "sms")
        yield Case(f"channel_ended_{name}", accounts=(Account("20000"),), channels=(channel,),
                   tags={"T06/CLOSING": expected})  # fmt: skip
        card, by = Card("9000", closed_on=ended_on), "card" if ended_on > dates.as_of else "deposit"
        yield _given_up(f"the_last_card_{name}", expected, cards=(card,), coverage=led_by(by))
    today, time = dates.as_of, Account("20000", product="time", matures_on=dates.ago(-300))
    cards = (Card("9000", closed_on=today), Card("8000"))
    yield _given_up("a_card_and_has_another", False, cards=cards, coverage=led_by("card"))
    yield _given_up("the_till", 50, merchants=(Merchant(dates.first - DAY, today),))
    yield _given_up("the_salary", 50, payroll=Payroll(today))
    closed = Account("0", opened_on=dates.first - 40 * DAY, closed_on=today)
    told = (Movement(today, "R01.ACCOUNT_CLOSED", True, account=0),)
    yield _given_up("the_last_account", 50, accounts=(closed, time), movements=told)
    yield _given_up("an_account_and_has_another", False, movements=told,
                    accounts=(closed, Account("20000")))  # fmt: skip


def _given_up(name: str, expected: bool | int, **what: Any) -> Case:
    case = Case(f"gave_up_{name}", accounts=(Account("20000"),), tags={"T06/CLOSING": expected})
    return replace(case, **what)


def _key_down(dates: Dates) -> Iterator[Case]:
    before = previous_month_end(dates.as_of)
    enough = dates.yuan("key_customer.min_deposit_average", "1")
    out = Move(at(before + DAY, "10:00"), f"-{enough}", "wealth_buy")
    down: dict[str, bool | int] = {"T06/KEY_DOWN": 50}
    yield Case("key_by_deposits_last_month", accounts=(Account(enough, moves=(out,)),), tags=down)
    yield Case("key_by_deposits_still", accounts=(Account(enough),), key="deposit",
               tags={"T06/KEY_DOWN": False})  # fmt: skip
    short = dates.yuan("key_customer.min_deposit_average", "-0.01")
    yield Case("not_key_last_month", accounts=(Account(short),), tags={"T06/KEY_DOWN": False})
    loan = dates.yuan("key_customer.min_loan_balance")
    yield Case(
        "key_by_loans_until_today", accounts=(Account("1000"),), coverage=BY_LOAN, tags=down,
        loans=(Loan(loan, arrears="5", last_overdue_on=dates.as_of),),
        due=(Due("R03.ARREARS", next_month(dates.as_of), "5", 0,
                 window=f"month:{dates.as_of:%Y-%m}"),),
    )  # fmt: skip


def _stages(dates: Dates) -> Iterator[Case]:
    limit = dates.yuan("lifecycle.dormant_aum")
    young, quiet = (dates.number(f"lifecycle.{code}") for code in ("new_days", "dormant_days"))

    def stage(
        name: str, expected: str, *accounts: Account, due: tuple[Due, ...] = (),
        loans: tuple[Loan, ...] = (), holdings: tuple[Holding, ...] = (),
    ) -> Case:  # fmt: skip
        has_account = any(account.closed_on is None for account in accounts)
        rule = "loan" if loans else "deposit" if has_account else "registered"
        return Case(f"stage_{name}", accounts=accounts, loans=loans, holdings=holdings,
                    lifecycle=expected, due=due, coverage=led_by(rule))  # fmt: skip

    def cash(ago: int) -> Account:
        opening = f"{Decimal(limit) + 10 - CENT}"
        return Account(opening, moves=(Move(at(dates.ago(ago), "10:00"), "-10", "cash_out"),))

    yield stage("of_a_prospect", "prospect")
    yield stage("of_one_who_left", "lost", Account("90", closed_on=dates.ago(40), moves=(
        Move(at(dates.ago(40), "10:00"), "-90", "deposit_close"),)))  # fmt: skip
    yield stage("of_a_holder_without_account", "lost",
                holdings=(Holding("50", None, ended_on=dates.as_of),))  # fmt: skip
    since = dates.ago(young - 1)
    yield stage("of_a_new_customer", "new", Account("0", opened_on=since, moves=(
        Move(at(since, "10:00"), "800", "deposit_open"),)))  # fmt: skip
    yield stage("no_longer_new", "stable", Account("0", opened_on=since - DAY, moves=(
        Move(at(since - DAY, "10:00"), "50", "deposit_open"),
        Move(at(dates.ago(2), "10:00"), "-1", "purchase"))))  # fmt: skip
    yield stage("dormant_since_today", "dormant", cash(quiet), due=(
        Due("R04.DORMANT", dates.ago(-1), window=f"since:{dates.ago(quiet)}"),))  # fmt: skip
    yield stage("not_dormant_before_tomorrow", "stable", cash(quiet - 1))
    short = f"{Decimal(limit) - CENT}"
    yield stage("dormant_long_since", "dormant", Account(short))
    yield stage("too_rich_to_be_dormant", "stable", Account(limit))
    yield stage("too_rich_by_a_holding", "stable", Account("0.01"),
                holdings=(Holding(short, None),))  # fmt: skip
    yield stage("not_dormant_with_a_loan", "stable", Account("50"), loans=(Loan("7000"),))


def _trends(dates: Dates) -> Iterator[Case]:
    months = complete_months(dates, 3)
    if not months:
        return
    pct, least = (dates.number("lifecycle.change_pct"), Decimal(dates.yuan("lifecycle.change_min")))
    base = (least * 1000 / pct).quantize(Decimal(1))
    change = base * pct / 100

    def trend(name: str, expected: str, first: Decimal, last: Decimal) -> Case:
        account = stepped(months, [f"{one:.2f}" for one in (first, first, last)])
        # He banks, so that he is not dormant, and has as much at the end of the day.
        banked = (Move(at(dates.ago(4), "12:00"), "-1", "purchase"),
                  Move(at(dates.ago(4), "13:00"), "1"))  # fmt: skip
        return Case(f"trend_{name}", lifecycle=expected,
                    accounts=(replace(account, moves=(*account.moves, *banked)),))  # fmt: skip

    yield trend("grew_exactly_enough", "growing", base, base + change)
    yield trend("grew_a_cent_less", "stable", base, base + change - CENT)
    yield trend("shrank_exactly_enough", "declining", base, base - change)
    yield trend("shrank_a_cent_less", "stable", base, base - change + CENT)
    small = least * 2
    yield trend("shrank_by_too_little_money", "stable", small, small - least + CENT)
    yield trend("shrank_by_just_enough_money", "declining", small, small - least)
