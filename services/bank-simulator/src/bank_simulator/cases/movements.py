"""Cases of funds movements, for each of the last three days of the period.

Everything a case needs is booked on its own day, so that replaying that day alone suffices.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from bank_simulator.cases.prototype import (
    Account,
    Case,
    Cover,
    CustomerType,
    Dates,
    Move,
    Movement,
)
from bank_simulator.cases.times import at

IGNORED = ("deposit_open", "interest", "sanction_interest", "loan_drawdown", "wealth_redeem")
IGNORED_OUT = ("deposit_close", "fee", "loan_repayment", "card_repayment", "wealth_buy")
OTHER_BANK = "Example Bank"


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of movements."""
    for back in (2, 1, 0):
        day = dates.last - timedelta(days=back)
        yield from _inflows(day)
        yield from _outflows(day)
        yield from _ignored(day)
        yield from _reversed_on_the_day(day)
        yield from _transfers(day)
        yield from _closures(dates, day)


def _inflow(
    name: str, day: date, amount: str, expected: bool, *, kind: CustomerType = "individual",
    txn_type: str = "transfer_in", clock: str = "10:15",
) -> Case:  # fmt: skip
    return Case(
        name, customer_type=kind,
        accounts=(Account("1000", moves=(Move(at(day, clock), amount, txn_type, ref="big"),)),),
        movements=(Movement(day, "R01.LARGE_INFLOW", expected, "big"),),
    )  # fmt: skip


def _inflows(day: date) -> Iterator[Case]:
    yield _inflow("inflow_exactly_500000", day, "500000", True)
    yield _inflow("inflow_one_cent_short", day, "499999.99", False)
    yield _inflow("inflow_in_cash", day, "520000", True, txn_type="cash_in")
    yield _inflow("inflow_in_the_first_second", day, "600000", True, clock="00:00:00")
    yield _inflow("inflow_in_the_last_second", day, "600000", True, clock="23:59:59")
    yield _inflow("business_inflow_exactly_5000000", day, "5000000", True, kind="business")
    yield _inflow("business_inflow_one_cent_short", day, "4999999.99", False, kind="business")
    yield _inflow("group_inflow_exactly_5000000", day, "5000000", True, kind="group")
    yield _inflow("group_inflow_of_500000", day, "500000", False, kind="group")


def _outflow(
    name: str, day: date, amount: str, expected: bool, *, kind: CustomerType = "individual",
    txn_type: str = "cash_out",
) -> Case:  # fmt: skip
    """A debit of that size, paid from a wealth product redeemed an hour earlier."""
    return Case(
        name, customer_type=kind,
        accounts=(Account("1000", moves=(
            Move(at(day, "09:00"), amount, "wealth_redeem"),
            Move(at(day, "10:00"), f"-{amount}", txn_type, ref="big"),
        )),),
        movements=(Movement(day, "R01.LARGE_OUTFLOW", expected, "big"),),
    )  # fmt: skip


def _outflows(day: date) -> Iterator[Case]:
    yield _outflow("outflow_exactly_500000", day, "500000", True)
    yield _outflow("outflow_one_cent_short", day, "499999.99", False)
    yield _outflow("outflow_by_purchase", day, "510000", True, txn_type="purchase")
    yield _outflow("business_outflow_exactly_5000000", day, "5000000", True, kind="business")
    yield _outflow("business_outflow_one_cent_short", day, "4999999.99", False, kind="business")


def _ignored(day: date) -> Iterator[Case]:
    for txn_type in IGNORED:
        yield _inflow(f"ignored_{txn_type}", day, "700000", False, txn_type=txn_type)
    for txn_type in IGNORED_OUT:
        yield _outflow(f"ignored_{txn_type}", day, "700000", False, txn_type=txn_type)
    original = Move(at(day, "10:00", -4), "600000", "transfer_in", OTHER_BANK, ref="original")
    back = Move(at(day, "10:00"), "-600000", "transfer_in", OTHER_BANK, "back", "original")
    yield Case(
        "reversal_of_a_large_inflow", accounts=(Account("1000", moves=(original, back)),),
        movements=(Movement(day, "R01.LARGE_OUTFLOW", False, "back"),),
    )  # fmt: skip
    spent = Move(at(day, "10:00", -4), "-600000", "purchase", ref="original")
    refund = Move(at(day, "10:00"), "600000", "purchase", ref="back", reverses="original")
    funds = Move(at(day, "09:00", -4), "600000", "wealth_redeem")
    yield Case(
        "reversal_of_a_large_outflow", accounts=(Account("1000", moves=(funds, spent, refund)),),
        movements=(Movement(day, "R01.LARGE_INFLOW", False, "back"),),
    )  # fmt: skip


