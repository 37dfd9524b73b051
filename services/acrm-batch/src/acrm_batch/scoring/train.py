"""`acrm train`: observe month ends, fit a scorecard, test it out of time, write it down.

The test is out of time and out of customers: the latest month end, and customers of whom training
has seen nothing at all. So horizons of training may overlap the test's, which a short history
needs, without one event standing on both sides.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.metrics import roc_auc_score

from acrm_batch.runner import Runner
from acrm_batch.scoring.binning import Binned
from acrm_batch.scoring.card import Bin, Card, CardFeature, CardGrade, Missing, load_card
from acrm_batch.scoring.challenger import challenge
from acrm_batch.scoring.definition import Definition, Reading
from acrm_batch.scoring.fit import Fit, Floats, Ints, fit, folds
from acrm_batch.scoring.metrics import Quality, quality
from acrm_batch.scoring.samples import Sample, observe, together
from crm_shared.business_calendar import month_end_after, month_ends
from crm_shared.errors import UsageError

#: Of ten groups of customers, those that only test.
_TEST_GROUPS = 3
#: A feature that alone ranks the events better than this knows the future, or is the event.
SUSPECT_AUC = 0.95

Say = Callable[[str], None]


class LeakError(UsageError):
    """A feature knows what it should predict."""

    code = "leak"


@dataclass(frozen=True)
class Trained:
    """A card, the data it was tested on, its probabilities there, and the challenger's."""

    card: Card
    definition: Definition
    fit: Fit
    test: Sample
    probability: Floats
    challenger: Quality
    training: Quality
    tested: Quality
    leaving_out: dict[str, str]


def train(
    runner: Runner, definition: Definition, first: date, last: date, horizon: int, folder: Path,
    say: Say,
) -> Trained:  # fmt: skip
    """Train a score on the month ends from `first` to before `last`, and test it on `last`.

    `UsageError` where there is nothing to learn from, `LeakError` where a feature knows the event.
    """
    days = month_ends(first, last)
    if len(days) < 2 or days[-1] != last:
        raise UsageError(
            f"From {first} to {last} there are not two month ends with the last as --to; training "
            "needs one month end at least, and the test the one after it."
        )
    samples = []
    for day in days:
        samples.append(observe(runner, definition, day, horizon))
        say(f"{day}: {len(samples[-1]):,} customers, {samples[-1].events.sum():,} events")
    training, test = split(samples)
    check_events(definition, training, test)
    check_leaks(training)
    directions = {feature.name: feature.direction for feature in definition.features}
    say(f"fitting on {len(training):,} rows with {training.events.sum():,} events")
    fitted = fit(training.values, directions, training.events, training.customers)
    say("fitting the challenger")
    challenger = quality(test.events, challenge(definition.features, training, test))
    probability = fitted.probability(test.values, len(test))
    of_training = quality(training.events, fitted.probability(training.values, len(training)))
    of_test = quality(test.events, probability)
    card = _card(definition, fitted, training, folder, horizon, {
        "first_month_end": first.isoformat(), "last_month_end": days[-2].isoformat(),
        "test_month_end": last.isoformat(),
        "events_until": (last if definition.event.resemblance
                         else month_end_after(last, horizon)).isoformat(),
        "month_ends": len(days) - 1, "rows": len(training), "events": int(training.events.sum()),
        "customers": len(np.unique(training.customers)), "test_rows": len(test),
        "test_events": int(test.events.sum()), "scikit_learn": sklearn.__version__,
    }, {
        "training": of_training.as_dict(), "test": of_test.as_dict(),
        "challenger": challenger.as_dict(),
    })  # fmt: skip
    return Trained(card, definition, fitted, test, probability, challenger, of_training, of_test,
                   fitted.dropped)  # fmt: skip


def split(samples: list[Sample]) -> tuple[Sample, Sample]:
    """Training rows, of earlier month ends, and test rows, of the last one and other customers."""
    earlier, latest = together(samples[:-1]), samples[-1]
    return (
        earlier.where(folds(earlier.customers, 10) >= _TEST_GROUPS),
        latest.where(folds(latest.customers, 10) < _TEST_GROUPS),
    )


