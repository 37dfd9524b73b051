"""Money, dates and names of things."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from crm_shared import business_calendar, clock, money


@pytest.mark.parametrize("text", ["", "twelve", "1.005", "NaN", "Infinity"])
def test_an_amount_is_a_number_of_whole_cents(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(money.Amount).validate_python(text)


def test_the_bank_date_turns_at_midnight_in_shanghai() -> None:
    assert clock.bank_date(datetime(2026, 6, 30, 15, 59, 59, tzinfo=UTC)) == date(2026, 6, 30)
    assert clock.bank_date(datetime(2026, 6, 30, 16, 0, tzinfo=UTC)) == date(2026, 7, 1)


def test_a_leap_february_ends_on_the_29th() -> None:
    assert business_calendar.month_ends(date(2028, 2, 1), date(2028, 3, 31)) == [
        date(2028, 2, 29),
        date(2028, 3, 31),
    ]


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_the_previous_month_end_is_a_month_end_before_the_day(day: date) -> None:
    previous = business_calendar.previous_month_end(day)
    assert business_calendar.is_month_end(previous)
    assert previous < day
    assert not any(
        business_calendar.is_month_end(between)
        for between in business_calendar.days(previous, day)
        if previous < between < day
    )
