"""When people bank: less at weekends, more before Spring Festival, hardly during it."""

from datetime import date, timedelta

#: New Year's Day of the Chinese calendar.
SPRING_FESTIVAL = {
    2019: date(2019, 2, 5), 2020: date(2020, 1, 25), 2021: date(2021, 2, 12),
    2022: date(2022, 2, 1), 2023: date(2023, 1, 22), 2024: date(2024, 2, 10),
    2025: date(2025, 1, 29), 2026: date(2026, 2, 17), 2027: date(2027, 2, 6),
    2028: date(2028, 1, 26), 2029: date(2029, 2, 13), 2030: date(2030, 2, 3),
}  # fmt: skip

_SEASON = {1: 112, 2: 92, 6: 103, 9: 104, 11: 106, 12: 110}


def weight(day: date) -> int:
    """How busy a day is; an ordinary working day is 4."""
    festival = SPRING_FESTIVAL.get(day.year)
    if festival and -10 <= (day - festival).days <= -2:
        return 7
    if festival and -1 <= (day - festival).days <= 6:
        return 1
    return 2 if day.isoweekday() >= 6 else 4


def wheel_of_days(first: date, last: date) -> list[date]:
    """Every day from first to last, as often as it is busy."""
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return [day for day in days for _ in range(weight(day))]


def season_pct(month: date) -> int:
    """How busy a month is, in percent of an ordinary one."""
    return _SEASON.get(month.month, 98)
