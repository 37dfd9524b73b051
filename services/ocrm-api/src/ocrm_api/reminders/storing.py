"""The statements by which reminders are written as their sources say: set-based, audited."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson
import psycopg
from psycopg.types.json import Jsonb

from crm_shared.clock import bank_date
from crm_shared.events.reminders import ReminderRaised, ReminderWithdrawn
from crm_shared.reminder_rules import RULES
from ocrm_api.reminders import routing, words
from ocrm_api.reminders.by_itself import AWAKE, RETURNING, audited, may
from ocrm_api.reminders.routing import Published
from ocrm_api.reminders.transitions import Status
from ocrm_api.reminders.words import Words

MAX_REASON = 500

_COLUMNS = (
    "reminder_id uuid, rule_code text, rule_version integer, customer_id bigint,"
    " event_branch_id text, subject text, reminder_window text, business_date date, due_on date,"
    " amount numeric(18,2), currency text, facts jsonb, priority smallint, late boolean,"
    " status text, revision integer, raised_at timestamptz, withdrawn_at timestamptz,"
    " withdrawn_by text, withdrawn_reason text, words jsonb"
)
_NAMES = ", ".join(column.split()[0] for column in _COLUMNS.split(", "))
_ROWS = f"jsonb_to_recordset(%(rows)s) as one ({_COLUMNS})"


def _insert(routed: str) -> str:
    return f"""
with given as (select * from {_ROWS}),
routed as ({routed})
insert into ocrm.reminders ({_NAMES}, branch_id, lead_branch_id, owner_id)
select {_NAMES}, branch_id, lead_branch_id, owner_id from routed
order by reminder_id
on conflict (reminder_id) do nothing
returning reminder_id
"""


_INSERT = _insert(routing.ROUTED)
_INSERT_UNPUBLISHED = _insert(routing.UNPUBLISHED)

#: What was taken in before words were kept has one, of nobody in particular.
_FIND = """
select reminder_id, status, coalesce(words, jsonb_build_object('', jsonb_build_object(
           'revision', revision, 'withdrawn', status = 'withdrawn',
           'at', coalesce(withdrawn_at, raised_at))))
from ocrm.reminders where reminder_id = any (%(ids)s) order by reminder_id
"""
#: Rows are locked in the order of their ids, as whoever changes many of them does.
_LOCK = _FIND + "for update"

_NOTE = f"""
update ocrm.reminders r set revision = one.revision, words = one.words
from {_ROWS} where r.reminder_id = one.reminder_id
"""

_WITHDRAW = audited(
    f"""
update ocrm.reminders r
set status = 'withdrawn', withdrawn_at = one.withdrawn_at, withdrawn_by = one.withdrawn_by,
    withdrawn_reason = one.withdrawn_reason, revision = one.revision, words = one.words,
    version = r.version + 1
from {_ROWS}
where r.reminder_id = one.reminder_id and r.status {may("withdraw")}
{RETURNING}, new.withdrawn_reason, new.withdrawn_by""",
    "withdrawn", "intake",
    "jsonb_build_object('reason', withdrawn_reason, 'source', withdrawn_by)",
)  # fmt: skip

#: A word that raises again what another source withdrew may have been known: then its facts are.
_NEWER = (
    ", ".join(
        f"{name} = case when one.rule_version is null then r.{name} else one.{name} end"
        for name in (
            "rule_version", "event_branch_id", "business_date", "due_on", "amount", "currency",
            "facts", "priority", "late",
        )
    )
    + ", revision = one.revision, words = one.words, version = r.version + 1"
)  # fmt: skip
#: Raised again, it begins a new life; what was before is in the audit log.
_AGAIN = "raised_at = one.raised_at, received_at = now(), waiting_since = now(), " + ", ".join(
    f"{name} = null"
    for name in (
        "withdrawn_at", "withdrawn_by", "withdrawn_reason", "expired_at", "seen_at", "seen_by",
        "acknowledged_at", "acknowledged_by", "snoozed_at", "snoozed_by", "snoozed_until_on",
        "snoozed_until_event", "escalated_at", "escalated_to",
    )
)  # fmt: skip


def _raise_again(routed: str) -> str:
    source = f"from (with given as materialized (select one.* from {_ROWS}) {routed}) one"
    route = "branch_id = one.branch_id, lead_branch_id = one.lead_branch_id"
    again = f"""update ocrm.reminders r
set status = 'new', {_AGAIN}, {route}, owner_id = one.owner_id, {_NEWER}
{source} where r.reminder_id = one.reminder_id and r.status {may("raise_again")} {RETURNING}"""
    return audited(again, "raised_again", "intake")


_RAISE_AGAIN = _raise_again(routing.ROUTED)
_RAISE_AGAIN_UNPUBLISHED = _raise_again(routing.UNPUBLISHED)
_CHANGE = audited(
    f"""
