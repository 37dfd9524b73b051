"""Instants of the bank's clock and days of its calendar for planted cases."""

from calendar import monthrange
from datetime import date, datetime, time, timedelta


def at(day: date, clock: str, days_later: int = 0) -> datetime:
    """The bank's local instant at `clock` (HH:MM or HH:MM:SS) some days after a date."""
    return datetime.combine(day + timedelta(days=days_later), time.fromisoformat(clock))


def months_before(day: date, months: int) -> date:
    """The same day some months before, or the last of that month."""
    index = day.year * 12 + day.month - 1 - months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def years_before(day: date, years: int) -> date:
    """The same day some years before; 28 February for the 29th."""
    return months_before(day, 12 * years)


def next_month(day: date) -> date:
    """The first day of the month after."""
    return months_before(day.replace(day=1), -1)
