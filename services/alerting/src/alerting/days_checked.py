"""What the last check of each business date found: is the day complete?"""

from dataclasses import dataclass
from datetime import date

import psycopg

from alerting import audit
from crm_shared.errors import UsageError

_KEEP = """
insert into alerting.days_checked (business_date, complete) values (%s, %s)
on conflict (business_date) do update
set complete = excluded.complete, checked_at = now()
"""

_SETTLE = """
insert into alerting.days_checked (business_date, complete, settled) values (%s, false, true)
on conflict (business_date) do update set settled = true where not days_checked.complete
returning business_date
"""

#: Before the first check, the day before the oldest that was worked on is the newest that needs
#: none.
_STANDING = """
select coalesce(newest, (select min(business_date) - 1 from alerting.days_worked)), (
    select count(*)
    from generate_series(oldest, newest, interval '1 day') as day
    left join alerting.days_checked on business_date = day::date
    where complete is not true and settled is not true
)
from (select min(business_date), max(business_date) from alerting.days_checked)
    as kept (oldest, newest)
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """The newest date that was checked or needs no check, and how many dates since the first check
    were found incomplete, or never checked, and have not been settled."""

    newest: date | None
    incomplete: int


class DayIsCompleteError(UsageError):
    """There is nothing to settle."""


def keep(connection: psycopg.Connection, day: date, *, complete: bool) -> None:
    """Keep what a check of the day has found; a later check takes its place."""
    with connection.transaction():
        connection.execute(_KEEP, (day, complete))


def settle(connection: psycopg.Connection, day: date, *, by: str, why: str) -> None:
    """A person has decided that nothing more will be done about an incomplete day; kept in the
    audit log. `DayIsCompleteError` where it is complete."""
    with connection.transaction():
        audit.record(
            connection, "day.settled", ("business_date", day), by=by,
            purpose=audit.Purpose.OPERATIONS, details={"why": why},
        )  # fmt: skip
        if connection.execute(_SETTLE, (day,)).fetchone() is None:
            raise DayIsCompleteError(f"{day} was found complete: there is nothing to settle.")


def standing(connection: psycopg.Connection) -> Checked:
    """Where the checks stand now."""
    newest, incomplete = connection.execute(_STANDING).fetchone() or (None, 0)
    return Checked(newest, incomplete)