def check_events(definition: Definition, training: Sample, test: Sample) -> None:
    """`UsageError` where one side has nothing to tell apart."""
    for name, sample in (("training", training), ("test", test)):
        happened = int(sample.events.sum())
        if happened == 0 or happened == len(sample):
            what = "nobody" if happened == 0 else "everybody"
            raise UsageError(
                f"Of the {len(sample):,} {name} rows of score {definition.name}, {what} has the "
                "event, so there is nothing to learn; choose other month ends or correct the "
                "definition."
            )


def check_leaks(training: Sample) -> None:
    """`LeakError` for the first feature that alone tells nearly all who will have the event."""
    for name, column in training.values.items():
        known = ~np.isnan(column)
        events = training.events[known]
        if not 0 < events.sum() < len(events):
            continue
        auc = float(roc_auc_score(events, column[known]))
        if max(auc, 1 - auc) >= SUSPECT_AUC and events.sum() >= training.events.sum() / 2:
            raise LeakError(
                f"Feature {name} alone tells who has the event (AUC {max(auc, 1 - auc):.3f}); it "
                "probably knows the future. Take it out of the definition."
            )


def _card(
    definition: Definition, fitted: Fit, training: Sample, folder: Path, horizon: int,
    window: dict[str, Any], metrics: dict[str, Any],
) -> Card:  # fmt: skip
    points = fitted.total(training.values, len(training))
    by_name = {feature.name: feature for feature in definition.features}
    features = tuple(
        CardFeature(
            name=name, label=by_name[name].label, expression=by_name[name].expression,
            direction=by_name[name].direction,
            information_value=round(binned.information_value, 4),
            neutral=_neutral(binned, fitted.points[name]),
            missing=Missing(points=int(fitted.points[name][-1]), rows=int(binned.rows[-1]),
                            events=int(binned.events[-1])),
            bins=_bins(binned, fitted.points[name]),
        )
        for name, binned in fitted.binned.items()
    )  # fmt: skip
    card = Card(
        name=definition.name, label=definition.label, owner=definition.owner,
        purpose=definition.purpose, version=1, horizon_months=horizon,
        population=definition.population, columns=_used_columns(definition, features),
        calibration=fitted.calibration, grades=_grades(definition, fitted, points),
        features=features, training=window, metrics=metrics,
    )  # fmt: skip
    return card.model_copy(update={"version": _version(card, folder / f"{card.name}.yml")})


def _used_columns(
    definition: Definition, features: tuple[CardFeature, ...]
) -> dict[str, Reading]:
    texts = " ".join([definition.population, *(feature.expression for feature in features)])
    words = set(re.findall(r"[a-z_][a-z0-9_]*", texts))
    return {name: how for name, how in definition.columns.items() if name in words}


def _neutral(binned: Binned, points: Ints) -> int:
    return round(float((points * binned.rows).sum() / binned.rows.sum()))


def _bins(binned: Binned, points: Ints) -> tuple[Bin, ...]:
    edges = [*map(float, binned.edges), None]
    return tuple(
        Bin(below=edge, points=int(points[i]), rows=int(binned.rows[i]),
            events=int(binned.events[i]))
        for i, edge in enumerate(edges)
    )  # fmt: skip


def _grades(definition: Definition, fitted: Fit, points: Ints) -> tuple[CardGrade, ...]:
    """The points from which each grade holds: of a probability, or of a share of the training
    population, whose last points stand outside where many share them."""
    ordered = np.sort(points)[::-1]
    found = []
    for grade in definition.grades:
        if grade.from_probability is not None:
            start = fitted.calibration.points_at(grade.from_probability)
        else:
            count = round((grade.top_share or 0) * len(ordered))
            start = int(ordered[count]) + 1 if count < len(ordered) else -(10**6)
        found.append(CardGrade(grade=grade.grade, label=grade.label, from_points=start))
    return tuple(found)


def _version(card: Card, path: Path) -> int:
    """The version before, or the next one where anything that scoring depends on has changed."""
    if not path.is_file():
        return 1
    before = load_card(path)
    same = card.model_copy(update={"version": before.version})
    return before.version + (same.content_checksum() != before.checksum)
