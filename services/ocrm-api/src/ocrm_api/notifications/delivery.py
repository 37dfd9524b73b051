"""The queue of notifications: claimed, handed over, settled in one transaction, so that whoever is
killed in between leaves them to the next, under the same id.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

import psycopg

from ocrm_api.languages import Language
from ocrm_api.notifications.composing import STANDS_FOR, Kind

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MAX_REASON = 300
TIDIED_AT_ONCE = 5_000

#: What waits for a channel that is not set up has failed after so long: meanwhile another notifier
#: may have been started with other settings.
ORPHANED_AFTER = timedelta(hours=1)

#: With what still stands of each: rule, priority and number; nothing of any customer.
_CLAIM = f"""
with mine as materialized (
    select * from ocrm.notifications
    where status = 'waiting' and channel = %(channel)s and next_attempt_at <= %(now)s
    order by kind = 'digest', next_attempt_at limit %(limit)s for update skip locked
)
select n.notification_id, n.employee_id, n.kind, n.language, n.attempts, n.created_at,
       lines.first_id, coalesce(lines.of_rules, '[]')
from mine n
cross join lateral (
    select jsonb_agg(jsonb_build_array(rule_code, priority, went_up, number)
                     order by priority, not went_up, rule_code) as of_rules,
           min(first_id)::uuid as first_id
    from (
        select o.rule_code, o.priority, count(*) as number,
               o.escalated_to is not distinct from n.employee_id as went_up,
               min(o.reminder_id::text) as first_id
        from unnest(n.reminder_ids) as told (reminder_id)
        join ocrm.reminders o on o.reminder_id = told.reminder_id
        where {STANDS_FOR.format(employee="n.employee_id")}
        group by 1, 2, 4
    ) counted
) lines
order by n.next_attempt_at, n.notification_id
""".encode()

_SETTLE = b"""
update ocrm.notifications n
set status = one.status, attempts = n.attempts + one.tried, reason = one.reason,
    next_attempt_at = coalesce(one.next_attempt_at, n.next_attempt_at),
    closed_at = case when one.status <> 'waiting' then %(now)s::timestamptz end
from unnest(%(ids)s::uuid[], %(statuses)s::text[], %(tried)s::integer[], %(reasons)s::text[],
            %(next)s::timestamptz[]) as one (id, status, tried, reason, next_attempt_at)
where n.notification_id = one.id
"""

_ORPHANED = b"""
with gone as (
    update ocrm.notifications
    set status = 'failed', closed_at = %(now)s, reason = 'The channel ' || channel || ' is not set'
        ' up any more; set it up, then retry this, or let the employee choose another.'
    where status = 'waiting' and channel <> all (%(channels)s) and next_attempt_at < %(before)s
    returning channel
)
select channel, count(*) from gone group by channel order by channel
"""

_COUNT = b"""
select status, channel, count(*) from ocrm.notifications where status = 'waiting' group by 1, 2
union all
select status, channel, count(*) from ocrm.notifications where status = 'failed' group by 1, 2
"""

_OLDEST = b"""
select channel, min(created_at) from ocrm.notifications where status = 'waiting' group by channel
"""

_TIDY = b"""
delete from ocrm.notifications where notification_id in (
    select notification_id from ocrm.notifications
    where status in ('sent', 'failed', 'dropped') and closed_at < %(before)s limit %(limit)s)
"""


class Line(NamedTuple):
    """So many reminders of a rule; whether they went to the employee as the head."""

    rule_code: str
    priority: int
    went_up: bool
    number: int


@dataclass(frozen=True, slots=True)
class Notification:
    """What an employee is to be told; `reminder_id` where it is of one reminder."""

    notification_id: UUID
    employee_id: str
    kind: Kind
    language: Language
    attempts: int
    created_at: datetime
    lines: tuple[Line, ...]
    reminder_id: UUID | None

    @property
    def number(self) -> int:
        """Reminders that it tells of."""
        return sum(line.number for line in self.lines)


class Settled(NamedTuple):
    """What became of an attempt; `dropped` where nothing was left to tell of."""

    notification: Notification
    outcome: Literal["sent", "put_off", "failed", "dropped"]
    reason: str | None = None
    channel_failed: bool = False


def claim(
    connection: psycopg.Connection, channel: str, now: datetime, limit: int
) -> list[Notification]:
    """Some that are due on a channel, urgent ones first, locked until the transaction ends."""
    rows = connection.execute(_CLAIM, {"channel": channel, "now": now, "limit": limit})
    return [_notification(row) for row in rows.fetchall()]


def _notification(row: tuple[Any, ...]) -> Notification:
    notification_id, employee_id, kind, language, attempts, created_at, standing, of_rules = row
    lines = tuple(Line(*one) for one in of_rules)
    return Notification(
        notification_id, employee_id, kind, language, attempts, created_at, lines,
        reminder_id=standing if sum(one.number for one in lines) == 1 else None,
    )  # fmt: skip


def settle(connection: psycopg.Connection, settled: Sequence[Settled], now: datetime) -> None:
    """Write down what became of claimed ones."""
    connection.execute(
        _SETTLE,
        {
            "now": now,
            "ids": [one.notification.notification_id for one in settled],
            "statuses": ["waiting" if one.outcome == "put_off" else one.outcome for one in settled],
            "tried": [int(one.outcome != "dropped") for one in settled],
            "reasons": [one.reason and one.reason[:MAX_REASON] for one in settled],
            "next": [
                now + pause_after(one.notification.attempts + 1)
                if one.outcome == "put_off" else None
                for one in settled
            ],
        },
    )  # fmt: skip


def pause_after(attempts: int) -> timedelta:
    """Twice as long after each attempt, and half to all of that, so that not all come at once."""
    longest = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)


def tidy(connection: psycopg.Connection, before: datetime) -> bool:
    """Remove some of what was closed before an instant; whether there may be more of it."""
    removed = connection.execute(_TIDY, {"before": before, "limit": TIDIED_AT_ONCE})
    return removed.rowcount >= TIDIED_AT_ONCE


def fail_orphaned(
    connection: psycopg.Connection, channels: Sequence[str], now: datetime
) -> dict[str, int]:
    """Give up what has waited long for other channels than these; how many, by channel."""
    rows = connection.execute(
        _ORPHANED, {"channels": list(channels), "now": now, "before": now - ORPHANED_AFTER}
    )
    return dict(rows.fetchall())


def counts(connection: psycopg.Connection) -> dict[tuple[str, str], int]:
    """How many are `waiting` and how many `failed`, by status and channel."""
    rows = connection.execute(_COUNT).fetchall()
    return {(status, channel): number for status, channel, number in rows}


def oldest(connection: psycopg.Connection) -> dict[str, datetime]:
    """When the oldest of those that wait was made, by channel."""
    return dict(connection.execute(_OLDEST).fetchall())
