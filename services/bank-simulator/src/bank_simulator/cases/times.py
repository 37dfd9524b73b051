"""Instants of the bank's clock for planted cases."""

from datetime import date, datetime, time, timedelta


def at(day: date, clock: str, days_later: int = 0) -> datetime:
    """The bank's local instant at `clock` (HH:MM or HH:MM:SS) some days after a date."""
    return datetime.combine(day + timedelta(days=days_later), time.fromisoformat(clock))
