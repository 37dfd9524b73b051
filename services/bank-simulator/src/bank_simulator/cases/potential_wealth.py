"""Cases of T04, who may buy wealth products, and T05, who lacks a channel or a till."""

from collections.abc import Iterator
from datetime import date, timedelta

from bank_simulator.cases.prototype import (
    Account,
    Case,
    Channel,
    CustomerType,
    Dates,
    Due,
    Family,
    Holding,
    Merchant,
    Move,
)
from bank_simulator.cases.times import at

DAY = timedelta(days=1)
ACCOUNT = (Account("1000"),)


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of wealth, channels and merchants."""
    yield from _next_tier(dates)
    yield from _held_before(dates)
    yield from _idle_with_profile(dates)
    yield from _maturing(dates)
    yield from _counter(dates)
    yield from _silent(dates)
    yield from _traders(dates)
    yield from _families(dates)


def _next_tier(dates: Dates) -> Iterator[Case]:
    part = f"0.{dates.number('potential.next_tier_pct'):02d}"

    def near(name: str, expected: bool | int, tier: str, more: str, times: str = "1") -> Case:
        # A thousand in the account, the rest in a holding: both are AUM, one alone is too little.
        held = dates.yuan(f"tier.{tier}", f"{float(more) - 1000:.2f}", times)
        return Case(f"next_tier_{tier}_{name}", accounts=ACCOUNT, holdings=(Holding(held, None),),
                    tags={"T04/NEXT_TIER": expected})  # fmt: skip

    yield near("exactly_near", dates.number("potential.next_tier_pct"), "affluent", "0", part)
    yield near("one_cent_too_far", False, "affluent", "-0.01", part)
    yield near("one_cent_below", 99, "affluent", "-0.01")
    yield near("reached", False, "affluent", "0")
    yield near("exactly_near", True, "wealth", "0", part)
    yield near("exactly_near", True, "private", "0", part)
    yield near("reached", False, "private", "0")


def _held_before(dates: Dates) -> Iterator[Case]:
    def held(name: str, expected: bool | int, *holdings: Holding) -> Case:
        return Case(f"held_{name}", accounts=ACCOUNT, holdings=holdings,
                    tags={"T04/HELD_BEFORE": expected})  # fmt: skip

    ended = Holding("3000", None, ended_on=dates.as_of)
    yield held("until_today", 51, ended)
    yield held("until_tomorrow", False, Holding("3000", None, ended_on=dates.ago(-1)))
    yield held("and_holds_another", False, ended, Holding("10", None))
    yield held("nothing_ever", False)


def _idle_with_profile(dates: Dates) -> Iterator[Case]:
    enough = dates.yuan("potential.idle_balance")

    def idle(
        name: str, expected: bool | int, expires_on: date | None, amount: str = enough
    ) -> Case:
        soon = expires_on and dates.as_of < expires_on
        return Case(
            f"idle_with_profile_{name}", accounts=(Account(amount),),
            risk_profile_expires_on=expires_on, tags={"T04/IDLE_RISK": expected},
            due=(Due("R02.RISK_PROFILE_EXPIRES", expires_on),) if soon and expires_on else (),
        )  # fmt: skip

    yield idle("until_tomorrow", 50, dates.ago(-1))
    yield idle("until_today", False, dates.as_of)
    yield idle("never_asked", False, None)
    yield idle("but_a_cent_short", False, dates.ago(-1),
               dates.yuan("potential.idle_balance", "-0.01"))  # fmt: skip


def _maturing(dates: Dates) -> Iterator[Case]:
    days, near = dates.number("potential.wealth_days"), dates.number("due.wealth_days")

    def maturing(name: str, day: date, expected: bool | int, ended_on: date | None = None) -> Case:
        due = not ended_on and dates.as_of < day <= dates.ago(-near)
        return Case(
            f"holding_{name}", accounts=ACCOUNT, holdings=(Holding("7000", day, ended_on),),
            tags={"T04/MATURING": expected},
            due=(Due("R02.WEALTH_MATURES", day, "7000", 0),) if due else (),
        )  # fmt: skip

    yield maturing("of_today_is_not_maturing", dates.as_of, False)
    yield maturing("of_tomorrow_is_maturing", dates.ago(-1), dates.strength("7000"))
    yield maturing("of_the_last_day_is_maturing", dates.ago(-days), True)
    yield maturing("of_a_day_later_is_not_maturing", dates.ago(-days - 1), False)
    yield maturing("ended_today_is_not_maturing", dates.ago(-1), False, dates.as_of)


def _counter(dates: Dates) -> Iterator[Case]:
    days, least = dates.number("potential.counter_days"), dates.number("potential.counter_min")
    long_ago = dates.first - 90 * DAY

    def counter(
        name: str, expected: bool | int, *more: Move, channel: Channel | None = None
    ) -> Case:
        moves = tuple(Move(at(dates.ago(5 + n), "10:00"), "100") for n in range(least - 1))
        return Case(
            f"counter_{name}", accounts=(Account("1000", moves=(*moves, *more)),),
            channels=(channel,) if channel else (), tags={"T05/COUNTER_NO_MOBILE": expected},
        )  # fmt: skip

    def another(ago: int) -> Move:
        return Move(at(dates.ago(ago), "10:00"), "-50")

    yield counter("often_enough", 50, another(3))
    yield counter("one_time_less", False)
    yield counter("one_time_at_the_machine", False,
                  Move(at(dates.ago(3), "10:00"), "-50", channel="atm"))  # fmt: skip
    yield counter("on_the_first_day", True, another(days - 1))
    yield counter("the_day_before", False, another(days))
    yield counter("with_mobile", False, another(3), channel=Channel(long_ago))
    yield counter("with_mobile_until_today", True, another(3),
                  channel=Channel(long_ago, ended_on=dates.as_of))  # fmt: skip
    yield counter("with_mobile_from_tomorrow", True, another(3), channel=Channel(dates.ago(-1)))
    yield counter("with_messages_only", True, another(3), channel=Channel(long_ago, channel="sms"))


def _silent(dates: Dates) -> Iterator[Case]:
    day, long_ago = dates.ago(dates.number("potential.silent_days")), dates.first - 200 * DAY
    for name, channel, expected in (
        ("never_used_since_the_day", Channel(day), 50),
        ("never_used_since_a_day_later", Channel(day + DAY), False),
        ("last_used_on_the_day", Channel(long_ago, day), True),
        ("last_used_a_day_later", Channel(long_ago, day + DAY), False),
        ("ended_today", Channel(long_ago, day, dates.as_of), False),
        ("of_messages_only", Channel(long_ago, channel="sms"), False),
    ):
        yield Case(f"mobile_{name}", accounts=ACCOUNT, channels=(channel,),
                   tags={"T05/SILENT": expected})  # fmt: skip


def _traders(dates: Dates) -> Iterator[Case]:
    since = dates.first - 80 * DAY

    def trader(
        name: str, expected: bool | int, *shops: Merchant, occupation: str | None = None,
        industry: str | None = None,
    ) -> Case:  # fmt: skip
        kind: CustomerType = "business" if industry else "individual"
        return Case(f"trader_{name}", customer_type=kind, accounts=ACCOUNT, merchants=shops,
                    occupation=occupation, industry=industry,
                    tags={"T05/TRADER_NO_ACQUIRING": expected})  # fmt: skip

    yield trader("without_a_till", 50, occupation="trader")
    yield trader("with_a_till", False, Merchant(since), occupation="self_employed")
    yield trader("with_a_till_until_today", True, Merchant(since, dates.as_of), occupation="trader")
    yield trader("that_is_a_driver", False, occupation="driver")
    yield trader("of_the_retail_trade", True, industry="retail")
    yield trader("of_the_stone_industry", False, industry="stone")


def _families(dates: Dates) -> Iterator[Case]:
    mobile = (Channel(dates.first - 90 * DAY),)

    def relative(
        name: str, expected: bool | int, family: Family, channels: tuple[Channel, ...] = ()
    ) -> Case:
        return Case(f"relative_{name}", accounts=ACCOUNT, channels=channels, family=family,
                    tags={"T05/FAMILY": expected})  # fmt: skip

    yield Case("head_of_a_family_with_mobile", accounts=ACCOUNT, channels=mobile,
               tags={"T05/FAMILY": False})  # fmt: skip
    yield Case("head_of_a_family_without", accounts=ACCOUNT, tags={"T05/FAMILY": False})
    head = "head_of_a_family_with_mobile"
    yield relative("without_mobile", 50, Family(head))
    yield relative("named_by_the_other", True, Family(head, reverse=True))
    yield relative("with_mobile", False, Family(head), mobile)
    yield relative("of_one_without", False, Family("head_of_a_family_without"))
    yield relative("until_today", False, Family(head, until=dates.as_of))
    yield relative("until_tomorrow", True, Family(head, until=dates.ago(-1)))
