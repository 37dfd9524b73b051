"""Cases of key customers: thresholds to the cent, and a year without arrears."""

from collections.abc import Iterator
from datetime import timedelta

from bank_simulator.cases.prototype import Account, Case, Cover, Dates, Due, Loan, Move, led_by
from bank_simulator.cases.times import at, next_month, years_before

BY_LOAN = led_by("loan")


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of key customers."""
    yield from _deposits(dates)
    yield from _loans(dates)


def _deposits(dates: Dates) -> Iterator[Case]:
    day, days = dates.as_of, dates.number("coverage.averaging_days")

    def deposit(more: str = "0", times: str = "1") -> str:
        return dates.yuan("key_customer.min_deposit_average", more, times)

    yield Case("average_exactly_enough", accounts=(Account(deposit()),), key="deposit")
    dip = (Move(at(day, "09:00", -10), "-0.01", "fee"), Move(at(day, "09:00", -9), "0.01", "other"))
    # The average is less than a cent short: it would round to the threshold, and does not reach it.
    yield Case("average_one_cent_short_on_one_day", accounts=(Account(deposit(), moves=dip),))
    yield Case("balance_one_cent_short_all_along", accounts=(Account(deposit("-0.01")),))
    yield Case(
        "average_of_several_branches_adds_up",
        accounts=(Account(deposit(times="0.6"), 0), Account(deposit(times="0.4"), 1)),
        key="deposit",
        coverage=(Cover("lead", 0, "m0", "deposit"), Cover("assist", 1, "V", "deposit")),
    )  # fmt: skip
    half = days // 2
    yield Case(
        "opened_for_half_the_days_with_twice_the_average",
        accounts=(Account("0", opened_on=dates.ago(half - 1), moves=(
            Move(at(day, "09:00", 1 - half), deposit(times="2"), "deposit_open"),)),),
        key="deposit", due=(_became_key(dates),),
    )  # fmt: skip
    yield Case(
        "opened_a_day_too_late_with_twice_the_average",
        accounts=(Account("0", opened_on=dates.ago(half - 2), moves=(
            Move(at(day, "09:00", 2 - half), deposit(times="2"), "deposit_open"),)),),
    )  # fmt: skip
    yield Case(
        "rich_once_but_not_in_the_window",
        accounts=(Account(deposit(times="4"), moves=(
            Move(at(day, "09:00", 1 - days), f"-{deposit('-10000', times='4')}", "wealth_buy"),)),),
    )  # fmt: skip
    yield Case(
        "closed_account_no_longer_counts",
        accounts=(
            Account("5000"),
            Account("900000", closed_on=day - timedelta(days=5),
                    moves=(Move(at(day, "09:00", -5), "-900000", "deposit_close"),)),
        ),
    )  # fmt: skip
    yield Case(
        "business_has_the_same_threshold", customer_type="business",
        accounts=(Account(deposit()),), key="deposit",
    )  # fmt: skip
    yield Case("invalid_customer_is_no_key_customer", status="invalid",
               accounts=(Account(deposit(times="2")),), coverage=())  # fmt: skip


def _became_key(dates: Dates) -> Due:
    return Due("R04.BECAME_KEY", dates.ago(-1), window=f"on:{dates.as_of}")


def _loans(dates: Dates) -> Iterator[Case]:
    day = dates.as_of
    years_ago = years_before(day, dates.number("key_customer.clean_years"))
    account = (Account("1000"),)

    def loan(more: str = "0", times: str = "1") -> str:
        return dates.yuan("key_customer.min_loan_balance", more, times)

    def borrower(name: str, *loans: Loan, key: bool = False, due: tuple[Due, ...] = ()) -> Case:
        return Case(name, accounts=account, loans=loans, coverage=BY_LOAN,
                    key="loan" if key else None, due=due)  # fmt: skip

    yield borrower("loan_exactly_large_enough", Loan(loan()), key=True)
    yield borrower("loan_one_cent_short", Loan(loan("-0.01"), amount=loan(times="1.5")))
    yield borrower("loans_add_up", Loan(loan(times="0.6")), Loan(loan(times="0.4")), key=True)
    yield borrower("overdue_years_ago", Loan(loan(), last_overdue_on=years_ago), key=True,
                   due=(_became_key(dates),))  # fmt: skip
    yield borrower("overdue_years_less_a_day_ago",
                   Loan(loan(), last_overdue_on=years_ago + timedelta(days=1)))  # fmt: skip
    yield borrower(
        "in_arrears_by_a_cent", Loan(loan(), arrears="0.01", last_overdue_on=day),
        due=(arrears(dates, "0.01"),),
    )  # fmt: skip
    yield borrower("overdue_since_yesterday",
                   Loan(loan(), days_overdue=1, last_overdue_on=day))  # fmt: skip
    yield borrower(
        "another_loan_settled_after_trouble", Loan(loan(times="1.2")),
        Loan("20000", status="settled", settled_on=day - timedelta(days=150),
             matures_on=day - timedelta(days=150), last_overdue_on=day - timedelta(days=151)),
    )  # fmt: skip
    yield borrower(
        "written_off_loan_does_not_count", Loan(loan(times="0.6")),
        Loan(loan(times="0.6"), status="written_off", five_tier="loss", days_overdue=500,
             last_overdue_on=dates.first - timedelta(days=30)),
    )  # fmt: skip
    yield Case(
        "both_deposits_and_loans", loans=(Loan(loan(times="2")),), coverage=BY_LOAN, key="deposit",
        accounts=(Account(dates.yuan("key_customer.min_deposit_average", times="1.6")),),
    )  # fmt: skip


def arrears(dates: Dates, amount: str) -> Due:
    """The reminder of a loan's arrears on as_of."""
    day = dates.as_of
    return Due("R03.ARREARS", next_month(day), amount, 0, window=f"month:{day:%Y-%m}")
