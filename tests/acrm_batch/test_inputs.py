"""Which files a date is made of."""

from datetime import date, timedelta

import pytest

from acrm_batch.inputs import File, Inputs
from crm_shared.errors import ContractError, NotReadyError

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(90)]


def file(table: str, day: date, *, full: bool = False) -> File:
    return File(table, day, f"{table}.parquet", f"{table}{day}", 1, full)


def loans(days: list[date]) -> list[File]:
    full = {FIRST, date(2026, 1, 31), date(2026, 2, 28)}
    return [file("loans", day, full=day in full) for day in days]


def test_state_is_read_since_the_last_full_delivery() -> None:
    inputs = Inputs(DAYS, loans(DAYS))
    found = [one.day for one in inputs.state("loans", date(2026, 2, 2))]
    assert found == [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 2)]


def test_state_back_to_a_day_starts_at_the_full_delivery_before_it() -> None:
    inputs = Inputs(DAYS, loans(DAYS))
    found = inputs.state("loans", date(2026, 3, 5), since=date(2026, 2, 10))
    assert (found[0].day, found[-1].day) == (date(2026, 1, 31), date(2026, 3, 5))


def test_a_table_that_was_listed_must_be_listed_on_every_later_day() -> None:
    inputs = Inputs(DAYS, loans([*DAYS[3:5], *DAYS[6:]]))
    inputs.check_tables(DAYS[4])
    with pytest.raises(ContractError, match=r"2026-01-06 does not list the table loans.* again"):
        inputs.check_tables(DAYS[5])


def test_an_opening_day_need_not_list_what_was_listed_before_it() -> None:
    opening = date(2026, 6, 30)
    files = [*loans(DAYS), file("cards", opening)]
    Inputs([*DAYS, opening], files, [opening]).check_tables(opening)


def test_a_missing_day_blocks_only_windows_that_hold_it() -> None:
    present = [day for day in DAYS if day != date(2026, 2, 5)]
    inputs = Inputs(present, loans(present))
    assert inputs.state("loans", date(2026, 3, 2))[0].day == date(2026, 2, 28)
    with pytest.raises(NotReadyError, match="2026-02-05"):
        inputs.state("loans", date(2026, 2, 6))


def test_no_window_looks_back_across_an_opening() -> None:
    opening = date(2026, 6, 30)
    inputs = Inputs([*DAYS, opening], [*loans(DAYS), file("loans", opening, full=True)], [opening])
    assert [one.day for one in inputs.state("loans", opening)] == [opening]
    assert inputs.window_start((90,), opening, {}) == opening
    assert inputs.month_ends(opening) == [opening]
    assert inputs.first_day(DAYS[-1]) == FIRST


@pytest.mark.parametrize(
    ("spans", "start"),
    [
        ((30,), date(2026, 2, 9)),
        (("month",), date(2026, 2, 28)),
        (("days.back",), date(2026, 3, 8)),
        ((2, "month"), date(2026, 2, 28)),
    ],
)
def test_windows_begin(spans: tuple[int | str, ...], start: date) -> None:
    inputs = Inputs(DAYS, loans(DAYS))
    assert inputs.window_start(spans, date(2026, 3, 10), {"days.back": 3}) == start
