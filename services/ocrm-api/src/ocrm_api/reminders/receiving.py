"""A batch of `crm.reminders.v1` becomes durable: reminders, stream, dead letters and offsets in
one transaction. A reminder that is raised twice, by whomever, is the one that is there already.

Of one id the greatest revision holds, and of one revision the withdrawal: so the result does not
depend on the order of arrival. A greater revision raises a withdrawn reminder again.
"""

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
from ocrm_api.reminders import routing, waking
from ocrm_api.reminders.by_itself import AWAKE, RETURNING, audited, may
from ocrm_api.reminders.routing import Published
from ocrm_api.reminders.telling import Happened
from ocrm_api.reminders.transitions import CLOSED, sql

_MAX_REASON = 500

_COLUMNS = (
    "reminder_id uuid, rule_code text, rule_version integer, customer_id bigint,"
    " event_branch_id text, subject text, reminder_window text, business_date date, due_on date,"
    " amount numeric(18,2), currency text, facts jsonb, priority smallint, late boolean,"
    " status text, revision integer, raised_at timestamptz, withdrawn_at timestamptz,"
    " withdrawn_reason text"
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

#: Rows are locked in the order of their ids, as whoever changes many of them does.
_IN_ORDER = """
from (
    select one.* from ocrm.reminders known
    join jsonb_to_recordset(%(rows)s) as one ({columns}) using (reminder_id)
    order by known.reminder_id for update of known
) one
"""
_WITHDRAW = audited(
    f"""
update ocrm.reminders r
set status = 'withdrawn', withdrawn_at = one.withdrawn_at, withdrawn_reason = one.withdrawn_reason,
    revision = one.revision, version = r.version + 1
{_IN_ORDER.format(columns=_COLUMNS)}
where r.reminder_id = one.reminder_id and r.revision <= one.revision
  and r.status {may("withdraw")}
{RETURNING}, new.withdrawn_reason""",
    "withdrawn", "intake", "jsonb_build_object('reason', withdrawn_reason)",
)  # fmt: skip

#: What is closed already remembers what was withdrawn, so that an older raise changes nothing.
_WITHDRAW_CLOSED = f"""
update ocrm.reminders r set revision = one.revision
{_IN_ORDER.format(columns=_COLUMNS)}
where r.reminder_id = one.reminder_id and r.revision < one.revision and r.status {sql(CLOSED)}
"""

_FACTS = (
    "rule_version", "event_branch_id", "business_date", "due_on", "amount", "currency", "facts",
    "priority", "late", "revision",
)  # fmt: skip
_NEWER = ", ".join(f"{name} = one.{name}" for name in _FACTS) + ", version = r.version + 1"
#: Raised again, it begins a new life; what was before is in the audit log.
_AGAIN = "raised_at = one.raised_at, received_at = now(), waiting_since = now(), " + ", ".join(
    f"{name} = null"
    for name in (
        "withdrawn_at", "withdrawn_reason", "expired_at", "seen_at", "seen_by", "acknowledged_at",
        "acknowledged_by", "snoozed_at", "snoozed_by", "snoozed_until_on", "snoozed_until_event",
        "escalated_at", "escalated_to",
    )
)  # fmt: skip


def _renew(routed: str) -> tuple[str, str]:
    """The statements that raise again, and that change what is live, by a greater revision."""
    given = f"select {_NAMES} {_IN_ORDER.format(columns=_COLUMNS)}"
    source = f"""from (with given as materialized ({given}) {routed}) one
where r.reminder_id = one.reminder_id and r.revision < one.revision"""
    route = "branch_id = one.branch_id, lead_branch_id = one.lead_branch_id"
    again = f"""update ocrm.reminders r
set status = 'new', {_AGAIN}, {route}, owner_id = one.owner_id, {_NEWER}
{source} and r.status {may("raise_again")} {RETURNING}"""
    changed = f"""update ocrm.reminders r set {_NEWER} {source} and r.status {may("withdraw")}
{RETURNING}"""
    return audited(again, "raised_again", "intake"), audited(changed, "changed", "intake")


_RENEW = _renew(routing.ROUTED)
_RENEW_UNPUBLISHED = _renew(routing.UNPUBLISHED)

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


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message nobody can use, and why."""

    record: Record
    reason: str


@dataclass(slots=True)
class Received:
    """What a batch did: what happened to which reminders, in the order of the log, and the rest."""

    raised: list[UUID] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)
    withdrawn: list[UUID] = field(default_factory=list)
    woken: list[UUID] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)

    def told(self) -> list[Happened]:
        """What the stream is to be told."""
        kinds = ("raised", "changed", "withdrawn", "woken")
        return [Happened(one, kind) for kind in kinds for one in getattr(self, kind)]

    def add(self, other: "Received") -> None:
        """Take in what another part of the batch did."""
        for name in ("raised", "changed", "withdrawn", "woken", "dead"):
            getattr(self, name).extend(getattr(other, name))


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
        received.add(one)
    return received


def _write(
    connection: psycopg.Connection,
    published: Published,
    events: Sequence[ReminderRaised | ReminderWithdrawn],
) -> Received:
    raised = {e.reminder_id: e for e in reversed(events) if isinstance(e, ReminderRaised)}
    final = _final(events)
    withdrawn = [e for e in final if isinstance(e, ReminderWithdrawn)]
    renewed = [e for e in final if isinstance(e, ReminderRaised) and e.revision > 1]
    received = Received()
    if raised:
        new = _inserted(connection, published, list(raised.values()))
        # `raised` is in reverse order of the log; the stream tells it in order.
        received.raised = [found for found in reversed(raised) if found in new]
    if renewed:
        again, changed = _renewed(connection, published, renewed)
        received.raised += again
        received.changed = [found for found in changed if found not in received.raised]
    if withdrawn:
        # Withdrawn before it was raised: kept as withdrawn, so that the raise changes nothing.
        _inserted(connection, published, withdrawn)
        gone = _ids(connection, _WITHDRAW, {"rows": _json(withdrawn)})
        connection.execute(_WITHDRAW_CLOSED.encode(), {"rows": _json(withdrawn)})
        received.withdrawn = [e.reminder_id for e in withdrawn if e.reminder_id in gone]
    received.woken = _woken(connection, [raised[one] for one in received.raised if one in raised])
    return received


def _final(
    events: Sequence[ReminderRaised | ReminderWithdrawn],
) -> list[ReminderRaised | ReminderWithdrawn]:
    """Of each id the event that holds, in the order in which the ids come first."""
    final: dict[UUID, ReminderRaised | ReminderWithdrawn] = {}
    for event in events:
        known = final.get(event.reminder_id)
        if known is None or _rank(event) > _rank(known):
            final[event.reminder_id] = event
    return list(final.values())


def _rank(event: ReminderRaised | ReminderWithdrawn) -> tuple[int, bool]:
    return event.revision, isinstance(event, ReminderWithdrawn)


def _renewed(
    connection: psycopg.Connection, published: Published, events: Sequence[ReminderRaised]
) -> tuple[list[UUID], list[UUID]]:
    again, changed = _RENEW_UNPUBLISHED if published.day is None else _RENEW
    parameters = {"rows": _json(events), **published.parameters()}
    raised = _ids(connection, again, parameters)
    return raised, _ids(connection, changed, parameters)


def _woken(connection: psycopg.Connection, raised: Sequence[ReminderRaised]) -> list[UUID]:
    """What was snoozed until one of these happened."""
    news = {(e.customer_id, event) for e in raised for event in waking.events_of(e.rule_code)}
    if not news:
        return []
    customers, events = zip(*sorted(news), strict=True)
    parameters = {
        "customers": list(customers),
        "events": list(events),
        "raised": [e.reminder_id for e in raised],
    }
    return _ids(connection, _WAKE, parameters)


def _ids(connection: psycopg.Connection, statement: str, parameters: dict[str, Any]) -> list[UUID]:
    return [row[0] for row in connection.execute(statement.encode(), parameters).fetchall()]


def _inserted(
    connection: psycopg.Connection,
    published: Published,
    events: Sequence[ReminderRaised | ReminderWithdrawn],
) -> set[UUID]:
    statement = _INSERT_UNPUBLISHED if published.day is None else _INSERT
    parameters = {"rows": _json(events), **published.parameters()}
    return set(_ids(connection, statement, parameters))


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
        "revision": event.revision,
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


def _json(events: Sequence[ReminderRaised | ReminderWithdrawn]) -> Jsonb:
    return Jsonb([_row(event) for event in events], dumps=orjson.dumps)
