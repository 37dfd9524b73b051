"""Working days and hours of the bank: public holidays and working weekends, by the year.

A year is a file `YEAR.json`: those in `crm_shared/holidays` are the State Council's notices for
mainland China; a file of the same name in the bank's own folder replaces one or adds a year. In a
year without a file Monday to Friday are worked, holidays too, until there is one.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from crm_shared.business_calendar import days
from crm_shared.clock import BANK_ZONE
from crm_shared.errors import UsageError

#: How far back hours are counted; a longer closure than this is a mistake in the files.
_FARTHEST = timedelta(days=400)


@dataclass(frozen=True)
class WorkingTime:
    """When the bank works. Instants are aware; days and hours are those of the bank's zone."""

    opens: time = time(9)
    closes: time = time(17)
    #: Years that have a file; of the others only weekends are known.
    years: frozenset[int] = frozenset()
    holidays: frozenset[date] = field(default_factory=frozenset)
    working_weekends: frozenset[date] = field(default_factory=frozenset)

    def is_working_day(self, day: date) -> bool:
        """Whether the bank works on a day."""
        if day in self.working_weekends:
            return True
        return day.weekday() < 5 and day not in self.holidays

    def unknown_from(self, day: date) -> date:
        """The first 1 January, of the year of a day or a later one, whose year has no file."""
        year = day.year
        while year in self.years:
            year += 1
        return date(year, 1, 1)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time between two instants; none where the end is not after the start."""
        first, last = start.astimezone(BANK_ZONE), end.astimezone(BANK_ZONE)
        total = timedelta(0)
        for day in days(first.date(), last.date()):
            if self.is_working_day(day):
                total += max(
                    timedelta(0),
                    min(last, self._at(day, self.closes)) - max(first, self._at(day, self.opens)),
                )
        return total

    def before(self, instant: datetime, hours: int) -> datetime:
        """The latest instant since which so many working hours have passed at `instant`."""
        left, at = timedelta(hours=hours), instant.astimezone(BANK_ZONE)
        for day in self._backwards(at.date()):
            opens = self._at(day, self.opens)
            worked = max(timedelta(0), min(at, self._at(day, self.closes)) - opens)
            if worked >= left:
                return opens + worked - left
            left -= worked
        raise UsageError(
            f"{hours} working hours were not found in {_FARTHEST.days} days before {instant:%F};"
            " correct the files of public holidays."
        )

    def _backwards(self, day: date) -> Iterator[date]:
        for offset in range(_FARTHEST.days):
            one = day - timedelta(days=offset)
            if self.is_working_day(one):
                yield one

    @staticmethod
    def _at(day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, BANK_ZONE)


def working_time(
    opens: time = time(9), closes: time = time(17), folder: Path | None = None
) -> WorkingTime:
    """The working time by the product's files and the bank's own; `UsageError` says what is wrong.

    `folder` may hold files `YEAR.json`, each in place of the product's file of that year.
    """
    if closes <= opens:
        raise UsageError(f"The bank cannot close at {closes:%H:%M} and open at {opens:%H:%M}.")
    product = resources.files("crm_shared") / "holidays"
    files = {one.name: one for one in product.iterdir() if one.name.endswith(".json")}
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder of public holidays; correct the setting.")
        files |= {one.name: one for one in folder.glob("*.json")}
    found = [_year(name, files[name].read_text(encoding="utf-8")) for name in sorted(files)]
    return WorkingTime(
        opens,
        closes,
        frozenset(year for year, _, _ in found),
        frozenset(day for _, off, _ in found for day in off),
        frozenset(day for _, _, worked in found for day in worked),
    )


def _year(name: str, content: str) -> tuple[int, set[date], set[date]]:
    try:
        given: dict[str, Any] = json.loads(content)
        year = int(given["year"])
        off = {
            day
            for one in given["holidays"]
            for day in days(date.fromisoformat(one["from"]), date.fromisoformat(one["until"]))
        }
        worked = {date.fromisoformat(day) for day in given["working_weekends"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"The public holidays in {name} cannot be read ({type(error).__name__}: {error});"
            ' write them like {"year": 2026, "holidays": [{"from": "2026-01-01", "until":'
            ' "2026-01-03"}], "working_weekends": ["2026-01-04"]}.'
        ) from error
    wrong = sorted(day for day in off | worked if day.year != year)
    if wrong or name != f"{year}.json":
        raise UsageError(
            f"The public holidays in {name} are of {year} and name {wrong}; keep each year in"
            " a file of its own, called YEAR.json."
        )
    if day := min((one for one in worked if one.weekday() < 5 or one in off), default=None):
        raise UsageError(f"{day} in {name} is no weekend that is worked; correct the file.")
    return year, off, worked
