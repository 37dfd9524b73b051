"""Cases of key customers: thresholds to the cent, and a year without arrears."""

from collections.abc import Iterator
from datetime import timedelta

from bank_simulator.cases.prototype import Account, Case, Cover, Dates, Loan, Move
from bank_simulator.cases.times import at

BY_LOAN = (Cover("lead", 0, "m0", "loan"),)


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of key customers."""
    yield from _deposits(dates)
    yield from _loans(dates)


def _deposits(dates: Dates) -> Iterator[Case]:
    day = dates.as_of
    yield Case("average_of_exactly_500000", accounts=(Account("500000"),), key="deposit")
    dip = (Move(at(day, "09:00", -10), "-0.01", "fee"), Move(at(day, "09:00", -9), "0.01", "other"))
    # The average is 499,999.9996…: it would round to the threshold, and does not reach it.
    yield Case("average_one_cent_short_on_one_day", accounts=(Account("500000", moves=dip),))
    yield Case("balance_one_cent_short_all_along", accounts=(Account("499999.99"),))
    yield Case(
        "average_of_several_branches_adds_up",
        accounts=(Account("300000", 0), Account("200000", 1)), key="deposit",
        coverage=(Cover("lead", 0, "m0", "deposit"), Cover("assist", 1, "V", "deposit")),
    )  # fmt: skip
    yield Case(
        "opened_fifteen_days_ago_with_a_million",
        accounts=(Account("0", opened_on=day - timedelta(days=14),
                          moves=(Move(at(day, "09:00", -14), "1000000", "deposit_open"),)),),
        key="deposit",
    )  # fmt: skip
    yield Case(
        "opened_fourteen_days_ago_with_a_million",
        accounts=(Account("0", opened_on=day - timedelta(days=13),
                          moves=(Move(at(day, "09:00", -13), "1000000", "deposit_open"),)),),
    )  # fmt: skip
    yield Case(
        "rich_once_but_not_in_the_window",
        accounts=(Account("2000000", moves=(
            Move(at(day, "09:00", -29), "-1990000", "wealth_buy"),)),),
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
        accounts=(Account("500000"),), key="deposit",
    )  # fmt: skip
    yield Case("invalid_customer_is_no_key_customer", status="invalid",
               accounts=(Account("900000"),), coverage=())  # fmt: skip


def _loans(dates: Dates) -> Iterator[Case]:
    day = dates.as_of
    year_ago = day.replace(year=day.year - 1) if (day.month, day.day) != (2, 29) else day.replace(
        year=day.year - 1, day=28)  # fmt: skip
    account = (Account("1000"),)

    def borrower(name: str, *loans: Loan, key: bool = False) -> Case:
        return Case(name, accounts=account, loans=loans, coverage=BY_LOAN,
                    key="loan" if key else None)  # fmt: skip

    yield borrower("loan_of_exactly_a_million", Loan("1000000"), key=True)
    yield borrower("loan_one_cent_short", Loan("999999.99", amount="1500000"))
    yield borrower("loans_add_up_to_a_million", Loan("600000"), Loan("400000"), key=True)
    yield borrower("overdue_a_year_ago", Loan("1000000", last_overdue_on=year_ago), key=True)
    yield borrower("overdue_a_year_less_a_day_ago",
                   Loan("1000000", last_overdue_on=year_ago + timedelta(days=1)))  # fmt: skip
    yield borrower("in_arrears_by_a_cent", Loan("1000000", arrears="0.01", last_overdue_on=day))
    yield borrower("overdue_since_yesterday",
                   Loan("1000000", days_overdue=1, last_overdue_on=day))  # fmt: skip
    yield borrower(
        "another_loan_settled_after_trouble", Loan("1200000"),
        Loan("20000", status="settled", settled_on=day - timedelta(days=150),
             matures_on=day - timedelta(days=150), last_overdue_on=day - timedelta(days=151)),
    )  # fmt: skip
    yield borrower(
        "written_off_loan_does_not_count", Loan("600000"),
        Loan("600000", status="written_off", five_tier="loss", days_overdue=500,
             last_overdue_on=dates.first - timedelta(days=30)),
    )  # fmt: skip
    yield Case("both_deposits_and_loans", accounts=(Account("800000"),),
               loans=(Loan("2000000"),), coverage=BY_LOAN, key="deposit")  # fmt: skip
