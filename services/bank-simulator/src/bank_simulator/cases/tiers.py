"""Cases of tiers: thresholds to the cent, up at once, down after two month ends.

What changes is a holding, which earns nothing by the rules: AUM decides, not the contribution.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from bank_simulator.cases.prototype import Account, Case, Dates, Due, Holding, Loan, led_by

DAY = timedelta(days=1)
ACCOUNT = (Account("1000"),)


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of tiers."""
    yield from _thresholds(dates)
    yield from _changes(dates)
    yield from _contribution()


def _held(
    dates: Dates, code: str, more: str = "0", times: str = "1", *,
    bought_on: date | None = None, ended_on: date | None = None,
) -> Holding:  # fmt: skip
    """What makes an AUM of the parameter, beside the thousand of the account."""
    amount = dates.yuan(f"tier.{code}", f"{Decimal(more) - 1000:.2f}", times)
    return Holding(amount, None, ended_on, bought_on=bought_on)


def _thresholds(dates: Dates) -> Iterator[Case]:
    for name, code, more, tier in (
        ("gold_exactly", "gold_aum", "0", "gold"),
        ("gold_one_cent_short", "gold_aum", "-0.01", "profit"),
        ("profit_exactly", "profit_aum", "0", "profit"),
        ("profit_one_cent_short", "profit_aum", "-0.01", "general_grow"),
        ("grow_exactly", "grow_aum", "0", "general_grow"),
        ("grow_one_cent_short", "grow_aum", "-0.01", "general_standardise"),
    ):
        yield Case(f"tier_{name}", accounts=ACCOUNT, holdings=(_held(dates, code, more),),
                   tier=tier)  # fmt: skip
    yield Case("tier_standardise_exactly", accounts=(Account(dates.yuan("tier.exit_aum")),),
               tier="general_standardise")  # fmt: skip
    yield Case("tier_exit_one_cent_short", tier="general_exit",
               accounts=(Account(dates.yuan("tier.exit_aum", "-0.01")),))  # fmt: skip
    yield Case("tier_without_business", accounts=(), tier="general_exit",
               coverage=led_by("registered"))  # fmt: skip


def _changes(dates: Dates) -> Iterator[Case]:
    before, last = dates.month_ends[-2:]
    nights = dates.number("reminder.event_nights")
    keep = f"{dates.number('tier.keep_pct') / 100:.2f}"

    def changed(name: str, tier: str, *holdings: Holding, code: str | None = None) -> Case:
        said = code and (dates.as_of - last).days < nights
        due = Due(f"R04.TIER_{code}", last + nights * DAY, window=f"month_end:{last}")
        return Case(f"tier_{name}", accounts=ACCOUNT, holdings=holdings, tier=tier,
                    due=(due,) if said else ())  # fmt: skip

    def gold(more: str = "0", times: str = "1", *, bought_on: date | None = None,
             ended_on: date | None = None) -> Holding:  # fmt: skip
        return _held(dates, "gold_aum", more, times, bought_on=bought_on, ended_on=ended_on)

    general = "general_standardise"
    yield changed("up_at_the_month_end", "gold", gold(bought_on=last), code="UP")
    yield changed("not_up_a_day_late", general, gold(bought_on=last + DAY))
    yield changed("down_after_two_month_ends", general, gold(ended_on=before), code="DOWN")
    yield changed("not_down_after_one", "gold", gold(ended_on=last))
    yield changed("not_down_after_one_and_back", "gold", gold(ended_on=before),
                  gold(bought_on=last))  # fmt: skip
    yield changed("kept_exactly", "gold", gold(ended_on=before), gold("0", keep))
    yield changed("not_kept_for_a_cent", "profit", gold(ended_on=before), gold("-0.01", keep),
                  code="DOWN")  # fmt: skip


def _contribution() -> Iterator[Case]:
    """Loans of a rate of 4.35 %: 600,000 earn some 790 a month and more, 100,000 less than 150."""
    for name, balance, tier in (
        ("profit_by_contribution", "600000", "profit"),
        ("general_by_contribution", "100000", "general_standardise"),
    ):
        yield Case(f"tier_{name}", accounts=ACCOUNT, loans=(Loan(balance),), tier=tier,
                   coverage=led_by("loan"))  # fmt: skip
