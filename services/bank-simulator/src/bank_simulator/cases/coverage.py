"""Cases of coverage: ties, cents, hysteresis, locks, leavers, the ownerless."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from bank_simulator.cases.prototype import (
    Account,
    Case,
    Cover,
    Dates,
    Due,
    Loan,
    Lock,
    Move,
    Movement,
)
from bank_simulator.cases.times import at

BOTH = {0: "m0", 1: "m1"}


def lead(branch: int, manager: str, rule: str) -> Cover:
    """The branch leads, by that rule."""
    return Cover("lead", branch, manager, rule)


def assist(branch: int, manager: str, rule: str) -> Cover:
    """The branch assists; `rule` is the one that found the lead."""
    return Cover("assist", branch, manager, rule)


def newly_assigned(dates: Dates, branch: int) -> Due:
    """The lead manager is another one than the day before, or the first."""
    return Due("R05.NEWLY_ASSIGNED", dates.ago(-1), branch=branch, window=f"on:{dates.as_of}")


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of coverage by deposits, locks and registration."""
    yield from _deposits(dates)
    yield from _hysteresis(dates)
    yield from _locks(dates)
    yield from _managers()


def _deposits(dates: Dates) -> Iterator[Case]:
    zero_first = (lead(0, "m0", "deposit"), assist(1, "m1", "deposit"))
    one_first = (lead(1, "m1", "deposit"), assist(0, "m0", "deposit"))
    old, older = dates.first - timedelta(days=200), dates.first - timedelta(days=201)
    yield Case(
        "tie_earlier_relationship_leads",
        accounts=(Account("30000", 0, opened_on=old), Account("30000", 1, opened_on=older)),
        managers=BOTH, coverage=one_first,
    )  # fmt: skip
    yield Case(
        "tie_same_day_lower_branch_leads",
        accounts=(Account("30000", 0, opened_on=old), Account("30000", 1, opened_on=old)),
        managers=BOTH, coverage=zero_first,
    )  # fmt: skip
    # 29 days alike and one cent more on one day: the 30-day averages are equal once rounded.
    first_window = max(dates.month_ends[0] - timedelta(days=3), dates.first)
    cent = (Move(at(first_window, "09:00"), "0.01"), Move(at(first_window, "09:00", 1), "-0.01"))
    yield Case(
        "one_cent_in_thirty_days_leads",
        accounts=(
            Account("30000", 0, opened_on=older),
            Account("30000", 1, opened_on=old, moves=cent),
        ),
        managers=BOTH, coverage=one_first,
    )  # fmt: skip
    yield Case(
        "several_accounts_of_a_branch_add_up",
        accounts=(
            Account("50000", 0, opened_on=old),
            Account("20000", 1, opened_on=old),
            Account("40000", 1, product="time", opened_on=old,
                    matures_on=dates.as_of + timedelta(days=300)),
        ),
        managers=BOTH, coverage=one_first,
    )  # fmt: skip
    closed = dates.as_of - timedelta(days=20)
    yield Case(
        "lead_without_open_account_gives_way",
        accounts=(
            Account("90000", 0, opened_on=older, closed_on=closed,
                    moves=(Move(at(closed, "10:00"), "-90000", "deposit_close"),)),
            Account("10000", 1, opened_on=old),
        ),
        managers=BOTH, coverage=(lead(1, "m1", "deposit"),),
    )  # fmt: skip
    yield Case(
        "account_closed_on_the_day_is_no_business",
        accounts=(
            Account("10000", 0, opened_on=older),
            Account("4000", 1, opened_on=old, closed_on=dates.as_of,
                    moves=(Move(at(dates.as_of, "10:00"), "-4000", "deposit_close"),)),
        ),
        managers=BOTH, coverage=(lead(0, "m0", "deposit"),),
        movements=(Movement(dates.as_of, "R01.ACCOUNT_CLOSED", True, account=1),),
    )  # fmt: skip
    yield Case(
        "account_opened_on_the_day_assists",
        accounts=(
            Account("10000", 0, opened_on=older),
            Account("0", 1, opened_on=dates.as_of,
                    moves=(Move(at(dates.as_of, "11:00"), "90000", "deposit_open"),)),
        ),
        managers=BOTH, coverage=zero_first,
    )  # fmt: skip
    yield Case(
        "empty_accounts_still_lead_by_age",
        accounts=(Account("0", 0, opened_on=old), Account("0", 1, opened_on=older)),
        managers=BOTH, coverage=one_first,
    )  # fmt: skip
    yield Case("no_business_is_registered", accounts=(),
               coverage=(lead(0, "m0", "registered"),))  # fmt: skip
    yield Case("no_business_and_nobody_named", accounts=(), managers={},
               coverage=(lead(0, "V", "registered"),))  # fmt: skip
    yield Case(
        "invalid_customer_has_no_coverage", status="invalid",
        accounts=(Account("100", 0),), coverage=(),
    )  # fmt: skip


