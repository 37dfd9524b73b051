"""`acrm train`: observe month ends, fit a scorecard, test it on a later one, write it down.

The test is the latest month end and customers of whom training has seen nothing at all, so no event
stands on both sides. Where horizons of training end after the test's month end, which a short
history needs, both still see the same weeks, and what happens to everybody in them. So the same
training is tested without those month ends too, where any are left, and the model card says both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import sklearn
from sklearn.metrics import roc_auc_score

from acrm_batch.runner import Runner
from acrm_batch.scoring.challenger import challenge
from acrm_batch.scoring.definition import Definition
from acrm_batch.scoring.fit import Fit, Floats, fit, folds
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
class Overlap:
    """The month ends of training whose horizon ends after the test's month end, the others, and how
    good a training on the others alone is on the test; empty where it cannot be had."""

    month_ends: tuple[date, ...] = ()
    others: tuple[date, ...] = ()
    without: Quality | None = None


@dataclass(frozen=True)
class Trained:
    """A fit, what it was trained and tested on, how good it and the challenger are there, and what
    of its horizons overlaps the test's."""

    definition: Definition
    fit: Fit
    training: Sample
    test: Sample
    probability: Floats
    of_training: Quality
    of_test: Quality
    of_challenger: Quality
    window: dict[str, Any]
    overlap: Overlap = Overlap()


def train(
    runner: Runner, definition: Definition, *, first: date, last: date, horizon: int, say: Say
) -> Trained:
    """Train a score on the month ends from `first` to before `last`, and test it on `last`.

    `UsageError` where there is nothing to learn from, `LeakError` where a feature knows the event.
    """
    days = month_ends(first, last)
    if len(days) < 2 or days[-1] != last:
        raise UsageError(
            f"From {first} to {last} there are not two month ends with --to the last of them; "
            "training needs one month end at least, and the test a later one."
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
    say("fitting without the month ends that overlap the test, and the challenger")
    overlap = overlap_of(definition, samples, days, horizon)
    probability = fitted.probability(test.values, len(test))
    until = last if definition.event.resemblance else month_end_after(last, horizon)
    return Trained(
        definition=definition,
        fit=fitted,
        training=training,
        test=test,
        probability=probability,
        of_training=quality(training.events, fitted.probability(training.values, len(training))),
        of_test=quality(test.events, probability),
        of_challenger=quality(test.events, challenge(definition.features, training, test)),
        window={
            "first_month_end": first.isoformat(),
            "last_month_end": days[-2].isoformat(),
            "test_month_end": last.isoformat(),
            "events_until": until.isoformat(),
            "horizon_months": horizon,
            "overlapping_month_ends": [day.isoformat() for day in overlap.month_ends],
            "customers": len(np.unique(training.customers)),
            "scikit_learn": sklearn.__version__,
        },
        overlap=overlap,
    )


def overlap_of(
    definition: Definition, samples: list[Sample], days: list[date], horizon: int
) -> Overlap:
    """What of the horizons of training overlaps the last month end's, and the test without it."""
    if definition.event.resemblance:
        return Overlap()
    reaches = {day: month_end_after(day, horizon) > days[-1] for day in days[:-1]}
    overlapping = tuple(day for day in days[:-1] if reaches[day])
    others = tuple(day for day in days[:-1] if not reaches[day])
    without = None
    if overlapping and others:
        kept = [one for one, day in zip(samples, days[:-1], strict=False) if not reaches[day]]
        training, test = split([*kept, samples[-1]])
        if 0 < training.events.sum() < len(training):
            directions = {feature.name: feature.direction for feature in definition.features}
            fitted = fit(training.values, directions, training.events, training.customers)
            without = quality(test.events, fitted.probability(test.values, len(test)))
    return Overlap(overlapping, others, without)


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
