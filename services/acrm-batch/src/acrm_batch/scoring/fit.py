"""Fitting a scorecard: bins, weights of evidence, logistic regression, whole points, calibration.

After Siddiqi, Credit Risk Scorecards, 2006, chapter 6; calibrated by Platt's method (Advances in
Large Margin Classifiers, 1999) on predictions for customers that the fit had not seen, of a later
month end where there is one: what came last is nearest to what comes next.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from acrm_batch.scoring.binning import Binned, cut
from acrm_batch.scoring.card import POINTS_TO_DOUBLE, Calibration
from acrm_batch.scoring.definition import Direction
from acrm_batch.scoring.metrics import auc_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Below this a feature tells nothing (Siddiqi 2006, section 6.1).
LEAST_INFORMATION = 0.02
#: How sure it must be that a feature ranks customers whom its bins have not seen.
CONFIDENCE = 0.99
#: Features of a card at most: what a person can still review.
MOST_FEATURES = 10
#: Groups of customers that calibrate each other.
FOLDS = 5

_FACTOR = POINTS_TO_DOUBLE / math.log(2)


@dataclass(frozen=True)
class Fit:
    """A fitted scorecard: bins and points per feature, from the most telling one on.

    `unseen` and `unseen_events` are the rows that calibrated it: points of a fit that has not seen
    the customer, on the scale of the card, and who had the event. Grade limits are cut on them.
    """

    binned: dict[str, Binned]
    points: dict[str, Ints]
    calibration: Calibration
    dropped: dict[str, str]
    unseen: Ints
    unseen_events: Ints

    def total(self, values: Mapping[str, Floats], rows: int) -> Ints:
        """The points of every row."""
        total = np.zeros(rows, np.int64)
        for name, binned in self.binned.items():
            total += self.points[name][binned.place(values[name])]
        return total

    def probability(self, values: Mapping[str, Floats], rows: int) -> Floats:
        """The calibrated probability of every row."""
        logit = self.calibration.intercept + self.calibration.slope * self.total(values, rows)
        return np.asarray(1.0 / (1.0 + np.exp(-logit)))


@dataclass(frozen=True)
class Data:
    """Rows of a fit: features, events, and whose row each is."""

    values: Mapping[str, Floats]
    events: Ints
    customers: Ints

    def where(self, chosen: NDArray[np.bool_]) -> "Data":
        """Some of the rows."""
        values = {name: column[chosen] for name, column in self.values.items()}
        return Data(values, self.events[chosen], self.customers[chosen])

    @cached_property
    def repeated(self) -> float:
        """In how many rows a customer stands."""
        return len(self.customers) / max(len(np.unique(self.customers)), 1)


def fit(
    values: Mapping[str, Floats], directions: Mapping[str, Direction], events: Ints,
    customers: Ints, calibrating: NDArray[np.bool_] | None = None,
) -> Fit:  # fmt: skip
    """A calibrated scorecard. `customers` says whose row each is, so that nobody judges or
    calibrates a fit that has seen him. The rows of `calibrating` calibrate and do nothing else;
    without it, or where it is all rows, every row does both. Without a feature that holds for
    others, everybody gets the base rate."""
    data = Data(values, events, customers)
    later = np.ones(len(events), bool) if calibrating is None else calibrating
    learnt = data if later.all() else data.where(~later)
    groups = folds(learnt.customers, FOLDS)
    inside = [np.not_equal(groups, number) for number in range(FOLDS)]
    parts = [learnt.where(chosen) for chosen in inside]
    dropped, kept = {}, []
    cuts = [_cuts(part, directions) for part in (learnt, *parts)]
    for name in values:
        if reason := _telling(name, learnt, cuts[0][name], cuts[1:], inside):
            dropped[name] = reason
        else:
            kept.append(name)
    weights, repeating = _weights(learnt, cuts[0], kept)
    points = _points(weights, cuts[0])
    judged = data.where(later)
    total = _unseen(judged, parts, cuts[1:], list(weights))
    calibration = _platt(total, judged.events)
    if calibration.slope == 0:
        gone = dict.fromkeys(weights, "together with the others it does not hold for others")
        nothing = np.zeros_like(total)
        return Fit({}, {}, calibration, dropped | repeating | gone, nothing, judged.events)
    binned = {name: cuts[0][name] for name in weights}
    uncentred = Fit(binned, points, calibration, dropped | repeating, total, judged.events)
    centred = _centred(uncentred, judged)
    # What makes a point of the folds as probable as a point of the card.
    shift = round((calibration.intercept - centred.intercept) / calibration.slope)
    # A fold may give more points than anybody can have by the card: no grade may begin there.
    least, most = (sum(int(end(own)) for own in points.values()) for end in (np.min, np.max))
    return replace(uncentred, calibration=centred, unseen=np.clip(total + shift, least, most))


def _unseen(
    judged: Data, parts: list[Data], cuts: list[dict[str, Binned]], names: list[str]
) -> Ints:
    """The points of every row by the fit of the customers who are not in his group."""
    groups = folds(judged.customers, FOLDS)
    total = np.zeros(len(judged.events), np.int64)
    for number, (part, binned) in enumerate(zip(parts, cuts, strict=True)):
        his = groups == number
        for name, own in _points(_weights(part, binned, names)[0], binned).items():
            total[his] += own[binned[name].place(judged.values[name][his])]
    return total


def folds(customers: Ints, count: int) -> Ints:
    """A group per customer, the same for all rows and runs (multiplicative hashing, Knuth 6.4)."""
    mixed = customers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(40)) % np.uint64(count)).astype(np.int64)


def _cuts(data: Data, directions: Mapping[str, Direction]) -> dict[str, Binned]:
    return {
        name: cut(column, data.events, directions[name], data.repeated)
        for name, column in data.values.items()
    }


def _points(weights: Mapping[str, float], binned: Mapping[str, Binned]) -> dict[str, Ints]:
    return {
        name: np.rint(_FACTOR * weight * binned[name].woe).astype(np.int64)
        for name, weight in weights.items()
    }


def _telling(
    name: str, data: Data, whole: Binned, cuts: list[dict[str, Binned]],
    inside: list[NDArray[np.bool_]],
) -> str | None:  # fmt: skip
    """Why a feature is left out: it tells too little, or not of customers whom its bins have not
    seen; None if it is good."""
    if whole.information_value < LEAST_INFORMATION:
        return f"information value {whole.information_value:.3f}"
    evidence = np.zeros(len(data.events))
    for binned, chosen in zip(cuts, inside, strict=True):
        one = binned[name]
        evidence[~chosen] = one.woe[one.place(data.values[name][~chosen])]
    auc = float(roc_auc_score(data.events, evidence))
    customers = len(np.unique(data.customers))
    with_event = len(np.unique(data.customers[data.events == 1]))
    low, _ = auc_interval(auc, with_event, customers, 2 * CONFIDENCE - 1)
    if low <= 0.5:
        return f"does not hold for customers it has not seen (AUC {auc:.2f})"
    return None


def _weights(
    data: Data, binned: Mapping[str, Binned], names: list[str]
) -> tuple[dict[str, float], dict[str, str]]:
    """The weight of each feature's evidence, the most telling feature first. One that would turn
    its own evidence round only repeats others and is left out, which also keeps the demanded
    directions."""
    dropped: dict[str, str] = {}
    names = sorted(names, key=lambda name: -binned[name].information_value)
    evidence = {name: binned[name].woe[binned[name].place(data.values[name])] for name in names}
    while names:
        matrix = np.column_stack([evidence[name] for name in names])
        model = LogisticRegression(C=1.0, max_iter=500).fit(matrix, data.events)
        weights = {name: float(w) for name, w in zip(names, model.coef_[0], strict=True)}
        worst = min(names, key=lambda name: weights[name])
        if weights[worst] <= 0:
            dropped[worst] = "others say the same"
        elif len(names) > MOST_FEATURES:
            worst = min(names, key=lambda name: weights[name] * binned[name].information_value)
            dropped[worst] = f"not among the {MOST_FEATURES} that tell most"
        else:
            return weights, dropped
        names = [name for name in names if name != worst]
    return {}, dropped


def _platt(total: Ints, events: Ints) -> Calibration:
    """Slope and intercept from points to log-odds; a slope that chance made negative is 0."""
    if len(np.unique(total)) > 1 and 0 < events.sum() < len(events):
        model = LogisticRegression(C=np.inf, max_iter=500).fit(
            total.reshape(-1, 1) / _FACTOR, events
        )
        slope = float(model.coef_[0][0]) / _FACTOR
        if slope > 0:
            return Calibration(intercept=float(model.intercept_[0]), slope=slope)
    share = (events.sum() + 0.5) / (len(events) + 1)
    return Calibration(intercept=float(np.log(share / (1 - share))), slope=0.0)


def _centred(fitted: Fit, data: Data) -> Calibration:
    """The same slope, with the intercept by which the card's own points meet the observed rate:
    the folds' points differ a little from the card's."""
    slope = round(fitted.calibration.slope, 8)
    scaled = slope * fitted.total(data.values, len(data.events))
    observed = (data.events.sum() + 0.5) / (len(data.events) + 1)
    intercept = brentq(
        lambda start: float(np.mean(1.0 / (1.0 + np.exp(-(start + scaled))))) - observed, -60, 60
    )
    return Calibration(intercept=round(float(intercept), 8), slope=slope)
