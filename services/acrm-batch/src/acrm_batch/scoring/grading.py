"""Grade limits, cut where the observed rate steps up on the rows that calibrate the score.

A grade is given only if it can be told from the next one: it has enough events, and its rate is
higher by more than chance. Otherwise its rows go to the next lower grade, and nobody gets it (after
Basel Committee, Studies on the Validation of Internal Rating Systems, Working Paper 14, 2005: the
order of grades is shown on observed rates). The test is never looked at.
"""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from scipy.stats import chi2

from acrm_batch.scoring.binning import LEVEL, Ints, chi_squared, cut
from acrm_batch.scoring.card import CardGrade
from acrm_batch.scoring.definition import Grade

#: Events that every grade but the lowest has at least.
LEAST_EVENTS = 10
#: Below every total of points.
_BOTTOM = -(10**6)


def grades_of(wanted: Iterable[Grade], points: Ints, events: Ints) -> tuple[CardGrade, ...]:
    """The grades that these rows can tell apart, the highest first, with the points from which each
    holds and its rows and events. There is one at least.

    A grade of a probability begins with the lowest band of points whose observed rate reaches it
    (bands are cut so that rates rise with the points); one of a share of the population is that
    share or less, where many have the same points.
    """
    bands = cut(points.astype(np.float64), events, "up")
    starts = [_BOTTOM, *(int(edge) for edge in np.ceil(bands.edges))]
    rates = bands.events[:-1] / np.maximum(bands.rows[:-1], 1)
    ordered = np.sort(points)[::-1]
    found: list[CardGrade] = []
    above = 10**9
    for grade in wanted:
        if grade.from_probability is not None:
            reach = np.flatnonzero(rates >= grade.from_probability)
            start = _BOTTOM if grade.from_probability == 0 else (
                starts[int(reach[0])] if len(reach) else above
            )  # fmt: skip
        else:
            count = round((grade.top_share or 0) * len(ordered))
            start = int(ordered[count]) + 1 if count < len(ordered) else _BOTTOM
        inside = (points >= start) & (points < above)
        if inside.any():
            above = start
            found.append(
                CardGrade(grade=grade.grade, label=grade.label, from_points=start,
                          rows=int(inside.sum()), events=int(events[inside].sum()))
            )  # fmt: skip
    while (place := _weakest(found)) is not None:
        found[place : place + 2] = [_merged(found[place], found[place + 1])]
    found[-1] = found[-1].model_copy(update={"from_points": _BOTTOM})
    return tuple(found)


def _weakest(found: list[CardGrade]) -> int | None:
    """The highest grade that cannot be told from the next one; None if all can."""
    for place, (one, lower) in enumerate(pairwise(found)):
        rows, events = np.array([one.rows, lower.rows]), np.array([one.events, lower.events])
        higher = one.events / one.rows > lower.events / lower.rows
        is_sure = chi_squared(rows, events) >= chi2.isf(LEVEL, 1)
        if one.events < LEAST_EVENTS or not (higher and is_sure):
            return place
    return None


def _merged(one: CardGrade, lower: CardGrade) -> CardGrade:
    return lower.model_copy(
        update={"rows": one.rows + lower.rows, "events": one.events + lower.events}
    )
