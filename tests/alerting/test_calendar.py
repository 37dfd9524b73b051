"""Days and windows are the bank's, wherever the process runs: where clocks change, on leap days."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest

from crm_shared import ids
from crm_shared.events import reminders
from tests.alerting.batches import raised, records, run
from tests.alerting.bookings import Event, booking, closure, expected_reminders, transfer_out

#: When everything has happened.
NOW = datetime(2028, 4, 1, tzinfo=UTC)

#: Midnight at the bank that begins each day.
DAYS = {
    # Clocks go forward in New York, at 07:00 UTC, and back, at 06:00 UTC.
    "2026-03-08": datetime(2026, 3, 7, 16, tzinfo=UTC),
    "2026-03-09": datetime(2026, 3, 8, 16, tzinfo=UTC),
    "2026-11-01": datetime(2026, 10, 31, 16, tzinfo=UTC),
    "2026-11-02": datetime(2026, 11, 1, 16, tzinfo=UTC),
    "2028-02-29": datetime(2028, 2, 28, 16, tzinfo=UTC),
    "2028-03-01": datetime(2028, 2, 29, 16, tzinfo=UTC),
    "2027-03-01": datetime(2027, 2, 28, 16, tzinfo=UTC),
}

#: As POSIX writes them, which every machine understands, with their names in winter and summer.
ZONES = {
    "EST5EDT,M3.2.0,M11.1.0": ("EST", "EDT"),
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0": ("+1030", "+11"),
    "<+08>-8": ("+08", "+08"),
}

_free = count(700_000)


@pytest.fixture(params=ZONES, ids=["New York", "Lord Howe", "Shanghai"])
def connection_from(
    request: pytest.FixtureRequest, alerting_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection]:
    """A connection of a process in that zone."""
    monkeypatch.setenv("TZ", request.param)
    monkeypatch.setenv("PGTZ", request.param)
    time.tzset()
    assert time.tzname == ZONES[request.param]
    with psycopg.connect(alerting_url) as opened:
        yield opened
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("day", DAYS)
def test_the_day_of_a_reminder_begins_at_midnight_in_shanghai(
    day: str, connection_from: psycopg.Connection
) -> None:
    midnight, account = DAYS[day], next(_free)
    before = str(date.fromisoformat(day) - timedelta(days=1))
    events: list[Event] = [
        _closed(account, midnight - timedelta(microseconds=1)),
        _closed(account + 1_000, midnight),
        _closed(account + 2_000, midnight + timedelta(hours=24, microseconds=-1)),
    ]
    told = _told(connection_from, events)
    assert told == expected_reminders(events)
    assert set(told) == {
        _reminder(account, before),
        _reminder(account + 1_000, day),
        _reminder(account + 2_000, day),
    }
    rows = connection_from.execute(
        "select message from alerting.outbox where reminder_id = any (%s)", (list(told),)
    ).fetchall()
    for (row,) in rows:
        message = reminders.ReminderRaised.model_validate_json(row)
        assert message.window == f"closed:{message.business_date}"


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("earlier", [timedelta(0), timedelta(seconds=1), timedelta(hours=1)])
def test_a_window_has_its_24_hours_on_every_day(
    day: str, earlier: timedelta, connection_from: psycopg.Connection
) -> None:
    last, customer = DAYS[day] + timedelta(hours=23), next(_free)
    first = last - timedelta(hours=24) + earlier
    times = [last, first, *(last - timedelta(minutes=one) for one in (1, 720, 1_400))]
    events: list[Event] = [
        transfer_out(customer * 10 + number, customer_id=customer, occurred_at=at)
        for number, at in enumerate(times)
    ]
    told = _told(connection_from, events)
    assert told == expected_reminders(events)
    assert len(told) == (earlier > timedelta(0))


def test_instants_told_in_another_zone_are_the_same_instants(
    connection_from: psycopg.Connection,
) -> None:
    number = next(_free)
    events = [booking(number, customer_id=number, amount="500000.00")]
    local = events[0].occurred_at.astimezone()
    told = events[0].to_bytes().replace(b"2026-07-01T04:00:00Z", local.isoformat().encode())
    run(connection_from, records([events[0].to_bytes(), told], 1), now=NOW)
    assert raised(connection_from, [number]) == expected_reminders(events)


def _closed(number: int, at: datetime) -> Event:
    values: dict[str, Any] = {"customer_id": number, "occurred_at": at}
    return closure(number, **values)


def _told(connection: psycopg.Connection, events: list[Event]) -> dict[Any, str]:
    run(connection, records(events, 1), now=NOW)
    return raised(connection, {one.customer_id for one in events})


def _reminder(account: int, day: str) -> Any:
    return ids.reminder_id("R01.ACCOUNT_CLOSED", f"account:{account}", f"closed:{day}")
