"""A batch of `crm.reminders.v1` becomes durable: reminders, stream, dead letters and offsets in
one transaction. A reminder that is raised twice, by whomever, is the one that is there already;
what becomes of it when its sources say different things is in `words`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import psycopg
from pydantic import Field, TypeAdapter, ValidationError

from crm_shared import plain
from crm_shared.events.canaries import CanarySent
from crm_shared.events.reminders import ReminderRaised, ReminderWithdrawn
from crm_shared.kafka_records import Record
from ocrm_api.reminders import storing, waking, words
from ocrm_api.reminders.routing import Published
from ocrm_api.reminders.storing import MAX_REASON, Change, Known, Row
from ocrm_api.reminders.telling import Happened
from ocrm_api.reminders.transitions import LIVE
from ocrm_api.reminders.words import Words

#: What the topic may hold.
_ADAPTER: TypeAdapter[ReminderRaised | ReminderWithdrawn | CanarySent] = TypeAdapter(
    Annotated[ReminderRaised | ReminderWithdrawn | CanarySent, Field(discriminator="type")]
)


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
    #: By topic and partition, when the newest canary of the batch was sent.
    canaries: dict[tuple[str, int], datetime] = field(default_factory=dict)

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
    good, dead, canaries = decode(records)
    try:
        with connection.transaction():
            received = _write(connection, published, [event for _, event in good])
    except (psycopg.DataError, psycopg.IntegrityError):
        received = _write_one_by_one(connection, published, good)
    received.dead = [*dead, *received.dead]
    received.canaries = canaries
    return received


class Decoded(NamedTuple):
    """The messages that keep the contract, the others with a reason that repeats no value, and when
    the newest canary of each topic and partition was sent, which nobody is told of."""

    good: list[tuple[Record, ReminderRaised | ReminderWithdrawn]]
    dead: list[DeadLetter]
    canaries: dict[tuple[str, int], datetime]


def decode(records: Sequence[Record]) -> Decoded:
    """Tell the records of a batch apart."""
    good, dead, canaries = Decoded([], [], {})
    for record in records:
        if record.value is None:
            dead.append(DeadLetter(record, "The message has no value."))
            continue
        try:
            event = _ADAPTER.validate_json(record.value)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
            reason = plain.faults(problems, "the message")
            dead.append(DeadLetter(record, reason[:MAX_REASON]))
            continue
        if isinstance(event, CanarySent):
            place = record.topic, record.partition
            canaries[place] = max(event.occurred_at, canaries.get(place, event.occurred_at))
        else:
            good.append((record, event))
    return Decoded(good, dead, canaries)


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
            received.dead.append(DeadLetter(record, _refusal(error)))
            continue
        received.add(one)
    return received


def _refusal(error: psycopg.Error) -> str:
    """PostgreSQL's message could quote the value, its code not."""
    code = f", code {error.sqlstate}" if error.sqlstate else ""
    return f"PostgreSQL refuses it ({type(error).__name__}{code})."


def _write(
    connection: psycopg.Connection,
    published: Published,
    events: Sequence[ReminderRaised | ReminderWithdrawn],
) -> Received:
    said = {event.reminder_id: _Said([]) for event in events}
    for event in events:
        said[event.reminder_id].events.append(event)
    new = storing.insert(connection, published, [one.first_row() for one in said.values()])
    changes: dict[Change, list[Row]] = {}
    old = storing.find(connection, [one for one in said if one not in new], lock=False)
    changing = [one.reminder_id for one in old if said[one.reminder_id].change_of(one)]
    for known in storing.find(connection, changing, lock=True) if changing else ():
        if found := said[known.reminder_id].change_of(known):
            changes.setdefault(found[0], []).append(found[1])
    done = {
        kind: storing.change(connection, published, kind, rows) for kind, rows in changes.items()
    }
    raised = {one for one in new if words.stands(said[one].words)} | {*done.get("raised_again", ())}
    received = Received(
        raised=[one for one in said if one in raised],
        changed=done.get("changed", []),
        withdrawn=done.get("withdrawn", []),
    )
    received.woken = _woken(connection, [said[one].events[0] for one in received.raised])
    return received


class _Said(NamedTuple):
    """What a batch says of one reminder, in the order of the log."""

    events: list[ReminderRaised | ReminderWithdrawn]

    @property
    def words(self) -> Words:
        return self.after({})

    def after(self, said: Words) -> Words:
        for event in self.events:
            said = words.heard(said, event)
        return said

    def first_row(self) -> Row:
        """The row of a reminder that is not there yet."""
        said = self.words
        source = words.holding(said)
        raised = self._raised(source) or self._raised()
        withdrawal = self._withdrawal(source)
        event = raised or self.events[0]
        return storing.UNKNOWN_FACTS | storing.row_of(event.reminder_id, said, event, withdrawal)

    def change_of(self, known: Known) -> tuple[Change, Row] | None:
        """What is to become of a reminder that is there, and its row; None where nothing is."""
        said = self.after(known.words)
        if said == known.words:
            return None
        source = words.holding(said)
        raised, withdrawal = self._raised(source), self._withdrawal(source)
        event = raised or self.events[0]
        kind = _change(known, said)
        row = storing.row_of(known.reminder_id, said, event, withdrawal)
        return kind, row if raised else row | {"rule_version": None}

    def _raised(self, source: str | None = None) -> ReminderRaised | None:
        """The first of the greatest revision that a source, or any, raises here."""
        found = [one for one in self.events if isinstance(one, ReminderRaised)]
        of_source = [one for one in found if source in (None, one.producer)]
        return max(of_source, key=lambda one: one.revision, default=None)

    def _withdrawal(self, source: str) -> ReminderWithdrawn | None:
        found = [one for one in self.events if isinstance(one, ReminderWithdrawn)]
        of_source = [one for one in found if one.producer == source]
        return max(of_source, key=lambda one: one.revision, default=None)


def _change(known: Known, said: Words) -> Change:
    """By the state that a reminder is in and what its sources say now."""
    is_live, source = known.status in LIVE, words.holding(said)
    if not words.stands(said):
        return "withdrawn" if is_live else "noted"
    if known.status == "withdrawn":
        return "raised_again"
    if known.status != "done" and words.has_grown(known.words, said, source):
        return "changed" if is_live else "raised_again"
    return "noted"


def _woken(
    connection: psycopg.Connection, raised: Sequence[ReminderRaised | ReminderWithdrawn]
) -> list[UUID]:
    """What was snoozed until one of these happened."""
    news = {(e.customer_id, event) for e in raised for event in waking.events_of(e.rule_code)}
    if not news:
        return []
    return storing.wake(connection, sorted(news), [one.reminder_id for one in raised])
