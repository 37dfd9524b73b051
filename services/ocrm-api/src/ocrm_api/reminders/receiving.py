"""A batch of `crm.reminders.v1` becomes durable: reminders, stream, dead letters and offsets in
one transaction. A reminder that is raised again, by whomever, is the one that is there already."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from crm_shared.clock import bank_date
from crm_shared.events.reminders import ADAPTER, ReminderRaised, ReminderWithdrawn
from crm_shared.kafka import Record
from crm_shared.reminder_rules import RULES
from ocrm_api.reminders import routing
from ocrm_api.reminders.routing import Published

_MAX_REASON = 500

_COLUMNS = (
    "reminder_id uuid, rule_code text, rule_version integer, customer_id bigint,"
    " event_branch_id text, subject text, reminder_window text, business_date date, due_on date,"
    " amount numeric(18,2), currency text, facts jsonb, priority smallint, late boolean,"
    " status text, raised_at timestamptz, withdrawn_at timestamptz, withdrawn_reason text"
)
_NAMES = ", ".join(column.split()[0] for column in _COLUMNS.split(", "))


def _insert(routed: str) -> str:
    return f"""
with given as (select * from jsonb_to_recordset(%(rows)s) as one ({_COLUMNS})),
routed as ({routed})
insert into ocrm.reminders ({_NAMES}, branch_id, lead_branch_id, owner_id)
select {_NAMES}, branch_id, lead_branch_id, owner_id from routed
order by reminder_id
on conflict (reminder_id) do nothing
returning reminder_id
"""


_INSERT = _insert(routing.ROUTED)
_INSERT_UNPUBLISHED = _insert(routing.UNPUBLISHED)

_WITHDRAW = """
update ocrm.reminders r
set status = 'withdrawn', withdrawn_at = one.withdrawn_at, withdrawn_reason = one.withdrawn_reason,
    version = r.version + 1
from jsonb_to_recordset(%(rows)s)
    as one (reminder_id uuid, withdrawn_at timestamptz, withdrawn_reason text)
where r.reminder_id = one.reminder_id and r.status in ('new', 'acknowledged')
returning r.reminder_id
"""

_TELL = """
with next as (
    update ocrm.reminder_stream set last_sequence = last_sequence + cardinality(%(ids)s::uuid[])
    returning last_sequence - cardinality(%(ids)s::uuid[]) as before
)
insert into ocrm.reminder_events
    (sequence, reminder_id, kind, branch_id, lead_branch_id, owner_id)
select next.before + told.position, told.reminder_id, told.kind, r.branch_id, r.lead_branch_id,
       r.owner_id
from next
cross join unnest(%(ids)s::uuid[], %(kinds)s::text[]) with ordinality
    as told (reminder_id, kind, position)
