"""Functions that models call."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acrm_batch.catalogue import ParameterValue
from acrm_batch.engines.duckdb import Engine
from crm_shared import ids


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    engine = Engine(folder, folder / "aside", "200MB", 1)
    yield engine
    engine.close()


def value(engine: Engine, expression: str, *given: object) -> object:
    return engine.connection.execute(f"select {expression}", list(given)).fetchall()[0][0]


@given(subject=st.text(st.characters(codec="utf-8", exclude_characters="\0")))
@settings(max_examples=50, deadline=None)
def test_reminder_ids_are_those_of_the_shared_package(engine: Engine, subject: str) -> None:
    found = value(engine, "reminder_id('R02.LOAN_MATURES', ?, 'due:2026-07-20')", subject)
    assert found == str(ids.reminder_id("R02.LOAN_MATURES", subject, "due:2026-07-20"))


@given(cents=st.integers(-(10**17), 10**17), days=st.integers(1, 400))
@settings(max_examples=100, deadline=None)
def test_averages_are_divided_exactly_and_rounded_half_up(
    engine: Engine, cents: int, days: int
) -> None:
    total = Decimal(cents) / 100
    found = value(engine, "average(?::decimal(38,2), ?::integer)", total, days)
    assert found == (total / days).quantize(Decimal("0.01"), ROUND_HALF_UP)


@given(
    start=st.integers(0, 60), length=st.integers(0, 60), first=st.integers(0, 60),
    window=st.integers(0, 60),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_overlapping_days_are_counted_like_a_calendar_counts(
    engine: Engine, start: int, length: int, first: int, window: int
) -> None:
    day = date(2026, 1, 1)
    until, last = start + length, first + window
    found = value(
        engine, "overlap_days(?::date, ?::date, ?::date, ?::date)",
        *(day + timedelta(days=n) for n in (start, until, first, last)),
    )  # fmt: skip
    assert found == len(set(range(start, until)) & set(range(first, last + 1)))


def test_a_parameter_of_a_legal_entity_goes_before_the_unions(engine: Engine) -> None:
    since = date(1900, 1, 1)
    engine.set_parameters(
        [
            ParameterValue("contact.cap", "*", since, 4),
            ParameterValue("contact.cap", "L2", since, 2),
        ]
    )
    assert value(engine, "[param('contact.cap', 'L1'), param('contact.cap', 'L2')]") == [4, 2]


def test_a_view_that_is_not_made_again_follows_what_it_reads(tmp_path: Path) -> None:
    engine = Engine(tmp_path, tmp_path / "aside", "200MB", 1)
    for number, kind in ((1, "integer"), (2, "bigint")):
        engine.connection.execute(f"create or replace table below as select {number}::{kind} as x")
        engine.view("above", "select x, typeof(x) from below")
        assert engine.connection.execute("from above").fetchall() == [(number, kind.upper())]
    engine.close()
