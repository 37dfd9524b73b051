"""`acrm train`: observe month ends, fit a scorecard, test it on a later one, write it down.

Time runs one way through three slices: bins and weights come from the earlier month ends,
calibration and grade limits from the last month end of training, judged by fits that have not seen
the customer, and the test is a later month end of customers who stand in neither.
An embargo holds: whatever training is told ends before the day of the test (López de Prado,
Advances in Financial Machine Learning, 2018, chapter 7).
"""

from collections.abc import Callable, Mapping
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
from acrm_batch.scoring.grading import LEAST_EVENTS
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
    """A fit, what it was trained and tested on, and how good it and the challenger are there."""

    definition: Definition
    fit: Fit
    training: Sample
    test: Sample
    probability: Floats
    of_training: Quality
    of_test: Quality
    of_challenger: Quality
    window: dict[str, Any]


def train(
    runner: Runner, definition: Definition, *, first: date, last: date, horizon: int,
    source: str, say: Say,
) -> Trained:  # fmt: skip
    """Train a score on the month ends from `first` whose horizon ends before `last`, and test it on
    `last`. `source` says for the model card what the data are.

    `UsageError` where there is nothing to learn from, `LeakError` where a feature knows the event.
    """
    days = learnt_from(definition, first, last, horizon)
    samples = []
    for day in (*days, last):
        samples.append(observe(runner, definition, day, horizon))
        say(f"{day}: {len(samples[-1]):,} customers, {samples[-1].events.sum():,} events")
    training, test = split(samples)
    calibrating = training.as_of == np.datetime64(days[-1])
    check_events(definition, {
        "training": training.where(~calibrating if len(days) > 1 else calibrating),
        "calibration": training.where(calibrating), "test": test,
    })  # fmt: skip
    check_leaks(training)
    directions = {feature.name: feature.direction for feature in definition.features}
    say(f"fitting on {len(training):,} rows with {training.events.sum():,} events")
    fitted = fit(training.values, directions, training.events, training.customers, calibrating)
    say("fitting the challenger")
    probability = fitted.probability(test.values, len(test))
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
            "first_month_end": days[0].isoformat(),
            "calibration_month_end": days[-1].isoformat(),
            "labels_until": _told_until(definition, days[-1], horizon).isoformat(),
            "test_month_end": last.isoformat(),
            "events_until": _told_until(definition, last, horizon).isoformat(),
            "horizon_months": horizon,
            "customers": len(np.unique(training.customers)),
            "source": source,
            "scikit_learn": sklearn.__version__,
        },
    )


def learnt_from(definition: Definition, first: date, last: date, horizon: int) -> list[date]:
    """The month ends from `first` on of which everything was told before the day `last`.

    `UsageError` where there is none.
    """
    days = month_ends(first, last)
    found = [day for day in days if _told_until(definition, day, horizon) < last]
    if not found or days[-1] != last:
        raise UsageError(
            f"From {first} to {last} there is no month end whose horizon of {horizon} months ends "
            "before --to, or --to is none; training may know nothing of the test's time: choose an "
            "earlier --from or a shorter --horizon."
        )
    return found


def _told_until(definition: Definition, day: date, horizon: int) -> date:
    """The day on which the last event of a month end may happen."""
    return day if definition.event.resemblance else month_end_after(day, horizon)


def split(samples: list[Sample]) -> tuple[Sample, Sample]:
    """Training rows, of earlier month ends, and test rows, of the last one and other customers."""
    earlier, latest = together(samples[:-1]), samples[-1]
    return (
        earlier.where(folds(earlier.customers, 10) >= _TEST_GROUPS),
        latest.where(folds(latest.customers, 10) < _TEST_GROUPS),
    )


def check_events(definition: Definition, slices: Mapping[str, Sample]) -> None:
    """`UsageError` where a slice, by its name, has too little to tell apart."""
    for name, sample in slices.items():
        happened = int(sample.events.sum())
        if min(happened, len(sample) - happened) < LEAST_EVENTS:
            raise UsageError(
                f"Of the {len(sample):,} {name} rows of score {definition.name}, {happened:,} have "
                f"the event and {len(sample) - happened:,} have not; {LEAST_EVENTS} of each are "
                "needed, so choose other month ends or correct the definition."
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