def _hysteresis(dates: Dates) -> Iterator[Case]:
    """Branch 0 leads with 100,000 all along; what branch 1 holds from when on decides."""
    stays = (lead(0, "m0", "deposit"), assist(1, "m1", "deposit"))
    moves = (lead(1, "m1", "deposit"), assist(0, "m0", "deposit"))
    old = dates.first - timedelta(days=300)
    last, before = dates.month_ends[-1], dates.month_ends[-2]
    window = timedelta(days=dates.number("coverage.averaging_days") - 1)
    two_windows, one_window = before - window, last - window
    # What lifts 50,000 to the incumbent's 100,000 and the percentage above it.
    exact = 50_000 + 1_000 * dates.number("coverage.hysteresis_pct")
    moves_today = (
        (newly_assigned(dates, 1),)
        if last == dates.as_of else ()
    )  # fmt: skip

    def challenger(
        name: str, rises: tuple[tuple[date, str], ...], coverage: tuple[Cover, ...]
    ) -> Case:
        grown = tuple(
            Move(at(day, "09:30"), amount, "wealth_buy" if amount[0] == "-" else "wealth_redeem")
            for day, amount in rises
        )
        return Case(
            name,
            accounts=(
                Account("100000", 0, opened_on=old),
                Account("50000", 1, opened_on=old, moves=grown),
            ),
            managers=BOTH, coverage=coverage, due=moves_today if coverage == moves else (),
        )  # fmt: skip

    yield challenger("exceeds_by_exactly_enough_twice_moves", ((two_windows, f"{exact}"),), moves)
    yield challenger("exceeds_by_ten_yuan_less_stays", ((two_windows, f"{exact - 10}"),), stays)
    yield challenger("one_cent_short_twice_stays", ((two_windows, f"{exact - 1}.99"),), stays)
    yield challenger("exceeds_once_stays", ((one_window, "90000"),), stays)
    yield challenger(
        "exceeds_only_the_month_before_stays",
        ((two_windows, "80000"), (one_window, "-75000")),
        stays,
    )
    yield Case(
        "of_two_that_exceed_the_larger_takes_over",
        accounts=(
            Account("100000", 0, opened_on=old),
            Account("50000", 1, opened_on=old,
                    moves=(Move(at(two_windows, "09:30"), "85000", "wealth_redeem"),)),
            Account("50000", 2, opened_on=old,
                    moves=(Move(at(two_windows, "09:30"), "90000", "wealth_redeem"),)),
        ),
        managers={0: "m0", 1: "m1", 2: "m0"},
        coverage=(lead(2, "m0", "deposit"), assist(0, "m0", "deposit"),
                  assist(1, "m1", "deposit")),
        due=tuple(replace(due, branch=2) for due in moves_today),
    )  # fmt: skip
    yield Case(
        "two_that_exceed_once_each_do_not_take_over",
        accounts=(
            Account("100000", 0, opened_on=old),
            Account("50000", 1, opened_on=old,
                    moves=(Move(at(two_windows, "09:30"), "80000", "wealth_redeem"),
                           Move(at(one_window, "09:30"), "-70000", "wealth_buy"))),
            Account("50000", 2, opened_on=old,
                    moves=(Move(at(one_window, "09:30"), "80000", "wealth_redeem"),)),
        ),
        managers={0: "m0", 1: "m1", 2: "m0"},
        coverage=(lead(0, "m0", "deposit"), assist(1, "m1", "deposit"),
                  assist(2, "m0", "deposit")),
    )  # fmt: skip


