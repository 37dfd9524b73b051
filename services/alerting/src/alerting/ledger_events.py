"""By what delivered files each kind of event is told, and how long later one may be taken back.

Whoever looks back, at one customer or at all, reads by this table, so that all give one answer.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, timedelta
from math import ceil
from pathlib import Path
from typing import NamedTuple

from alerting import ledger, ledger_changes, ledger_states
from alerting.events import (
    Booking,
    CardBooking,
    Closure,
    DataChange,
    Event,
    Judged,
    LoanChange,
    UnpaidStatement,
)
from alerting.windows import Transfer
from crm_shared.business_calendar import days


class Source(NamedTuple):
    """How events of some days are read, of one customer or all, and the tables that tell them; how
    long after them reversals count; what has to be said where tables of states are compared, as no
    file tells such events themselves."""

    read: Callable[[Path, date, date, int | None], Iterable[Event]]
    tables: tuple[str, ...]
    reversed_within: timedelta = timedelta(0)
    compared: str = ""


_BOOKINGS = Source(ledger.bookings, ("transactions",), timedelta(days=31))

#: By what a rule judges. Nothing in the files takes back anything but bookings.
SOURCES: dict[type[Judged], Source] = {
    Booking: _BOOKINGS,
    Transfer: _BOOKINGS,
    CardBooking: Source(ledger.card_bookings, ("card_transactions",)),
    LoanChange: Source(ledger_changes.loan_changes, ("loan_events",)),
    Closure: Source(ledger_changes.closures, ("deposit_accounts", "transactions")),
    UnpaidStatement: Source(
        ledger_states.unpaid_statements,
        ("card_statements", "credit_cards"),
        compared="The delivered files hold statements as they stood at the end of days: one"
        " that was due the day before and is not paid is an event here.",
    ),
    DataChange: Source(
        ledger_states.data_changes,
        ("customers",),
        compared="The delivered files hold customers as they stood at the end of days: what was"
        " changed several times in a day is one event here, and what was changed back is none.",
    ),
}

#: Of the only kind that no file tells.
NOT_DELIVERED = (
    "no delivered file has queue tickets, and of a ticket alerting keeps only what it raised: "
    "`alerting why EVENT` tells that, and `alerting tail --rule CODE` shows what is raised now"
)


def read(
    landing: Path, judged: Collection[type[Judged]], first: date, last: date, window: timedelta
) -> Iterator[Event]:
    """Everybody's events of these kinds and days, with the bookings that a window reaches back to
    and the reversals that were delivered later; `UsageError` where there are none of the days."""
    for source in dict.fromkeys(SOURCES[kind] for kind in judged):
        if source is not _BOOKINGS:
            yield from source.read(landing, first, last, None)
            continue
        reach = timedelta(days=ceil(window / timedelta(days=1)))
        yield from ledger.bookings(landing, first - reach, last)
        after = last + timedelta(days=1), reversals_until(landing, source, last)
        if ledger.is_delivered(landing, *after, "transactions"):
            yield from ledger.bookings(landing, *after, reversals=True)


def why_not(judges: type[Judged], landing: Path, first: date, last: date) -> str:
    """Why the days cannot be judged by a rule that judges these; nothing where they can."""
    if judges not in SOURCES:
        return NOT_DELIVERED
    tables = SOURCES[judges].tables
    missing = [one for one in tables if not ledger.is_delivered(landing, first, last, one)]
    return f"the days have no {' and no '.join(missing)}" if missing else ""


def caveats(judged: Collection[type[Judged]], landing: Path, first: date, last: date) -> list[str]:
    """What has to be said of events of these kinds and days: which of them only a comparison of
    states tells, and which days lack a table."""
    sources = dict.fromkeys(SOURCES[kind] for kind in SOURCES if kind in judged)
    said = [one.compared for one in sources if one.compared]
    for table in dict.fromkeys(table for one in sources for table in one.tables):
        missing = [
            day for day in days(first, last) if not ledger.is_delivered(landing, day, day, table)
        ]
        if missing:
            named = ", ".join(map(str, missing[:3])) + (", …" if len(missing) > 3 else "")
            said.append(
                f"No {table} were delivered for {len(missing)} of these days ({named}): what they"
                " would tell is not judged here, though it may have been raised."
            )
    return said


def reversals_until(landing: Path, source: Source, day: date) -> date:
    """The last delivered day on which a reversal of an event of the day counts."""
    return ledger.arrived_until(landing, day, day + source.reversed_within)