def _reversed_on_the_day(day: date) -> Iterator[Case]:
    """Bookings that are taken back on the day itself: whichever arrives first, nothing stands."""
    came = Move(at(day, "10:00"), "800000", "transfer_in", OTHER_BANK, ref="big")
    back = Move(at(day, "10:20"), "-800000", "transfer_in", OTHER_BANK, reverses="big")
    yield Case(
        "large_inflow_reversed_on_the_day",
        accounts=(Account("1000", moves=(came, back)),),
        movements=(Movement(day, "R01.LARGE_INFLOW", False, "big"),),
    )  # fmt: skip

    def out(clock: str, ref: str | None = None) -> Move:
        return Move(at(day, clock), "-1000", "transfer_out", OTHER_BANK, ref)

    def refund(clock: str) -> Move:
        return Move(at(day, clock), "1000", "transfer_out", OTHER_BANK, reverses="wrong")

    five = (out("09:00"), out("10:30"), out("13:00", "wrong"), out("16:45"), out("17:00"))
    yield _frequent("fifth_transfer_reversed", day, False, *five, refund("17:10"))
    yield _frequent("sixth_transfer_reversed", day, True, *five, out("17:05"), refund("17:10"))


def _frequent(name: str, day: date, expected: bool, *moves: Move,
              accounts: tuple[Account, ...] = ()) -> Case:  # fmt: skip
    return Case(
        name, accounts=(Account("90000", moves=moves), *accounts),
        movements=(Movement(day, "R01.FREQUENT_TRANSFERS_OUT", expected),),
    )  # fmt: skip


def _transfers(day: date) -> Iterator[Case]:
    def out(clock: str, later: int = 0, bank: str | None = OTHER_BANK) -> Move:
        return Move(at(day, clock, later), "-1000", "transfer_out", bank)

    four = (out("09:00"), out("10:30"), out("13:00"), out("16:45"))
    yield _frequent("five_transfers_in_a_day", day, True, *four, out("20:00"))
    yield _frequent("four_transfers_in_a_day", day, False, *four)
    yield _frequent("nine_transfers_are_one_reminder", day, True, *four,
                    *(out(f"21:{minute}") for minute in range(10, 15)))  # fmt: skip
    yield _frequent("five_transfers_within_a_minute", day, True,
                    *(out(f"12:00:{second}") for second in range(10, 15)))  # fmt: skip
    yield _frequent("first_and_last_second_of_the_day", day, True, out("00:00:00"),
                    out("08:00"), out("12:00"), out("18:00"), out("23:59:59"))  # fmt: skip
    # The first of five lies exactly 24 hours before the last: (t - 24 h, t] leaves it out.
    yield _frequent("five_in_exactly_24_hours", day, False, out("16:45:00", -1),
                    out("09:00"), out("10:30"), out("13:00"), out("16:45:00"))  # fmt: skip
    yield _frequent("fifth_transfer_within_the_bank", day, False, *four, out("20:00", bank=None))
    yield _frequent("fifth_is_an_incoming_transfer", day, False, *four,
                    Move(at(day, "20:00"), "1000", "transfer_in", OTHER_BANK))  # fmt: skip
    yield _frequent(
        "five_transfers_from_two_accounts", day, True, *four,
        accounts=(Account("5000", moves=(out("20:00"),)),),
    )  # fmt: skip


def _closures(dates: Dates, day: date) -> Iterator[Case]:
    def closing(name: str, account: Account, coverage: tuple[Cover, ...]) -> Case:
        return Case(
            name, accounts=(Account("1000"), account), coverage=coverage,
            managers={0: "m0", 1: "m1"},
            movements=(Movement(day, "R01.ACCOUNT_CLOSED", True, account=1),),
        )  # fmt: skip

    lead = Cover("lead", 0, "m0", "deposit")
    paid_out = (Move(at(day, "14:00"), "-600", "deposit_close"),)
    yield closing("demand_account_closed", Account("600", closed_on=day, moves=paid_out), (lead,))
    still_open = (lead, Cover("assist", 1, "m1", "deposit"))
    yield closing(
        "account_of_a_second_branch_closed",
        Account("600", 1, closed_on=day, moves=paid_out),
        still_open if day > dates.as_of else (lead,),
    )
    yield closing(
        "time_deposit_closed",
        Account("600", product="time", matures_on=dates.as_of + timedelta(days=200),
                closed_on=day, moves=paid_out),
        (lead,),
    )  # fmt: skip
    yield closing("empty_account_closed", Account("0", closed_on=day), (lead,))
