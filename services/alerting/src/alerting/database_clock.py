"""PostgreSQL's clock, by which every member goes: its own may be wrong, and they may differ.

What lies in the future, when a canary was sent, how old something is and which version of a rule is
in force are told by this one clock, so that no member judges otherwise than the others.
"""

import time
from datetime import datetime, timedelta

import psycopg

from crm_shared import clock, logging

_log = logging.get(__name__)

#: A member's own clock that differs more is named at the start: its log says other times.
_NAMED_FROM = timedelta(seconds=5)

#: Goes on while the machine sleeps, where the system has such a clock, and is never set.
_RUNNING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now(connection: psycopg.Connection) -> datetime:
    """What the database's clock says now, also within a transaction."""
    at: datetime
    ((at,),) = connection.execute("select clock_timestamp()").fetchall()
    return at


class DatabaseClock:
    """A `Clock` for those who have no connection at hand: the time that PostgreSQL told when it was
    asked last, and what has passed since. Ask it now and then."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.ask(connection)
        differs = clock.now() - self()
        if abs(differs) > _NAMED_FROM:
            _log.warning(
                "clock_differs", seconds=round(differs.total_seconds(), 1),
                do="set this machine's clock by NTP; the work goes by PostgreSQL's",
            )  # fmt: skip

    def ask(self, connection: psycopg.Connection) -> None:
        """Go by what the database says now."""
        before = time.clock_gettime(_RUNNING)
        at = now(connection)
        # One tuple, so that whoever reads it meanwhile never sees half of it.
        self._told = at, (before + time.clock_gettime(_RUNNING)) / 2

    def __call__(self) -> datetime:
        at, heard = self._told
        return at + timedelta(seconds=time.clock_gettime(_RUNNING) - heard)
