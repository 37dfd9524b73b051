"""Time: instants are UTC and aware, dates are business dates in the bank's time zone."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

#: The bank's time zone. China has had no daylight saving time since 1991.
BANK_ZONE = ZoneInfo("Asia/Shanghai")

Clock = Callable[[], datetime]


def now() -> datetime:
    """The current instant, in UTC. Passed as a `Clock` wherever a test must set the time."""
    return datetime.now(UTC)


def bank_date(instant: datetime) -> date:
    """The calendar date in the bank's time zone at an aware instant."""
    if instant.tzinfo is None:
        raise ValueError("An instant needs a time zone; pass an aware datetime.")
    return instant.astimezone(BANK_ZONE).date()
