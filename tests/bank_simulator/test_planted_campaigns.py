"""Campaigns are evaluated as docs/rules/campaigns.md says, from the files, customer by customer."""

from datetime import date, timedelta
from decimal import Decimal
from hashlib import md5
from math import isclose, sqrt
from typing import Any

from tests.bank_simulator.world import World

Z = 1.959963984540054
OPENED = {
    "deposit": """SELECT customer_id, opened_on, sum(balance) FROM @deposit_accounts
        JOIN @balances USING (account_id) WHERE product <> 'demand' GROUP BY ALL""",
    "loan": "SELECT customer_id, granted_on, amount FROM @loans",
    "card": """SELECT customer_id, issued_on, credit_limit FROM @credit_cards
        WHERE card_type = 'credit'""",
    "wealth": "SELECT customer_id, bought_on, amount FROM @wealth_holdings",
    "mobile": "SELECT customer_id, signed_on, 0 FROM @digital_channels WHERE channel = 'mobile'",
}
CONTACTS = """SELECT customer_id, business_date, channel, result FROM contacts_delivered
    WHERE campaign_id = {} AND contact_class = 'marketing'"""


def wilson(found: int, of: int) -> tuple[float, float, float]:
    """A rate between its bounds."""
    p, half = found / of, Z * sqrt(found / of * (1 - found / of) / of + Z**2 / (4 * of**2))
    middle, whole = p + Z**2 / (2 * of), 1 + Z**2 / of
    return (middle - half) / whole, p, (middle + half) / whole


def evaluate(world: World, campaign: int, product: str, starts: date, ends: date) -> dict[str, Any]:
    """A campaign's row, counted one customer after the other."""
    p, today = world.plan.parameters, world.plan.as_of
    days = timedelta(days=p.number("campaign.response_days"))
    listed = dict(world.rows(  # type: ignore[arg-type, var-annotated]
        f"SELECT customer_id, is_control FROM campaign_targets_delivered "
        f"WHERE campaign_id = {campaign} AND business_date <= $day"))  # fmt: skip
    touched: dict[Any, list[Any]] = {}
    for who, day, channel, result in world.rows(CONTACTS.format(campaign)):
        if listed.get(who) is False and starts <= day <= min(ends, today):  # type: ignore[operator]
            touched.setdefault(who, []).append((day, channel, result))
    bought: dict[Any, list[Any]] = {}
    for who, day, amount in world.rows(OPENED[product]):
        bought.setdefault(who, []).append((day, amount))
    until = min(ends + days, today)
    sold = {who: [a for day, a in bought.get(who, []) if starts <= day <= until] for who in listed}
    control = {who for who, held_back in listed.items() if held_back}
    responded = {
        who for who, touches in touched.items()
        if any(result == "interested" for _, _, result in touches)
        or any(min(touches)[0] <= day <= min(min(touches)[0] + days, today)
               for day, _ in bought.get(who, []))
    }  # fmt: skip
    return {
        "listed": len(listed) - len(control), "control": len(control), "contacted": len(touched),
        "reached": sum(any(r != "not_reached" for _, _, r in t) for t in touched.values()),
        "interested": sum(any(r == "interested" for _, _, r in t) for t in touched.values()),
        "responded": len(responded),
        "converted": sum(bool(sold[who]) for who in listed if who not in control),
        "control_converted": sum(bool(sold[who]) for who in control),
        "amount": sum((a for who in listed if who not in control for a in sold[who]), Decimal(0)),
        "contacts": sum(map(len, touched.values())),
        "cost": sum((p.money(f"campaign.cost_{channel}") for touches in touched.values()
                     for _, channel, _ in touches), Decimal(0)),
    }  # fmt: skip


def test_every_campaign_is_evaluated_as_the_rules_say(world: World) -> None:
    since = world.plan.as_of - timedelta(days=world.plan.parameters.number("campaign.days_back"))
    campaigns: list[Any] = world.rows("""SELECT campaign_id, product, starts_on, ends_on
        FROM @campaigns WHERE starts_on <= $day ORDER BY 1""")  # fmt: skip
    found = {
        number: evaluate(world, number, product, starts, ends)
        for number, product, starts, ends in campaigns if starts > since
    }  # fmt: skip
    columns = list(next(iter(found.values())))
    planted: list[Any] = world.rows(f"SELECT campaign_id, {', '.join(columns)} "
                                    "FROM planted_campaigns")  # fmt: skip
    assert {row[0]: dict(zip(columns, row[1:], strict=True)) for row in planted} == found
    assert sum(one["converted"] for one in found.values()) > 0


def test_rates_lie_between_their_bounds(world: World) -> None:
    rows: list[Any] = world.rows("""SELECT listed, converted, control, control_converted,
        conversion_low, conversion, conversion_high, control_conversion, uplift, uplift_low,
        uplift_high FROM planted_campaigns WHERE control > 0""")  # fmt: skip
    assert rows
    for listed, converted, control, others, *planted in rows:
        low, rate, high = wilson(converted, listed)
        below, rest, above = wilson(others, control)
        uplift = rate - rest
        expected = [
            low, rate, high, rest, uplift,
            uplift - sqrt((rate - low) ** 2 + (above - rest) ** 2),
            uplift + sqrt((high - rate) ** 2 + (rest - below) ** 2),
        ]  # fmt: skip
        for one, other in zip(expected, planted, strict=True):
            assert isclose(one, other, abs_tol=1e-6)


def test_the_control_group_is_drawn_by_the_hash_and_left_alone(world: World) -> None:
    listed = world.rows("SELECT campaign_id, customer_id, is_control FROM @campaign_targets")
    for campaign, customer, is_control in listed:
        drawn = int(md5(f"{campaign}|{customer}".encode()).hexdigest()[:7], 16) % 100 < 10
        assert drawn is is_control
    assert world.rows("""SELECT 1 FROM contacts_delivered JOIN campaign_targets_delivered
        USING (campaign_id, customer_id) WHERE is_control""") == []  # fmt: skip
