"""Business dates: month ends and the days between. Every calendar day is one, holidays too."""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta


def is_month_end(day: date) -> bool:
    """Whether the day is the last of its month; state tables are delivered in full then."""
    return day.day == calendar.monthrange(day.year, day.month)[1]


def previous_month_end(day: date) -> date:
    """The last day of the month before the day's month."""
    return day.replace(day=1) - timedelta(days=1)


def month_end_after(day: date, months: int) -> date:
    """The last day of the month that comes so many months after the day's."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def month_ends(first: date, last: date) -> list[date]:
    """Every month end from first to last, both included."""
    return [day for day in days(first, last) if is_month_end(day)]


def days(first: date, last: date) -> Iterator[date]:
    """Every calendar day from first to last, both included; none where first is after last."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
