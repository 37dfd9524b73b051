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

#: Only of days among those that were checked: what is settled says nothing of any other day.
_SETTLE = """
insert into alerting.days_checked (business_date, complete, settled)
select %(day)s, false, true
from (select min(business_date), max(business_date) from alerting.days_checked)
    as kept (oldest, newest)
where %(day)s between oldest and newest
on conflict (business_date) do update set settled = true where not days_checked.complete
returning business_date
"""

_IS_COMPLETE = "select from alerting.days_checked where business_date = %s and complete"

#: Before the first check, the day before the oldest that was worked on is the newest that needs
#: none. Who looks at a day before that of the first check is not asked for those between.
_STANDING = """
select coalesce(newest, (select min(business_date) - 1 from alerting.days_worked)), (
    select count(*) from alerting.days_checked where not complete and not settled
) + (
    select count(*)
    from generate_series(begun, newest, interval '1 day') as day
    left join alerting.days_checked on business_date = day::date
    where business_date is null
)
from (
    select (select business_date from alerting.days_checked
            order by first_checked_at, business_date limit 1),
           (select max(business_date) from alerting.days_checked)
) as kept (begun, newest)
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """The newest date that was checked or needs no check, and how many dates were found incomplete,
    or never checked since that of the first check, and have not been settled."""

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
    audit log. `DayIsCompleteError` where it is complete, `UsageError` where it is before or after
    all days that were checked."""
    with connection.transaction():
        audit.record(
            connection, "day.settled", ("business_date", day), by=by,
            purpose=audit.Purpose.OPERATIONS, details={"why": why},
        )  # fmt: skip
        if connection.execute(_SETTLE, {"day": day}).fetchone() is not None:
            return
        if connection.execute(_IS_COMPLETE, (day,)).fetchone() is not None:
            raise DayIsCompleteError(f"{day} was found complete: there is nothing to settle.")
        raise UsageError(
            f"{day} lies before or after all days that were checked, so nobody is told of it; is"
            f" the date right? `alerting completeness --date {day}` checks it."
        )


def standing(connection: psycopg.Connection) -> Checked:
    """Where the checks stand now."""
    newest, incomplete = connection.execute(_STANDING).fetchone() or (None, 0)
    return Checked(newest, incomplete)
