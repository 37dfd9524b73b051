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
select max(business_date),
       count(*) filter (where not complete and business_date > newest - %s)
from alerting.days_checked, (select max(business_date) as newest from alerting.days_checked) as n
"""

#: Of so many dates up to the newest one that was checked, those that are incomplete are told.
TOLD_DAYS = 7


@dataclass(frozen=True, slots=True)
class Checked:
    """The newest date that was checked, and how many of the last `TOLD_DAYS` are incomplete."""

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
