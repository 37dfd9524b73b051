"""Which delivered files a relation is made of on a business date, and which days are missing.

* State of a day: the files from the last full delivery to the day, newest row per key first.
* A window of events: the files of its days.
* A table without news on a day comes as an empty file. One that was listed before in the same
  history and that a manifest leaves out breaks the contract, and a day that is not there at all
  blocks: something may have been lost.
* An opening day starts a history: nothing before it counts, and a table is unknown until a manifest
  lists it for the first time.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from acrm_batch.model import Reference, Window
from crm_shared.business_calendar import days, is_month_end, previous_month_end
from crm_shared.errors import ContractError, NotReadyError
from crm_shared.landing import day_folder
from crm_shared.landing.manifest import FILE_NAME

_HISTORY = "_history"


def source(relation: str) -> tuple[str, bool]:
    """The landing table of a relation, and whether it has every delivered row of a window
    (`<table>_history`) and not only the newest per key."""
    table = relation.removesuffix(_HISTORY)
    return table, table != relation


@dataclass(frozen=True, slots=True)
class File:
    """An accepted file: its day, whether it is full, and the checksum of its content."""

    table: str
    day: date
    file: str
    sha256: str
    rows: int
    full: bool

    def path(self, landing: Path) -> Path:
        """Where it lies."""
        return day_folder(landing, self.day) / self.file


class Inputs:
    """The accepted days and files, up to a date or all."""

    def __init__(
        self,
        accepted_days: Iterable[date],
        files: Iterable[File],
        openings: Iterable[date] = (),
    ) -> None:
        self.days = sorted(accepted_days)
        self._openings = sorted({*self.days[:1], *openings})
        self._month_ends = [day for day in self.days if is_month_end(day)]
        self._files: dict[str, list[File]] = {}
        self._versions: dict[tuple[str, date, date], str] = {}
        for file in sorted(files, key=lambda file: file.day):
            self._files.setdefault(file.table, []).append(file)

    @classmethod
    def recalled(cls, days: Mapping[date, tuple[str, bool]], files: Iterable[File]) -> "Inputs":
        """What the ledger says was accepted: days, whether each is an opening, and files."""
        return cls(days, files, (day for day, (_, opening) in days.items() if opening))

    def first_day(self, day: date) -> date:
        """The first day of the history that a day belongs to; nothing is known before it."""
        return self._openings[max(bisect_right(self._openings, day) - 1, 0)]

    def check_tables(self, until: date) -> None:
        """`ContractError` where a day leaves out a table that its history listed before."""
        listed: dict[date, set[str]] = {day: set() for day in self.days}
        for table, files in self._files.items():
            for file in files:
                listed[file.day].add(table)
        known: set[str] = set()
        for day in self.days[: bisect_right(self.days, until)]:
            if day in self._openings:
                known = set()
            if gone := sorted(known - listed[day]):
                more = f" (and {len(gone) - 1} more tables)" if gone[1:] else ""
                raise ContractError(
                    f"The manifest of {day} does not list the table {gone[0]}{more}, which was"
                    " listed before; deliver the day again with it, as an empty file if nothing"
                    " happened."
                )
            known |= listed[day]

    def month_ends(self, until: date) -> list[date]:
        """The delivered month ends of the history up to a date, in order."""
        first = bisect_left(self._month_ends, self.first_day(until))
        return self._month_ends[first : bisect_right(self._month_ends, until)]

    def reference(self, reference: Reference, day: date) -> date:
        """A day to compare with, not before the first delivered one."""
        return max(_wanted(reference, day), self.first_day(day))

    def earlier(self, reference: Reference, day: date) -> date | None:
        """A day to compare with; None where the history does not reach back to it."""
        wanted = _wanted(reference, day)
        return wanted if wanted >= self.first_day(day) else None

    def window_start(
        self, spans: Iterable[Window], day: date, parameters: Mapping[str, int]
    ) -> date:
        """The first day of a window that ends on `day`: the earliest of its spans, but not before
        the first delivery."""
        starts = []
        for span in spans:
            if span == "month":
                starts.append(previous_month_end(day))
            elif span == "month_end":
                starts.append(max((m for m in self.month_ends(day) if m < day),
                                  default=self.first_day(day)))  # fmt: skip
            else:
                count = parameters[span] if isinstance(span, str) else span
                starts.append(day - timedelta(days=count - 1))
        return max(min(starts), self.first_day(day))

    def state(self, table: str, day: date, since: date | None = None) -> list[File]:
        """The files that tell the state on `day`, and on every day back to `since`."""
        files = self._until(table, day)
        wanted = since or day
        start = next(
            (i for i in range(len(files) - 1, -1, -1) if files[i].full and files[i].day <= wanted),
            0,
        )
        chosen = files[start:]
        self._check_days(table, chosen[0].day if chosen else wanted, day)
        return chosen

    def events(self, table: str, start: date, day: date) -> list[File]:
        """The files of the days from `start` to `day`."""
        files = self._until(table, day)
        chosen = files[bisect_left(files, start, key=lambda file: file.day) :]
        self._check_days(table, start, day)
        return chosen

    def between(self, table: str, start: date, end: date) -> list[File]:
        """The accepted files of the days from `start` to `end`, of whatever history."""
        return [file for file in self._files.get(table, []) if start <= file.day <= end]

    def version(self, files: Sequence[File]) -> str:
        """Changes when any of some files of one table, one after the other, has other content."""
        # A history is read by many models and for many days, and mostly over the same spans.
        span = (files[0].table, files[0].day, files[-1].day) if files else ("", date.min, date.min)
        if span not in self._versions:
            digest = hashlib.sha256()
            for file in files:
                digest.update(f"{file.day}{file.sha256}{file.full}".encode())
            self._versions[span] = digest.hexdigest()
        return self._versions[span]

    def _until(self, table: str, day: date) -> list[File]:
        files = self._files.get(table, [])
        first = bisect_left(files, self.first_day(day), key=lambda file: file.day)
        return files[first : bisect_right(files, day, key=lambda file: file.day)]

    def _check_days(self, table: str, start: date, day: date) -> None:
        present = self.days[bisect_left(self.days, start) : bisect_right(self.days, day)]
        if len(present) < (day - start).days + 1:
            missing = sorted({*days(start, day)}.difference(present))
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise NotReadyError(
                f"The extract of {missing[0]}{more} is missing, and {table} of {day} is made of"
                f" the days from {start} on; deliver the day with its manifest and start again."
            )


def _wanted(reference: Reference, day: date) -> date:
    """The day that a reference means, delivered or not."""
    if reference == "day":
        return day - timedelta(days=1)
    if reference == "month":
        return previous_month_end(day)
    if reference == "two_months":
        return previous_month_end(previous_month_end(day))
    if reference == "year":
        return date(day.year - 1, 12, 31)
    # 29 February is compared with the 28th.
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if is_leap_day else day.day)


def delivered_days(landing: Path, until: date) -> list[date]:
    """The days with a manifest up to a date, in order."""
    if not landing.is_dir():
        raise NotReadyError(
            f"The landing folder {landing} does not exist; set CRM_LANDING_DIR or wait for the "
            "first delivery."
        )
    found = []
    for folder in landing.glob("business_date=*"):
        try:
            day = date.fromisoformat(folder.name.partition("=")[2])
        except ValueError:
            raise ContractError(
                f"{folder} is not named after a date; rename it to business_date=YYYY-MM-DD."
            ) from None
        try:
            with (folder / FILE_NAME).open("rb"):
                pass
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ContractError(
                f"{folder / FILE_NAME} cannot be read ({error.strerror}); give the right to read"
                " it, or deliver the day again."
            ) from None
        if day <= until:
            found.append(day)
    return sorted(found)
