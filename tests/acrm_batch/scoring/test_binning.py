"""Bins: they go the demanded way, empty values have their own, chance makes none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrm_batch.scoring.binning import LEAST_SHARE, MOST_BINS, cut
from acrm_batch.scoring.definition import Direction


@given(seed=st.integers(0, 10_000), direction=st.sampled_from(["up", "down"]))
def test_rates_go_the_demanded_way_whatever_the_data(seed: int, direction: Direction) -> None:
    random = np.random.default_rng(seed)
    values = np.round(random.normal(size=400), int(random.integers(0, 3)))
    values[random.random(400) < 0.1] = np.nan
    rate = 1 / (1 + np.exp(-np.nan_to_num(values) * random.normal()))
    events = (random.random(400) < rate).astype(np.int64)
    binned = cut(values, events, direction)
    steps = np.diff(binned.woe[:-1])
    assert (steps >= 0).all() if direction == "up" else (steps <= 0).all()
    assert binned.rows.sum() == 400
    assert binned.events.sum() == events.sum()
    assert len(binned.edges) < MOST_BINS
    if len(binned.edges):
        assert binned.rows[:-1].min() >= LEAST_SHARE * 400


def test_empty_values_have_a_bin_of_their_own_and_its_evidence() -> None:
    values = np.array([1.0] * 50 + [2.0] * 50 + [np.nan] * 50)
    events = np.array([0] * 50 + [1] * 30 + [0] * 20 + [1] * 50)
    binned = cut(values, events, "up")
    assert list(binned.edges) == [2.0]
    assert list(binned.rows) == [50, 50, 50]
    assert list(binned.events) == [0, 30, 50]
    assert binned.woe[2] > binned.woe[1] > 0 > binned.woe[0]
    assert list(binned.place(np.array([1.9, 2.0, np.nan]))) == [0, 1, 2]


@pytest.mark.parametrize("values", [[np.nan] * 40, [5.0] * 40, list(range(40))])
def test_what_tells_nothing_is_one_bin(values: list[float]) -> None:
    binned = cut(np.array(values, float), np.array([0, 1] * 20), "any")
    assert len(binned.edges) == 0
    assert binned.information_value == pytest.approx(0, abs=1e-9)


def test_repeating_every_customer_is_no_evidence() -> None:
    random = np.random.default_rng(7)
    values, events = random.normal(size=300), (random.random(300) < 0.3).astype(np.int64)
    once = cut(values, events, "any")
    ten_times = cut(np.tile(values, 10), np.tile(events, 10), "any", repeated=10)
    assert list(ten_times.edges) == list(once.edges)
