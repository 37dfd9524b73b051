"""Exact sliding windows in event time over a customer's transfers.

A transfer at `t` is judged by the transfers in `(t - span, t]`. So a transfer that arrives at `s`
changes the judgement of those in `[s, s + span)`, whenever it arrives, and of no others. Judging
exactly these again makes the result independent of the order of arrival.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from msgspec import Struct


class Transfer(Struct, frozen=True, gc=False):
    """A transfer to another bank, as windows count it."""

    occurred_at: datetime
    event_id: UUID
    customer_id: int
    amount: Decimal
    branch_id: str
    currency: str = "CNY"
    correlation_id: str | None = None
    fact: str = ""


class Timeline:
    """The transfers of one customer that matter to a batch, in order of event time."""

    __slots__ = ("_times", "_transfers")

    def __init__(self, transfers: Iterable[Transfer] = ()) -> None:
        self._transfers = sorted(transfers, key=lambda one: (one.occurred_at, one.event_id))
        self._times = [one.occurred_at for one in self._transfers]

    def within(self, until: datetime, span: timedelta) -> Sequence[Transfer]:
        """The transfers in `(until - span, until]`."""
        first = bisect_right(self._times, until - span)
        last = bisect_right(self._times, until)
        return self._transfers[first:last]

    def affected_by(self, at: datetime, span: timedelta) -> Iterator[Transfer]:
        """The transfers whose window contains the instant `at`: those in `[at, at + span)`."""
        first = bisect_left(self._times, at)
        last = bisect_left(self._times, at + span)
        return iter(self._transfers[first:last])


#: Of a customer without transfers.
EMPTY = Timeline()
