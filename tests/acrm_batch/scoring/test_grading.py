"""Grades are given only where the rows that calibrate them can tell them apart."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

import acrm_batch
from acrm_batch.scoring.definition import Grade
from acrm_batch.scoring.fit import Ints, fit
from acrm_batch.scoring.grading import LEAST_EVENTS, grades_of
from tests.acrm_batch.scoring import examples

SHIPPED = Path(acrm_batch.__file__).parent / "catalogue" / "scores"
SHIPPED_NAMES = sorted(one.stem for one in SHIPPED.glob("*.yml"))

RISK = [
    Grade(grade=grade, label=examples.NAMES, from_probability=rate)
    for grade, rate in (("E", 0.10), ("D", 0.05), ("C", 0.03), ("B", 0.01), ("A", 0.0))
]
SHARES = [
    Grade(grade=grade, label=examples.NAMES, top_share=share)
    for grade, share in (("HIGH", 0.1), ("MEDIUM", 0.3), ("LOW", 1.0))
]


def bands(*given: tuple[int, int, int]) -> tuple[Ints, Ints]:
    """Points and events of bands of (points, rows, events)."""
    points = np.concatenate([np.full(rows, at) for at, rows, _ in given])
    events = np.concatenate([np.arange(rows) < hits for _, rows, hits in given]).astype(np.int64)
    return points, events


def test_every_grade_that_can_be_told_apart_is_given() -> None:
    points, events = bands((-40, 2000, 4), (-10, 2000, 34), (0, 1500, 60), (20, 1000, 70),
                           (50, 500, 80))  # fmt: skip
    found = grades_of(RISK, points, events)
    assert [(one.grade, one.rows, one.events) for one in found] == [
        ("E", 500, 80), ("D", 1000, 70), ("C", 1500, 60), ("B", 2000, 34), ("A", 2000, 4),
    ]  # fmt: skip
    assert [one.from_points for one in found][:-1] == [50, 20, 0, -10]


def test_a_grade_that_nobody_reaches_is_not_given() -> None:
    points, events = bands((0, 3000, 10), (20, 2000, 80))
    assert [one.grade for one in grades_of(RISK, points, events)] == ["C", "A"]


@pytest.mark.parametrize("hits", [LEAST_EVENTS - 1, 15])
def test_a_grade_with_too_few_events_or_no_higher_rate_goes_to_the_next_lower(hits: int) -> None:
    points, events = bands((0, 7000, 140), (20, 2000, 100), (50, 100 if hits < 10 else 1000, hits))
    found = grades_of(SHARES, points, events)
    assert [one.grade for one in found] == ["MEDIUM", "LOW"]
    assert found[0].from_points <= 20
    assert sum(one.rows for one in found) == len(points)


def test_where_nothing_tells_there_is_one_grade() -> None:
    points, events = bands((0, 1000, 100))
    for wanted in (RISK, SHARES):
        [only] = grades_of(wanted, points, events)
        assert (only.rows, only.events) == (1000, 100)


def test_rates_rise_with_the_grades_whatever_chance_does() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        points = random.integers(-60, 60, 4_000)
        events = (random.random(4_000) < 1 / (1 + np.exp(4 - points / 40))).astype(np.int64)
        for wanted in (RISK, SHARES):
            found = grades_of(wanted, points, events)
            rates = [one.events / one.rows for one in found]
            assert all(higher > lower for higher, lower in pairwise(rates))
            assert all(one.events >= LEAST_EVENTS for one in found[:-1])


def test_rows_of_a_later_month_end_calibrate_and_do_nothing_else() -> None:
    values, events, _ = examples.customers(12_000)
    later = np.arange(12_000) >= 8_000
    rarer = np.where(later & (np.random.default_rng(7).random(12_000) < 0.5), 0, events)
    directions = {feature.name: feature.direction for feature in examples.definition().features}
    whole = {name: column[~later] for name, column in values.items()}
    alone = fit(whole, directions, events[~later], np.arange(8_000))
    found = fit(values, directions, rarer, np.arange(12_000), later)
    assert {name: list(points) for name, points in found.points.items()} == {
        name: list(points) for name, points in alone.points.items()
    }
    unseen = {name: column[later] for name, column in values.items()}
    assert found.probability(unseen, 4_000).mean() == pytest.approx(rarer[later].mean(), rel=0.01)
    assert alone.probability(unseen, 4_000).mean() > 1.6 * rarer[later].mean()
    assert len(found.unseen) == 4_000 and found.unseen_events.sum() == rarer[later].sum()
    # Points of the folds mean on the card what they were seen to be.
    logit = found.calibration.intercept + found.calibration.slope * found.unseen
    said = (1 / (1 + np.exp(-logit))).mean()
    assert said == pytest.approx(rarer[later].mean(), rel=0.05)


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_every_grade_of_a_shipped_card_can_be_had(name: str) -> None:
    card = yaml.safe_load((SHIPPED / f"{name}.yml").read_text(encoding="utf-8"))
    points = [
        [one["points"] for one in (*feature["bins"], feature["missing"])]
        for feature in card["features"]
    ]
    least, most = (sum(map(end, points)) for end in (min, max))
    starts = [grade["from_points"] for grade in card["grades"]]
    assert starts[0] <= most
    assert all(lower > least for lower in starts[:-1])


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_a_shipped_card_foretells_better_than_the_rate_of_everybody(name: str) -> None:
    card = yaml.safe_load((SHIPPED / f"{name}.yml").read_text(encoding="utf-8"))
    test = card["metrics"]["test"]
    assert test["brier"] < test["brier_of_base_rate"]