update ocrm.reminders r set {_NEWER} from {_ROWS}
where r.reminder_id = one.reminder_id and r.status {may("withdraw")} {RETURNING}""",
    "changed", "intake",
)  # fmt: skip

_WAKE = audited(
    f"""
update ocrm.reminders r set {AWAKE}, version = r.version + 1
from (
    select known.reminder_id from ocrm.reminders known
    join unnest(%(customers)s::bigint[], %(events)s::text[]) as news (customer_id, event)
      on known.customer_id = news.customer_id and known.snoozed_until_event = news.event
    where known.status = 'snoozed' and known.reminder_id <> all (%(raised)s)
    order by known.reminder_id for update of known
) one
where r.reminder_id = one.reminder_id and r.status {may("wake")}
{RETURNING}""",
    "woken", "intake",
)  # fmt: skip

Row = Mapping[str, Any]
Change = Literal["raised_again", "changed", "withdrawn", "noted"]


#: Of a reminder that was withdrawn before it was raised.
UNKNOWN_FACTS = {"rule_version": 0, "currency": "CNY", "facts": {}, "late": False}


class Known(NamedTuple):
    """A reminder that is there."""

    reminder_id: UUID
    status: Status
    words: Words


def insert(connection: psycopg.Connection, published: Published, rows: Sequence[Row]) -> set[UUID]:
    """Add those that are not there yet, with their routes; which they are."""
    statement = _INSERT_UNPUBLISHED if published.day is None else _INSERT
    return set(_changed(connection, statement, rows, published.parameters()))


def find(
    connection: psycopg.Connection, reminder_ids: Sequence[UUID], *, lock: bool
) -> list[Known]:
    """Reminders that are there, locked until the commit or not: a lock is written down too."""
    statement = (_LOCK if lock else _FIND).encode()
    found = connection.execute(statement, {"ids": list(reminder_ids)}).fetchall()
    return [Known(row[0], row[1], words.read(row[2])) for row in found]


def change(
    connection: psycopg.Connection, published: Published, kind: Change, rows: Sequence[Row]
) -> list[UUID]:
    """Change locked reminders, all in the same way; which changed, none where only words did."""
    if not rows:
        return []
    if kind == "noted":
        connection.execute(_NOTE.encode(), {"rows": _json(rows)})
        return []
    again = _RAISE_AGAIN_UNPUBLISHED if published.day is None else _RAISE_AGAIN
    statement = {"raised_again": again, "changed": _CHANGE, "withdrawn": _WITHDRAW}[kind]
    return _changed(connection, statement, rows, published.parameters())


def wake(
    connection: psycopg.Connection, news: Sequence[tuple[int, str]], raised: Sequence[UUID]
) -> list[UUID]:
    """Wake what was snoozed until one of these (customer, event), but not the news itself."""
    customers, events = zip(*news, strict=True)
    given = {"customers": list(customers), "events": list(events), "raised": list(raised)}
    return [row[0] for row in connection.execute(_WAKE.encode(), given).fetchall()]


def row_of(
    reminder_id: UUID,
    said: Words,
    event: ReminderRaised | ReminderWithdrawn,
    withdrawal: ReminderWithdrawn | None = None,
) -> dict[str, Any]:
    """The row of a reminder: words, facts of the event where it has any, and its withdrawal."""
    holds = said[words.holding(said)]
    row: dict[str, Any] = {
        "reminder_id": str(reminder_id),
        "rule_code": event.rule_code,
        "customer_id": event.customer_id,
        "subject": event.subject,
        "reminder_window": event.window,
        "raised_at": event.occurred_at.isoformat(),
        "business_date": bank_date(event.occurred_at).isoformat(),
        "priority": RULES[event.rule_code].priority,
        "revision": holds.revision,
        "words": words.stored(said),
        "status": "withdrawn" if holds.withdrawn else "new",
        "withdrawn_at": holds.at.isoformat() if holds.withdrawn else None,
        "withdrawn_by": words.holding(said) if holds.withdrawn else None,
    }
    if holds.withdrawn and withdrawal is not None:
        row["withdrawn_reason"] = withdrawal.reason[:MAX_REASON]
    return row | (_facts(event) if isinstance(event, ReminderRaised) else {})


def _facts(event: ReminderRaised) -> dict[str, Any]:
    return {
        "rule_version": event.rule_version,
        "event_branch_id": event.branch_id,
        "business_date": event.business_date.isoformat(),
        "due_on": event.due_on.isoformat() if event.due_on else None,
        "amount": str(event.amount) if event.amount is not None else None,
        "currency": event.currency,
        "facts": event.facts,
        "priority": event.priority,
        "late": event.late,
    }


def _changed(
    connection: psycopg.Connection, statement: str, rows: Sequence[Row], more: dict[str, Any]
) -> list[UUID]:
    given = {"rows": _json(rows), **more}
    return [row[0] for row in connection.execute(statement.encode(), given).fetchall()]


def _json(rows: Sequence[Row]) -> Jsonb:
    return Jsonb(rows, dumps=orjson.dumps)
