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


class Source(NamedTuple):
    """How events of some days are read, of one customer or all; the tables that tell them one by
    one, none where only a comparison of states does; how long after them reversals count."""

    read: Callable[[Path, date, date, int | None], Iterable[Event]]
    tables: tuple[str, ...] = ()
    reversed_within: timedelta = timedelta(0)


_BOOKINGS = Source(ledger.bookings, ("transactions",), timedelta(days=31))

#: By what a rule judges. Nothing in the files takes back anything but bookings.
SOURCES: dict[type[Judged], Source] = {
    Booking: _BOOKINGS,
    Transfer: _BOOKINGS,
    CardBooking: Source(ledger.card_bookings, ("card_transactions",)),
    LoanChange: Source(ledger_changes.loan_changes, ("loan_events",)),
    Closure: Source(ledger_changes.closures, ("deposit_accounts", "transactions")),
    UnpaidStatement: Source(ledger_states.unpaid_statements),
    DataChange: Source(ledger_states.data_changes),
}


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


def reversals_until(landing: Path, source: Source, day: date) -> date:
    """The last delivered day on which a reversal of an event of the day counts."""
    return ledger.arrived_until(landing, day, day + source.reversed_within)
