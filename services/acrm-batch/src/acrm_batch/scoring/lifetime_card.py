"""The fitted customer lifetime value as a file, `catalogue/lifetime.yml`, and its SQL.

The expected comings of BG/NBD hold a hypergeometric function of a customer's repeated comings and
age alone. It is an integral over the beta distribution of the probability to leave, which a sum
over fixed nodes gives exactly enough; so the query is a join with a small list, for every distinct
pair of repeats and age once, and plain arithmetic for every customer.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from acrm_batch.scoring.definition import Strict, parse
from crm_shared.errors import UsageError

MONTHS = 12
#: Weeks of a month: 365.25 days.
WEEKS = 365.25 / 7 / 12


class LifetimeCard(Strict):
    """Parameters of both models, the nodes, and what money is worth.

    `margin` is the contribution of one unit of turnover, `discount` the rate of a year.
    """

    version: int
    owner: str
    bg_nbd: dict[str, float]
    gamma_gamma: dict[str, float]
    nodes: tuple[tuple[float, float], ...]
    margin: float
    discount: float
    training: dict[str, Any]
    metrics: dict[str, Any]
    checksum: str = ""

    def content_checksum(self) -> str:
        """The checksum of what the value depends on."""
        parts = self.model_dump(mode="json", exclude={"training", "metrics", "checksum"})
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Write the file, with its checksum."""
        document = self.model_dump(mode="json") | {"checksum": self.content_checksum()}
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100)
        path.write_text(f"# Written by acrm train-lifetime; train again to change it.\n{text}",
                        encoding="utf-8")  # fmt: skip


def load_lifetime(path: Path) -> LifetimeCard | None:
    """The card, or None where there is no file; `UsageError` where it was changed by hand."""
    if not path.is_file():
        return None
    card = parse(LifetimeCard, path)
    if card.checksum != card.content_checksum():
        raise UsageError(
            f"{path.name} of the catalogue was changed by hand: its checksum does not fit; restore "
            "it, or train it again with `acrm train-lifetime`."
        )
    return card


def lifetime_sql(card: LifetimeCard | None, sql: str) -> str:
    """One row per row of `sql`, which has `customer_id`, `repeats`, `last` and `age` (weeks since
    the first active one) and `value` (mean turnover of an active week): the probability of being
    alive, and the discounted contribution of the weeks with bookings expected in twelve months.

    `UsageError` where there is no card.
    """
    if card is None:
        raise UsageError(
            "catalogue/lifetime.yml is missing, without which nobody has a lifetime value; restore"
            " it, or take the models of kind lifetime out."
        )
    r, alpha, a, b = (_double(card.bg_nbd[name]) for name in ("r", "alpha", "a", "b"))
    p, q, v = (_double(card.gamma_gamma[name]) for name in ("p", "q", "v"))
    nodes = ",\n        ".join(f"({_double(at)}, {_double(w)})" for at, w in card.nodes)
    months = ",\n        ".join(
        f"({_double(WEEKS * month)}, {_double(share)})"
        for month, share in enumerate(discount_shares(card.discount), 1)
    )
    return f"""-- One row per customer on whose accounts anything was ever booked.
with activity as (
{sql}
),

node as (
    select * from (values
        {nodes}
    ) as node (leaving, weight)
),

month as (
    select * from (values
        {months}
    ) as month (weeks, share)
),

pairs as (
    select distinct repeats, age from activity
),

ahead as (
    select
        pairs.repeats,
        pairs.age,
        node.leaving,
        node.weight * power({_double(1.0)} - node.leaving, pairs.repeats) as weight,
        sum(month.share * ({_double(1.0)} - power(
            ({alpha} + pairs.age) / ({alpha} + pairs.age + node.leaving * month.weeks),
            {r} + pairs.repeats))) as comings
    from pairs
    cross join node
    cross join month
    group by pairs.repeats, pairs.age, node.leaving, node.weight
),

comings as (
    select
        repeats,
        age,
        sum(weight * comings / leaving) / sum(weight) as discounted
    from ahead
    group by repeats, age
),

valued as (
    select
        activity.customer_id,
        comings.discounted,
        case when activity.repeats = 0 then {_double(1.0)} else {_double(1.0)} / ({_double(1.0)}
            + {a} / ({b} + activity.repeats - {_double(1.0)})
            * power(({alpha} + activity.age) / ({alpha} + activity.last), {r} + activity.repeats))
        end as alive,
        {p} * ({v} + (activity.repeats + {_double(1.0)}) * activity.value)
            / ({p} * (activity.repeats + {_double(1.0)}) + {q} - {_double(1.0)}) as value
    from activity
    inner join comings on comings.repeats = activity.repeats and comings.age = activity.age
)

select
    customer_id,
    cast(round(alive, 4) as decimal(9,4)) as clv_alive,
    cast(round(alive * discounted * value * {_double(card.margin)}, 2) as decimal(18,2)) as clv_12m
from valued"""


def discount_shares(rate: float) -> list[float]:
    """The share of each month's cumulated comings in the discounted sum: a coming of a month is
    discounted from its middle, and the sum over months is taken by parts."""
    factors = [(1 + rate) ** (-(month - 0.5) / MONTHS) for month in range(1, MONTHS + 1)]
    return [now - later for now, later in zip(factors, [*factors[1:], 0.0], strict=True)]


def _double(number: float) -> str:
    return f"cast({number!r} as double)"
