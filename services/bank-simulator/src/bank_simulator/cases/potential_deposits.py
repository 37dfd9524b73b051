"""Cases of T01: idle money, maturing money, payroll moved out, net outflow, proceeds."""

from collections.abc import Iterator
from datetime import date, timedelta

from bank_simulator.cases.prototype import Account, Case, Dates, Due, Move
from bank_simulator.cases.times import at

OTHER_BANK = "Example Bank"
DAY = timedelta(days=1)


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of deposit growth."""
    yield from _idle(dates)
    yield from _maturing(dates)
    yield from _payroll(dates)
    yield from _net_out(dates)
    yield from _proceeds(dates)


def dip(day: date, cents: str = "0.01") -> tuple[Move, Move]:
    """A cent less at the end of one day, back the next."""
    return (Move(at(day, "10:00"), f"-{cents}"), Move(at(day + DAY, "10:00"), cents))


def deposit_due(dates: Dates, day: date, amount: str, index: int = 1) -> tuple[Due, ...]:
    """The reminder of a deposit that matures, where it is near enough."""
    near = dates.as_of < day <= dates.ago(-dates.number("due.deposit_days"))
    return (Due("R02.DEPOSIT_MATURES", day, amount, 0, index),) if near else ()


def _idle(dates: Dates) -> Iterator[Case]:
    days, enough = dates.number("potential.idle_days"), dates.yuan("potential.idle_balance")
    first = dates.ago(days - 1)

    def idle(name: str, expected: bool | int, *accounts: Account) -> Case:
        return Case(f"idle_{name}", accounts=accounts, tags={"T01/IDLE_DEMAND": expected})

    yield idle("exactly_enough", 50, Account(enough))
    more = Account(dates.yuan("potential.idle_balance", "-0.01", "2"))
    yield idle("almost_twice_as_much", 99, more, Account(enough))
    yield idle("three_times_as_much", 100, Account(dates.yuan("potential.idle_balance", times="3")))
    yield idle("one_cent_short", False, Account(dates.yuan("potential.idle_balance", "-0.01")))
    yield idle("one_cent_short_on_the_first_day", False, Account(enough, moves=dip(first)))
    yield idle("one_cent_short_the_day_before", True, Account(enough, moves=dip(first - DAY)))
    yield idle("one_cent_short_today", False,
               Account(enough, moves=(Move(at(dates.as_of, "22:00"), "-0.01"),)))  # fmt: skip
    half = dates.yuan("potential.idle_balance", times="0.6")
    yield idle("in_two_accounts", False, Account(half), Account(half))
    yield idle("in_a_time_deposit", False, Account("10"),
               Account(enough, product="time", matures_on=dates.ago(-300)))  # fmt: skip
    for name, opened_on, expected in (("since_the_first_day", first, True),
                                      ("since_the_day_after", first + DAY, False)):  # fmt: skip
        yield idle(name, expected, Account("0", opened_on=opened_on, moves=(
            Move(at(opened_on, "09:00"), enough, "deposit_open"),)))  # fmt: skip


def _maturing(dates: Dates) -> Iterator[Case]:
    days = dates.number("potential.time_days")

    def maturing(name: str, day: date, expected: bool | int, closed_on: date | None = None) -> Case:
        amount = "0" if closed_on else "20000"
        return Case(
            f"time_deposit_{name}",
            accounts=(Account("10"), Account(amount, product="time", matures_on=day,
                                             closed_on=closed_on)),
            tags={"T01/TIME_MATURING": expected},
            due=() if closed_on else deposit_due(dates, day, amount),
        )  # fmt: skip

    yield maturing("of_today_is_not_maturing", dates.as_of, False)
    yield maturing("of_tomorrow_is_maturing", dates.ago(-1), dates.strength("20000"))
    yield maturing("of_the_last_day_is_maturing", dates.ago(-days), True)
    yield maturing("of_a_day_later_is_not_maturing", dates.ago(-days - 1), False)
    yield maturing("closed_is_not_maturing", dates.ago(-5), False, dates.ago(20))


def _payroll(dates: Dates) -> Iterator[Case]:
    pct, days = dates.number("potential.payroll_moved_pct"), dates.number("potential.flow_days")
    enough = f"-{6000 * pct // 100}"

    def moved(
        name: str, expected: bool | int, ago: int, amount: str, *, later: int = 0,
        clock: str = "15:00",
        bank: str | None = OTHER_BANK, second: bool = False, back: bool = False,
    ) -> Case:  # fmt: skip
        out = Move(at(dates.ago(ago), clock, later), amount, "transfer_out", bank, "out")
        pay = Move(at(dates.ago(ago), "10:00"), "6000", "payroll")
        undo = Move(at(dates.ago(ago), "18:00", later), amount[1:], "transfer_out", bank, None,
                    "out")  # fmt: skip
        first = (pay,) if second else (pay, out, undo) if back else (pay, out)
        accounts = (Account("7000", moves=first),)
        return Case(
            f"payroll_{name}", tags={"T01/PAYROLL_MOVED": expected},
            accounts=(*accounts, Account("9000", moves=(out,))) if second else accounts,
        )  # fmt: skip

    less = f"-{6000 * pct // 100 - 1}.99"
    yield moved("moved_exactly_enough", 50, 10, enough)
    yield moved("moved_one_cent_less", False, 10, less)
    yield moved("moved_the_next_day", True, 10, enough, later=1)
    yield moved("moved_two_days_later", False, 10, enough, later=2)
    yield moved("moved_before_it_came_on_the_day", True, 10, enough, clock="08:00")
    yield moved("moved_within_the_bank", False, 10, enough, bank=None)
    yield moved("moved_from_another_account", False, 10, enough, second=True)
    yield moved("moved_and_reversed", False, 10, enough, back=True)
    yield moved("moved_today", True, 0, enough)
    yield moved("moved_on_the_first_day", True, days - 1, enough)
    yield moved("moved_the_day_before", False, days, enough)


def _net_out(dates: Dates) -> Iterator[Case]:
    days, enough = dates.number("potential.flow_days"), dates.yuan("potential.other_bank_out_min")

    def net(name: str, expected: bool | int, out: str, into: str, ago: int = 8) -> Case:
        moves = (
            Move(at(dates.ago(ago), "09:00"), f"-{out}", "transfer_out", OTHER_BANK),
            Move(at(dates.ago(8), "11:00"), into, "transfer_in", OTHER_BANK),
        )
        return Case(f"net_out_{name}", accounts=(Account("150000", moves=moves),),
                    tags={"T01/NET_OUT": expected})  # fmt: skip

    short = dates.yuan("potential.other_bank_out_min", "-0.01")
    yield net("exactly_enough", 50, enough, short)
    yield net("one_cent_short", False, short, "1")
    yield net("not_above_what_came_in", False, enough, enough)
    yield net("on_the_first_day", True, enough, "1", days - 1)
    yield net("the_day_before", False, enough, "1", days)


def _proceeds(dates: Dates) -> Iterator[Case]:
    days, enough = dates.number("potential.flow_days"), dates.yuan("potential.proceeds_min")

    def proceeds(name: str, expected: bool | int, *moves: tuple[str, str, int]) -> Case:
        booked = tuple(
            Move(at(dates.ago(ago), "10:00"), amount, kind) for amount, kind, ago in moves
        )
        return Case(f"proceeds_{name}", accounts=(Account("500", moves=booked),),
                    tags={"T01/PROCEEDS": expected})  # fmt: skip

    land, house = "land_compensation", "property_sale"
    short = dates.yuan("potential.proceeds_min", "-0.01")
    yield proceeds("of_land", 50, (enough, land, 9))
    yield proceeds("of_a_house", True, (enough, house, 9))
    yield proceeds("one_cent_short", False, (short, land, 9))
    yield proceeds("in_two_parts", False, (short, land, 9), (short, house, 9))
    yield proceeds("of_another_kind", False, (enough, "other", 9))
    yield proceeds("on_the_first_day", True, (enough, house, days - 1))
    yield proceeds("the_day_before", False, (enough, house, days))