def _locks(dates: Dates) -> Iterator[Case]:
    day, later = dates.as_of, dates.as_of + timedelta(days=60)
    earlier = dates.as_of - timedelta(days=60)
    account = (Account("20000", 0),)
    kept = (lead(1, "m1", "locked"), assist(0, "m0", "locked"))
    unlocked = (lead(0, "m0", "deposit"),)

    def locked(name: str, first: date, until: date, coverage: tuple[Cover, ...], *due: Due) -> Case:
        return Case(name, accounts=account, lock=Lock(1, "m1", first, until), coverage=coverage,
                    due=due)  # fmt: skip

    yield locked("lock_in_force", earlier, later, kept)
    yield locked("lock_starts_today", day, later, kept, newly_assigned(dates, 1))
    yield locked("lock_ends_tomorrow", earlier, day + timedelta(days=1), kept)
    yield locked("lock_expired_today", earlier, day, unlocked, newly_assigned(dates, 0))
    yield locked("lock_starts_tomorrow", day + timedelta(days=1), later, unlocked)
    yield Case(
        "lock_without_manager_uses_the_branch", accounts=account, managers=BOTH,
        lock=Lock(1, None, earlier, later), coverage=kept,
    )  # fmt: skip
    yield Case(
        "lock_to_a_leaver_goes_to_the_virtual_manager", accounts=account,
        lock=Lock(1, "left", earlier, later),
        coverage=(lead(1, "V", "locked"), assist(0, "m0", "locked")),
    )  # fmt: skip
    yield Case(
        "lock_beats_loan", accounts=account, loans=(Loan("50000", branch=2, manager="m1"),),
        lock=Lock(1, "m1", earlier, later),
        coverage=(lead(1, "m1", "locked"), assist(0, "m0", "locked"),
                  assist(2, "m1", "locked")),
    )  # fmt: skip
    yield Case(
        "lock_of_a_registered_customer", accounts=(), lock=Lock(1, "m1", earlier, later),
        coverage=kept,
    )  # fmt: skip
    yield Case(
        "lock_on_the_branch_that_leads_anyway", accounts=account,
        lock=Lock(0, "m1", earlier, later), coverage=(lead(0, "m1", "locked"),),
    )  # fmt: skip


def _managers() -> Iterator[Case]:
    account = (Account("20000", 0),)
    yield Case("nobody_named_is_virtual", accounts=account, managers={},
               coverage=(lead(0, "V", "deposit"),))  # fmt: skip
    yield Case("leaver_is_virtual", accounts=account, managers={0: "left"},
               coverage=(lead(0, "V", "deposit"),))  # fmt: skip
    yield Case("leaves_today_is_virtual", accounts=account, managers={0: "left_today"},
               coverage=(lead(0, "V", "deposit"),))  # fmt: skip
    yield Case("leaves_tomorrow_still_answers", accounts=account, managers={0: "leaves_tomorrow"},
               coverage=(lead(0, "leaves_tomorrow", "deposit"),))  # fmt: skip
    yield Case(
        "assisting_branch_without_manager_is_virtual",
        accounts=(Account("20000", 0), Account("1000", 1)),
        coverage=(lead(0, "m0", "deposit"), assist(1, "V", "deposit")),
    )  # fmt: skip
