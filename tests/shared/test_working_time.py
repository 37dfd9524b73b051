"""Working days and hours: public holidays, working weekends, and files that a bank replaces."""

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_shared.clock import BANK_ZONE
from crm_shared.errors import UsageError
from crm_shared.working_time import WorkingTime, working_time

BANK = working_time()
BEGINNING = datetime(2024, 3, 1, tzinfo=BANK_ZONE)
INSTANTS = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: BEGINNING + timedelta(minutes=minutes)
)


def at(text: str) -> datetime:
    """An instant on the bank's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=BANK_ZONE)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2024-02-12", False), ("2024-02-18", True), ("2024-10-12", True), ("2024-06-10", False),
        ("2025-01-26", True), ("2025-02-04", False), ("2025-10-08", False), ("2025-10-11", True),
        ("2026-01-02", False), ("2026-01-04", True), ("2026-02-28", True), ("2026-10-07", False),
        ("2026-10-08", True), ("2026-06-22", True), ("2026-06-27", False), ("2027-10-01", True),
    ],
)  # fmt: skip
def test_the_notices_of_the_state_council_hold(day: str, works: bool) -> None:
    assert BANK.is_working_day(date.fromisoformat(day)) is works


def test_from_when_on_only_weekends_are_known() -> None:
    known = WorkingTime(years=frozenset({2025, 2026, 2028}))
    for day, unknown in (("2025-06-30", 2027), ("2026-12-31", 2027), ("2027-05-01", 2027)):
        assert known.unknown_from(date.fromisoformat(day)) == date(unknown, 1, 1)
    assert known.unknown_from(date(2028, 1, 1)) == date(2029, 1, 1)


def test_each_year_has_the_days_off_of_its_notice() -> None:
    off = {year: sum(day.year == year for day in BANK.holidays) for year in BANK.years}
    assert off == {2024: 28, 2025: 28, 2026: 33}


@pytest.mark.parametrize(
    ("now", "hours", "since"),
    [
        ("2026-06-30T11:00", 2, "2026-06-30T09:00"),
        ("2026-06-30T11:00", 3, "2026-06-29T16:00"),
        ("2026-06-30T03:00", 8, "2026-06-29T09:00"),
        ("2026-10-08T10:00", 2, "2026-09-30T16:00"),
        ("2026-10-10T10:00", 1, "2026-10-10T09:00"),
        ("2026-06-30T22:00", 0, "2026-06-30T17:00"),
    ],
)
def test_hours_are_counted_back_over_nights_weekends_and_holidays(
    now: str, hours: int, since: str
) -> None:
    assert BANK.before(at(now), hours) == at(since)


@given(instant=INSTANTS, hours=st.integers(1, 200))
def test_so_many_hours_have_passed_since(instant: datetime, hours: int) -> None:
    since = BANK.before(instant, hours)
    assert BANK.between(since, instant) == timedelta(hours=hours)
    assert BANK.between(since + timedelta(seconds=1), instant) < timedelta(hours=hours)
    assert BANK.between(instant, since) == timedelta(0)


def test_a_bank_replaces_a_year_and_adds_one(tmp_path: Path) -> None:
    for year in (2026, 2027):
        mine = {
            "year": year,
            "holidays": [{"from": f"{year}-07-01", "until": f"{year}-07-02"}],
            "working_weekends": [],
        }
        (tmp_path / f"{year}.json").write_text(json.dumps(mine))
    own = working_time(time(8, 30), time(17, 30), tmp_path)
    assert own.years == {2024, 2025, 2026, 2027}
    assert own.is_working_day(date(2026, 10, 1))
    assert not own.is_working_day(date(2027, 7, 1))
    assert own.between(at("2026-07-03T00:00"), at("2026-07-03T23:00")) == timedelta(hours=9)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("2026.json", "{", "cannot be read"),
        ("2026.json", '{"year": 2026}', "write them like"),
        ("2027.json", '{"year": 2026, "holidays": [], "working_weekends": []}', "YEAR.json"),
        ("2026.json", '{"year": 2026, "holidays": [], "working_weekends": ["2027-01-02"]}',
         "a file of its own"),
        ("2026.json", '{"year": 2026, "holidays": [], "working_weekends": ["2026-06-30"]}',
         "no weekend"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=sentence):
        working_time(folder=tmp_path)


def test_a_missing_folder_and_impossible_hours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        working_time(folder=tmp_path / "nothing")
    with pytest.raises(UsageError, match="cannot close"):
        working_time(time(17), time(9))
