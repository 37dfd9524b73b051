"""How good a score is: rank order, calibration, lift, and the same by group of customers."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, ks_2samp, norm
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Quality:
    """Rank order and calibration on data that training has not seen. Measures of rank order are
    empty where all or none had the event. The expected calibration error is the mean distance of
    mean probability and observed rate over ten groups of equal size."""

    rows: int
    events: int
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    pr_auc: float | None
    ks: float | None
    brier: float
    brier_of_base_rate: float
    calibration_error: float
    mean_probability: float
    observed_rate: float

    def as_dict(self) -> dict[str, float | int | None]:
        """As it stands in the card's file, rounded."""
        return {
            name: round(value, 5) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def quality(events: Ints, probability: Floats) -> Quality:
    """All measures of a score."""
    rate = float(events.mean()) if len(events) else 0.0
    ranked = 0 < events.sum() < len(events)
    auc = float(roc_auc_score(events, probability)) if ranked else None
    low, high = (
        auc_interval(auc, int(events.sum()), len(events)) if auc is not None else (None,) * 2
    )
    base = np.full(len(events), rate)
    return Quality(
        rows=len(events),
        events=int(events.sum()),
        auc=auc,
        auc_low=low,
        auc_high=high,
        pr_auc=float(average_precision_score(events, probability)) if ranked else None,
        ks=float(ks_2samp(probability[events == 1], probability[events == 0]).statistic)
        if ranked
        else None,
        brier=float(brier_score_loss(events, probability, pos_label=1)),
        brier_of_base_rate=float(np.mean((base - events) ** 2)),
        calibration_error=_calibration_error(events, probability),
        mean_probability=float(probability.mean()),
        observed_rate=rate,
    )


def _calibration_error(events: Ints, probability: Floats) -> float:
    """Of ten groups by probability, weighted by their rows (Naeini, Cooper and Hauskrecht, AAAI
    2015)."""
    order = np.argsort(-probability, kind="stable")
    gaps = [
        abs(float(probability[group].sum() - events[group].sum()))
        for group in np.array_split(order, 10)
    ]
    return sum(gaps) / max(len(events), 1)


def rate_interval(events: int, rows: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a rate (Wilson, Journal of the American Statistical Association 22, 1927)."""
    found = binomtest(events, rows).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def auc_interval(auc: float, events: int, rows: int, level: float = 0.95) -> tuple[float, float]:
    """The confidence interval of an AUC (Hanley and McNeil, Radiology 143, 1982)."""
    others = rows - events
    one = auc / (2 - auc)
    two = 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (events - 1) * (one - auc**2) + (others - 1) * (two - auc**2)) / (
        events * others
    )
    reach = float(norm.isf((1 - level) / 2)) * float(np.sqrt(max(variance, 0.0)))
    return max(0.0, auc - reach), min(1.0, auc + reach)


def tenths(events: Ints, probability: Floats) -> list[dict[str, float | int]]:
    """Ten groups from the highest to the lowest probability: mean probability, observed rate and
    lift (observed rate of the group over that of all). Ties keep the order of the rows."""
    order = np.argsort(-probability, kind="stable")
    rate = max(float(events.mean()), 1e-12)
    found = []
    for number, group in enumerate(np.array_split(order, 10), 1):
        if not len(group):
            continue
        observed = float(events[group].mean())
        found.append(
            {
                "group": number,
                "rows": len(group),
                "events": int(events[group].sum()),
                "probability": round(float(probability[group].mean()), 5),
                "observed": round(observed, 5),
                "lift": round(observed / rate, 3),
            }
        )
    return found


def by_group(
    events: Ints, probability: Floats, groups: NDArray[np.str_]
) -> list[tuple[str, Quality]]:
    """Quality per group, largest group first."""
    names, counts = np.unique(groups, return_counts=True)
    return [
        (str(name), quality(events[groups == name], probability[groups == name]))
        for name, _ in sorted(zip(names, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
    ]


#: Groups of a kind that a model card shows; the smaller ones together are one.
MOST_GROUPS = 12


def largest_groups(groups: NDArray[np.str_], most: int) -> NDArray[np.str_]:
    """The same groups, with all but the largest called `others`."""
    names, counts = np.unique(groups, return_counts=True)
    kept = names[np.argsort(-counts, kind="stable")[:most]]
    return np.where(np.isin(groups, kept), groups, "others")
