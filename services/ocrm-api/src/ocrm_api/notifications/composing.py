"""Out of the outbox into notifications: one for each employee, by one statement for all of them.

What is told of stands: nobody has looked at it since it came to him, nobody muted it, and it is
still his; of who came to the lobby only while he may be there. What went to the head may have been
seen by its owner. The rest leaves the outbox without a word. Only one process composes at a time,
so that nothing of an employee is split.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
import psycopg
from psycopg.types.json import Jsonb

from crm_shared.clock import bank_date
from crm_shared.postgres import advisory_key
from ocrm_api import parameters
from ocrm_api.notifications.parameters import URGENT_PRIORITY
from ocrm_api.reminders.inhibition import MUTING, QUIET
from ocrm_api.reminders.limits import BRANCHES, LIMITS, OF_THESE, limits_of
from ocrm_api.reminders.parameters import LOBBY_ARRIVAL, LOBBY_ARRIVAL_MINUTES
from ocrm_api.reminders.routing import Published
from ocrm_api.reminders.transitions import OPEN, sql

Kind = Literal["urgent", "digest"]

#: `raised_at` is when he drew his ticket, not when we heard of it.
_IS_NEWS = f"""(o.rule_code <> '{LOBBY_ARRIVAL}'
     or not o.late and o.raised_at > %(now)s::timestamptz
                                     - interval '{LOBBY_ARRIVAL_MINUTES} minutes')"""

#: Nobody has looked at it since it waits for its owner: what came from another may have been seen
#: or taken up by him.
_UNANSWERED = f"""(o.status = 'new'
     or o.status {sql(OPEN)} and greatest(o.seen_at, o.acknowledged_at) < o.waiting_since)"""

#: Between the employee and his reminder `o`: as its owner, or as the head to whom it went.
STANDS_FOR = f"""(o.owner_id = {{employee}} and {_UNANSWERED} and {_IS_NEWS}
     or o.escalated_to = {{employee}} and o.status in ('new', 'seen'))"""

#: Row-level security lets PostgreSQL think that few reminders are visible, so that it would read
#: all of them to join a few; with a limit it looks each up by its id.
_REMINDER = "cross join lateral (select * from ocrm.reminders r where r.reminder_id = {0} limit 1)"

_URGENT = f"""
select i.reminder_id, i.version, i.priority
from {LIMITS.format(limits="%(limits)s", type="smallint")}
cross join lateral (
    select reminder_id, version, priority from ocrm.notification_items
    where rule_code = limits.rule and priority <= limits.before
) i
{_REMINDER.format("i.reminder_id")} o
where {OF_THESE}
"""
_BEFORE = """
select reminder_id, version, priority from ocrm.notification_items where created_at < %(before)s
"""

_MUTED = f"(o.rule_code {QUIET} and exists (select {MUTING}))"


def _compose(due: str) -> bytes:
    return f"""
with due as materialized ({due}),
judged as materialized (
    select due.reminder_id, due.version, told.employee_id,
           {STANDS_FOR.format(employee="told.employee_id")} and not {_MUTED} as stands
    from due
    {_REMINDER.format("due.reminder_id")} o
    cross join lateral (
        select case when due.priority = 0 then o.escalated_to else o.owner_id end as employee_id
    ) told
), taken as (
    delete from ocrm.notification_items i using judged
    where i.reminder_id = judged.reminder_id and i.version = judged.version
      and (judged.stands is not true or not exists (
           select from ocrm.notifications n
           where n.kind = 'urgent' and n.created_at > %(quiet_since)s
             and n.employee_id = judged.employee_id))
    returning judged.employee_id, judged.reminder_id, judged.stands
)
insert into ocrm.notifications
    (employee_id, kind, channel, language, reminder_ids, created_at, next_attempt_at)
select taken.employee_id, %(kind)s,
       case when chosen.channel = any (%(channels)s) then chosen.channel else %(channel)s end,
       coalesce(chosen.language, 'zh-CN'), array_agg(distinct taken.reminder_id), %(now)s, %(now)s
from taken left join ocrm.notification_preferences chosen using (employee_id)
where taken.stands and left(taken.employee_id, 2) <> 'V:' and coalesce(chosen.enabled, true)
group by taken.employee_id, chosen.channel, chosen.language
order by taken.employee_id
""".encode()


_COMPOSE_URGENT = _compose(_URGENT)
_COMPOSE_DIGEST = _compose(_BEFORE)


def compose(
    connection: psycopg.Connection,
    published: Published,
    now: datetime,
    *,
    digest_before: datetime | None,
    gap: timedelta,
    channels: tuple[str, ...],
) -> int:
    """Make notifications of what is urgent and, if it is due, of all that came before an instant.

    `channels` are those that are set up, the first of them for whoever has not chosen one. Who was
    notified of something urgent within `gap` waits until it has passed. How many were made; none
    while another process composes.
    """
    row = connection.execute(
        "select pg_try_advisory_xact_lock(%s)", (advisory_key("ocrm notifications"),)
    ).fetchone()
    if published.day is None or row is None or not row[0]:
        return 0
    given = {"now": now, "channels": list(channels), "channel": channels[0]}
    made = _made(
        connection, _COMPOSE_URGENT, given, "urgent",
        limits=_limits(connection, published, now), quiet_since=now - gap,
    )  # fmt: skip
    if digest_before is not None:
        made += _made(
            connection, _COMPOSE_DIGEST, given, "digest", before=digest_before, quiet_since=now
        )
    return made


def _made(
    connection: psycopg.Connection, statement: bytes, given: dict[str, Any], kind: Kind, **more: Any
) -> int:
    return connection.execute(statement, {**given, "kind": kind, **more}).rowcount


def _limits(connection: psycopg.Connection, published: Published, now: datetime) -> Jsonb:
    values = parameters.known(connection, bank_date(now))
    own = values.legal_entities(URGENT_PRIORITY)
    statement = BRANCHES.format(day="%(day)s", entities="%(entities)s").encode()
    rows = connection.execute(statement, {"day": published.day, "entities": own}).fetchall()
    limits = limits_of(values, URGENT_PRIORITY, [(row[0], row[1]) for row in rows])
    return Jsonb([one | {"before": one["value"]} for one in limits], dumps=orjson.dumps)
