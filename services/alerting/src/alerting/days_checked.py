"""What the last check of each business date found: is the day complete?"""

from dataclasses import dataclass
from datetime import date

import psycopg

_KEEP = """
insert into alerting.days_checked (business_date, complete) values (%s, %s)
on conflict (business_date) do update
set complete = excluded.complete, checked_at = now()
"""

_STANDING = """
select newest, (
    select count(*)
    from generate_series(greatest(oldest, newest - %s + 1), newest, interval '1 day') as day
    left join alerting.days_checked on business_date = day::date
    where complete is not true
)
from (select min(business_date), max(business_date) from alerting.days_checked)
    as kept (oldest, newest)
"""

#: Of so many dates up to the newest one that was checked, those that are incomplete, or that were
#: left out, are told.
TOLD_DAYS = 7


@dataclass(frozen=True, slots=True)
class Checked:
    """The newest date that was checked, and how many of the last `TOLD_DAYS` are incomplete or were
    never checked."""

    newest: date | None
    incomplete: int


def keep(connection: psycopg.Connection, day: date, *, complete: bool) -> None:
    """Keep what a check of the day has found; a later check takes its place."""
    with connection.transaction():
        connection.execute(_KEEP, (day, complete))


def standing(connection: psycopg.Connection) -> Checked:
    """Where the checks stand now."""
    newest, incomplete = connection.execute(_STANDING, (TOLD_DAYS,)).fetchone() or (None, 0)
    return Checked(newest, incomplete)
