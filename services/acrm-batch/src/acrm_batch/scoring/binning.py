"""Bins of a feature and their weight of evidence, monotone where the definition demands it.

Weight of evidence of a bin: `ln(share of the events / share of the other rows)`, with half an event
and half a row added so that an empty bin stays finite; information value: the sum over the bins of
the difference of the shares times it (Siddiqi, Credit Risk Scorecards, 2006, section 6.1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from acrm_batch.scoring.definition import Direction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Quantiles that the first cut makes.
_FINE_BINS = 20
#: Bins at most, and the share of the rows that a bin has at least.
MOST_BINS = 6
LEAST_SHARE = 0.04
#: Neighbours whose rates differ no more than by chance (chi-squared, at this level) are merged.
LEVEL = 0.05


@dataclass(frozen=True)
class Binned:
    """A feature cut into bins: upper edges (the last bin has none), and rows and events per bin.
    The last row and event are those of empty values."""

    edges: Floats
    rows: Ints
    events: Ints

    def place(self, values: Floats) -> Ints:
        """The bin of every value; the number after the last bin for empty values."""
        places = np.searchsorted(self.edges, values, side="right").astype(np.int64)
        places[np.isnan(values)] = len(self.edges) + 1
        return places

    @property
    def woe(self) -> Floats:
        """Weight of evidence per bin, and of empty values; 0 where there are none of these."""
        events = self.events + 0.5
        others = self.rows - self.events + 0.5
        woe = np.log(events / events.sum()) - np.log(others / others.sum())
        return np.where(self.rows > 0, woe, 0.0)

    @property
    def information_value(self) -> float:
        """How much the feature tells; below 0.02 it tells nothing (Siddiqi 2006)."""
        events = self.events / max(self.events.sum(), 1)
        others = (self.rows - self.events) / max((self.rows - self.events).sum(), 1)
        return float(((events - others) * self.woe).sum())


def cut(values: Floats, events: Ints, direction: Direction, repeated: float = 1.0) -> Binned:
    """Bins of a feature: quantiles first, then neighbours merged until each has enough rows, the
    rates go the demanded way and neighbours differ by more than chance.

    A customer stands in `repeated` rows, one per month end; chi-squared is divided by that, so that
    repeating a customer does not look like evidence.
    """
    known = ~np.isnan(values)
    quantiles = np.linspace(0, 1, _FINE_BINS + 1)[1:-1]
    edges = _fine_edges(values[known], quantiles) if known.any() else np.empty(0)
    rows, hits = _counted(edges, values, events)
    least = max(LEAST_SHARE * len(values), 1.0)
    while (
        len(edges)
        and (place := _to_merge(rows[:-1], hits[:-1], direction, least, repeated)) is not None
    ):
        edges = np.delete(edges, place)
        rows, hits = _merged(rows, place), _merged(hits, place)
    return Binned(edges, rows, hits)


def _fine_edges(values: Floats, quantiles: Floats) -> Floats:
    """Quantiles of three significant digits, which people can read. The lowest value gets a bin of
    its own, because often it is 0 and shared by many."""
    lowest = values.min()
    above = values[values > lowest]
    if not above.size:
        return np.empty(0)
    edges = np.append(np.quantile(values, quantiles), above.min())
    edges = np.array([float(f"{edge:.3g}") for edge in edges])
    return np.unique(edges[edges > lowest])


def _counted(edges: Floats, values: Floats, events: Ints) -> tuple[Ints, Ints]:
    empty = Binned(edges, np.zeros(0, np.int64), np.zeros(0, np.int64))
    places = empty.place(values)
    count = len(edges) + 2
    rows = np.bincount(places, minlength=count).astype(np.int64)
    hits = np.bincount(places, weights=events.astype(float), minlength=count).astype(np.int64)
    return rows, hits


def _merged(counts: Ints, place: int) -> Ints:
    return np.concatenate(
        [counts[:place], [counts[place] + counts[place + 1]], counts[place + 2 :]]
    ).astype(np.int64)


def _to_merge(
    rows: Ints, events: Ints, direction: Direction, least: float, repeated: float
) -> int | None:
    """The bin to merge with the next one; None if all may stay."""
    if len(rows) < 2:
        return None
    small = int(rows.argmin())
    if rows[small] < least:
        return small - 1 if small == len(rows) - 1 or _closer_before(rows, events, small) else small
    rates = events / rows
    steps = np.diff(rates)
    wrong = {"up": steps < 0, "down": steps > 0, "any": np.zeros(len(steps), bool)}[direction]
    if wrong.any():
        return int(np.where(wrong, np.abs(steps), -1).argmax())
    pairs = [
        chi_squared(rows[i : i + 2], events[i : i + 2]) / repeated for i in range(len(rows) - 1)
    ]
    weakest = int(np.argmin(pairs))
    if len(rows) > MOST_BINS or pairs[weakest] < chi2.isf(LEVEL, 1):
        return weakest
    return None


def _closer_before(rows: Ints, events: Ints, place: int) -> bool:
    """Whether the rate is nearer to that of the bin before than to that of the one after."""
    if place == 0:
        return False
    rates = events / np.maximum(rows, 1)
    return bool(abs(rates[place] - rates[place - 1]) <= abs(rates[place] - rates[place + 1]))


def chi_squared(rows: Ints, events: Ints) -> float:
    """Pearson's statistic of equal rates over bins."""
    share = events.sum() / rows.sum()
    if share in (0, 1):
        return 0.0
    return float((((events - rows * share) ** 2) / (rows * share * (1 - share))).sum())
