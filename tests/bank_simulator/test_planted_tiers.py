"""Tiers and stages of the life cycle are true of the files, by the text of docs/rules/tiers.md."""

from datetime import date, timedelta
from decimal import Decimal

from tests.bank_simulator.world import HERE, World

VALUES = (HERE / "contribution.sql").read_text(encoding="utf-8")
PLANTED = "WHERE customer_id IN (SELECT customer_id FROM planted_tiers)"
STAGES = (HERE / "lifecycle.sql").read_text(encoding="utf-8")
RANKS = ("general", "profit", "gold")


def naturally(world: World, aum: Decimal, contribution: Decimal, pct: int = 100) -> int:
    """The rank of the highest tier of which `pct` percent is reached."""
    money = world.plan.parameters.money
    reached = [
        rank for rank, tier in enumerate(RANKS) if rank and (
            100 * aum >= pct * money(f"tier.{tier}_aum")
            or 100 * contribution >= pct * money(f"tier.{tier}_contribution"))
    ]  # fmt: skip
    return max(reached, default=0)


def tiers_at_month_ends(world: World) -> dict[date, dict[object, str]]:
    """The tier of every planted customer at every month end, by the rules read literally."""
    number, money = world.plan.parameters.number, world.plan.parameters.money
    held: dict[object, tuple[int, int]] = {}
    told: dict[date, dict[object, str]] = {}
    for end in world.plan.dates.month_ends:
        values = world.rows_of("customers.sql", VALUES + PLANTED, end)
        told[end] = {}
        for customer, aum, contribution in values:
            worth, earned = Decimal(str(aum)), Decimal(str(contribution))
            natural = naturally(world, worth, earned)
            rank, streak = held.get(customer, (natural, 0))
            below = rank > 0 and naturally(world, worth, earned, number("tier.keep_pct")) < rank
            streak = streak + 1 if below else 0
            if natural > rank or streak >= number("tier.down_month_ends"):
                rank, streak = natural, 0
            held[customer] = rank, streak
            part = (
                "_grow" if worth >= money("tier.grow_aum")
                else "_exit" if worth < money("tier.exit_aum") and earned <= 0 else "_standardise"
            )  # fmt: skip
            told[end][customer] = RANKS[rank] + ("" if rank else part)
    return told


def test_every_planted_tier_is_the_one_of_the_last_month_end(world: World) -> None:
    found = tiers_at_month_ends(world)[world.plan.dates.month_ends[-1]]
    planted = world.rows('SELECT "case", customer_id, tier FROM planted_tiers')
    wrong = [(case, found[one], tier) for case, one, tier in planted if found[one] != tier]
    assert wrong == []
    assert len({tier for _, _, tier in planted}) == 5


def test_tiers_up_and_down_are_reminded_of_for_some_nights(world: World) -> None:
    told, nights = tiers_at_month_ends(world), world.plan.parameters.number("reminder.event_nights")
    before, last = world.plan.dates.month_ends[-2:]

    def rank(end: date, customer: object) -> int:
        return RANKS.index(told[end][customer].split("_")[0])

    changes = {one: rank(last, one) - rank(before, one) for one in told[last]}
    expected = {
        ("R04.TIER_UP" if change > 0 else "R04.TIER_DOWN", one, f"month_end:{last}",
         last + timedelta(days=nights))
        for one, change in changes.items() if change
    }  # fmt: skip
    assert len(expected) == 3
    planted = world.rows("""SELECT rule_code, customer_id, "window", due_on
        FROM planted_due_reminders WHERE rule_code LIKE 'R04.TIER%'""")  # fmt: skip
    assert set(planted) == (expected if (world.plan.as_of - last).days < nights else set())


def test_every_planted_stage_is_found(world: World) -> None:
    stages = world.rows_of("customers.sql", STAGES)
    found = {customer: stage for customer, stage in stages}  # noqa: C416
    planted = world.rows('SELECT "case", customer_id, lifecycle FROM planted_lifecycle')
    wrong = [(case, found[one], stage) for case, one, stage in planted if found[one] != stage]
    assert wrong == []
    assert len({stage for _, _, stage in planted}) == 7


def test_only_who_became_dormant_today_is_said_to_have(world: World) -> None:
    last = f"""{STAGES.split("SELECT customer_id, CASE")[0]}
        SELECT customer_id FROM own_booking JOIN planted_lifecycle USING (customer_id)
        WHERE lifecycle = 'dormant' GROUP BY customer_id
        HAVING max(day) = $day - {{lifecycle.dormant_days}}"""
    planted = world.rows(
        "SELECT customer_id FROM planted_due_reminders WHERE rule_code = 'R04.DORMANT'"
    )
    assert world.rows_of("customers.sql", last) == planted
    assert len(planted) == 1