join ocrm.reminders r on r.reminder_id = told.reminder_id
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message nobody can use, and why."""

    record: Record
    reason: str


@dataclass(slots=True)
class Received:
    """What a batch did."""

    raised: list[UUID] = field(default_factory=list)
    withdrawn: list[UUID] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)


def receive(
    connection: psycopg.Connection, published: Published, records: Sequence[Record]
) -> Received:
    """Write a batch inside the caller's transaction.

    A message that PostgreSQL refuses (a NUL character, say) must not stop the others: then the
    batch is written one by one, and what is refused is a dead letter.
    """
    good, dead = decode(records)
    try:
        with connection.transaction():
            received = _write(connection, published, [event for _, event in good])
    except (psycopg.DataError, psycopg.IntegrityError):
        received = _write_one_by_one(connection, published, good)
    received.dead = [*dead, *received.dead]
    return received


def decode(
    records: Sequence[Record],
) -> tuple[list[tuple[Record, ReminderRaised | ReminderWithdrawn]], list[DeadLetter]]:
    """The messages that keep the contract, and the others with a reason that repeats no value."""
    good, dead = [], []
    for record in records:
        if record.value is None:
            dead.append(DeadLetter(record, "The message has no value."))
            continue
        try:
            good.append((record, ADAPTER.validate_json(record.value)))
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False, include_context=False)
            reason = "; ".join(
                f"{'.'.join(str(part) for part in fault['loc']) or 'message'}: {fault['msg']}"
                for fault in faults
            )
            dead.append(DeadLetter(record, reason[:_MAX_REASON]))
    return good, dead


def _write_one_by_one(
    connection: psycopg.Connection,
    published: Published,
    good: Sequence[tuple[Record, ReminderRaised | ReminderWithdrawn]],
) -> Received:
    received = Received()
    for record, event in good:
        try:
            with connection.transaction():
                one = _write(connection, published, [event])
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            reason = f"PostgreSQL refuses it: {error.diag.message_primary or type(error).__name__}"
            received.dead.append(DeadLetter(record, reason[:_MAX_REASON]))
            continue
        received.raised += one.raised
        received.withdrawn += one.withdrawn
    return received


def _write(
    connection: psycopg.Connection,
    published: Published,
    events: Sequence[ReminderRaised | ReminderWithdrawn],
) -> Received:
    raised = {e.reminder_id: _row(e) for e in reversed(events) if isinstance(e, ReminderRaised)}
    withdrawn = {e.reminder_id: _row(e) for e in events if isinstance(e, ReminderWithdrawn)}
    received = Received()
    if raised:
        new = _inserted(connection, published, list(raised.values()))
        # `raised` is in reverse order of the log; the stream tells it in order.
        received.raised = [found for found in reversed(raised) if found in new]
    if withdrawn:
        # Withdrawn before it was raised: kept as withdrawn, so that the raise changes nothing.
        _inserted(connection, published, list(withdrawn.values()))
        rows = connection.execute(_WITHDRAW, {"rows": _json(list(withdrawn.values()))}).fetchall()
        gone = {row[0] for row in rows}
        received.withdrawn = [found for found in withdrawn if found in gone]
    return received


def _inserted(
    connection: psycopg.Connection, published: Published, rows: list[dict[str, Any]]
) -> set[UUID]:
    statement = _INSERT_UNPUBLISHED if published.day is None else _INSERT
    parameters = {"rows": _json(rows), **published.parameters()}
    return {row[0] for row in connection.execute(statement, parameters).fetchall()}


def tell(connection: psycopg.Connection, told: Sequence[tuple[UUID, str]]) -> None:
    """Append to the stream. Last before the commit: it holds the stream's lock until then."""
    if told:
        ids, kinds = zip(*told, strict=True)
        connection.execute(_TELL, {"ids": list(ids), "kinds": list(kinds)})


def _row(event: ReminderRaised | ReminderWithdrawn) -> dict[str, Any]:
    row: dict[str, Any] = {
        "reminder_id": str(event.reminder_id),
        "rule_code": event.rule_code,
        "customer_id": event.customer_id,
        "subject": event.subject,
        "reminder_window": event.window,
        "raised_at": event.occurred_at.isoformat(),
        "facts": {},
        "currency": "CNY",
        "late": False,
    }
    if isinstance(event, ReminderRaised):
        return row | {
            "rule_version": event.rule_version,
            "event_branch_id": event.branch_id,
            "business_date": event.business_date.isoformat(),
            "due_on": event.due_on.isoformat() if event.due_on else None,
            "amount": str(event.amount) if event.amount is not None else None,
            "currency": event.currency,
            "facts": event.facts,
            "priority": event.priority,
            "late": event.late,
            "status": "new",
        }
    return row | {
        "rule_version": 0,
        "business_date": bank_date(event.occurred_at).isoformat(),
        "priority": RULES[event.rule_code].priority,
        "status": "withdrawn",
        "withdrawn_at": event.occurred_at.isoformat(),
        "withdrawn_reason": event.reason[:_MAX_REASON],
    }


def _json(rows: list[dict[str, Any]]) -> Jsonb:
    return Jsonb(rows, dumps=orjson.dumps)
