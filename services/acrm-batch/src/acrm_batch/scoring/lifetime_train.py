"""`acrm train-lifetime`: fit on one month end, test on what the customers did until a later one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from acrm_batch.runner import Runner
from acrm_batch.scoring.lifetime import BgNbd, Floats, GammaGamma, fit_bg_nbd, fit_gamma_gamma
from acrm_batch.scoring.lifetime_card import LifetimeCard, load_lifetime
from acrm_batch.scoring.metrics import MOST_GROUPS, largest_groups
from acrm_batch.scoring.samples import groups_of
from crm_shared.errors import NotReadyError, UsageError

ACTIVITY = "int_active_weeks"
_LEAST_CUSTOMERS = 50


@dataclass(frozen=True)
class Activity:
    """Customers with activity on a month end, in order of their ids; time is in weeks."""

    customers: Floats
    repeats: Floats
    last: Floats
    age: Floats
    value: Floats


def train_lifetime(
    runner: Runner, *, first: date, last: date, margin: float, discount: float, folder: Path,
    say: Callable[[str], None],
) -> LifetimeCard:  # fmt: skip
    """Fit on the activity up to `first`, and hold what is expected from then to `last` against
    what happened. `NotReadyError` where a month end was not made."""
    if not first < last:
        raise UsageError(f"--to {last} must be after --from {first}: the test needs time to pass.")
    now, later = _activity(runner, first), _activity(runner, last)
    if len(now.customers) < _LEAST_CUSTOMERS:
        raise UsageError(
            f"Up to {first} only {len(now.customers)} customers have weeks with bookings; "
            f"fitting needs {_LEAST_CUSTOMERS}. Choose a later --from."
        )
    say(f"{first}: {len(now.customers):,} customers, {now.repeats.sum():,.0f} repeated weeks")
    coming = fit_bg_nbd(now.repeats, now.last, now.age)
    worth = fit_gamma_gamma(now.repeats + 1, now.value)
    nodes = tuple(zip(*(map(float, one) for one in coming.nodes()), strict=True))
    card = LifetimeCard(
        version=1,
        owner="retail-data",
        bg_nbd={name: getattr(coming, name) for name in ("r", "alpha", "a", "b")},
        gamma_gamma={name: getattr(worth, name) for name in ("p", "q", "v")},
        nodes=nodes,
        margin=margin,
        discount=discount,
        training={"month_end": first.isoformat(), "test_month_end": last.isoformat(),
                  "customers": len(now.customers)},
        metrics=_tested((coming, worth), now, later, (last - first).days / 7,
                        groups_of(runner, now.customers.astype(np.int64), first)),
    )  # fmt: skip
    before = load_lifetime(folder / "lifetime.yml")
    if before is None:
        return card
    same = card.model_copy(update={"version": before.version})
    changed = same.content_checksum() != before.checksum
    return card.model_copy(update={"version": before.version + changed})


def _tested(
    fitted: tuple[BgNbd, GammaGamma], now: Activity, later: Activity, weeks: float,
    groups: dict[str, NDArray[np.str_]],
) -> dict[str, object]:  # fmt: skip
    """Expected against observed weeks with bookings in the time that training has not seen."""
    coming, worth = fitted
    place = np.searchsorted(later.customers, now.customers)
    happened = later.repeats[place] - now.repeats
    expected = coming.expected(now.repeats, now.last, now.age, weeks)
    average = now.repeats.sum() / np.maximum(now.age, 1).sum() * weeks
    alive = coming.alive(now.repeats, now.last, now.age)
    return {
        "weeks": round(weeks, 2),
        "expected": round(float(expected.sum()), 1),
        "observed": int(happened.sum()),
        "mean_error": round(float(np.abs(expected - happened).mean()), 4),
        "mean_error_of_the_average": round(float(np.abs(average - happened).mean()), 4),
        "rank_correlation": round(float(spearmanr(expected, happened).statistic), 4),
        "mean_alive": round(float(alive.mean()), 4),
        "share_active": round(float((happened > 0).mean()), 4),
        "correlation_of_rate_and_value": round(
            float(spearmanr(now.repeats / np.maximum(now.age, 1), now.value).statistic), 4
        ),
        "mean_value": round(float(now.value.mean()), 2),
        "mean_expected_value": round(float(worth.expected(now.repeats + 1, now.value).mean()), 2),
        "groups": _groups(now.repeats, expected, happened),
        "fairness": {
            name: _compared(largest_groups(of, MOST_GROUPS), expected, happened, alive)
            for name, of in groups.items()
        },
    }


def _groups(repeats: Floats, expected: Floats, happened: Floats) -> list[dict[str, float]]:
    """Means by repeated weeks so far, in about five groups."""
    edges = np.unique(np.quantile(repeats, [0.2, 0.4, 0.6, 0.8]))
    places = np.searchsorted(edges, repeats, side="right")
    return [
        {
            "repeats_from": float(repeats[places == place].min()),
            "repeats_to": float(repeats[places == place].max()),
            "customers": int((places == place).sum()),
            "expected": round(float(expected[places == place].mean()), 3),
            "observed": round(float(happened[places == place].mean()), 3),
        }
        for place in np.unique(places)
    ]


def _compared(
    groups: NDArray[np.str_], expected: Floats, happened: Floats, alive: Floats
) -> list[dict[str, str | float]]:
    """Means of each group of customers, the largest group first."""
    names, counts = np.unique(groups, return_counts=True)
    return [
        {
            "group": str(name),
            "customers": int(count),
            "expected": round(float(expected[groups == name].mean()), 3),
            "observed": round(float(happened[groups == name].mean()), 3),
            "alive": round(float(alive[groups == name].mean()), 4),
        }
        for name, count in sorted(
            zip(names, counts, strict=True), key=lambda one: (-one[1], one[0])
        )
    ]


def _activity(runner: Runner, day: date) -> Activity:
    path = runner.path(ACTIVITY, day)
    if (ACTIVITY, day) not in runner.partitions or not path.is_file():
        raise NotReadyError(
            f"{ACTIVITY} of {day} has not been made; name a month end, and run acrm run --date "
            f"{day} --no-publish --select {ACTIVITY} first."
        )
    runner.engine.partition_view("observed_activity", path)
    found = runner.engine.connection.execute(_ACTIVITY).fetchnumpy()
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in found.items()}
    return Activity(**columns)


_ACTIVITY = """
select
    customer_id as customers,
    active_weeks - 1 as repeats,
    last_week - first_week as last,
    floor(date_diff('day', date '1970-01-05', month_end) / 7) - first_week as age,
    cast(turnover as double) / active_weeks as value
from observed_activity
where turnover > 0
order by customer_id
"""
