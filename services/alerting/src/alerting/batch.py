"""One batch in one transaction: decode, evaluate, write. The caller commits and moves offsets."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TypeVar
from uuid import UUID

import psycopg

from alerting import database, dead_letters, evidence, inbox, outbox, reminders, scopes, storms
from alerting.dead_letters import DeadLetter
from alerting.decoding import EARLIEST, Refused, decode
from alerting.evaluation import (
    Arrival,
    Change,
    Firing,
    Judgement,
    judge_alone,
    judge_windows,
    settle,
    transfers_of,
)
from alerting.events import Canary, Event, Fact, Ticket, retracted_by
from alerting.ownership import Partition, Progress
from alerting.ruleset import Ruleset
from alerting.settings import AlertingSettings
from crm_shared.clock import bank_date
from crm_shared.events.reminders import ReminderRaised, ReminderWithdrawn
from crm_shared.kafka_records import Record, partition_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is late, what lies in the future, and how many dead letters in a row may be open."""

    late_after: timedelta
    future_tolerance: timedelta
    dead_letter_limit: int


def bounds_of(settings: AlertingSettings) -> Bounds:
    """The bounds that the settings name."""
    return Bounds(
        late_after=timedelta(seconds=settings.late_after_seconds),
        future_tolerance=timedelta(seconds=settings.future_tolerance_seconds),
        dead_letter_limit=settings.dead_letter_limit,
    )


@dataclass
class Decoded:
    """The records of a batch, apart: events, and dead letters with their reasons."""

    arrivals: list[Arrival] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    late: int = 0


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch came to; counts are of what was not known before."""

    records: int
    late: int
    known_transfers: int
    outcomes: Counter[tuple[str, str]]
    asked: Counter[tuple[str, str]]
    unknown: Counter[tuple[str, str]]
    raised: Counter[str]
    withdrawn: Counter[str]
    dead: Counter[str]
    refused: tuple[DeadLetter, ...]
    storms: tuple[str, ...]


def decode_all(
    records: Sequence[Record],
    progress: dict[Partition, Progress],
    now: datetime,
    bounds: Bounds,
    refused: Refused | None = None,
) -> Decoded:
    """Decode in order and move the progress of each partition on with every record.

    A record that was made durable before, and comes again because the broker never heard of it, is
    decoded and not counted once more; whatever comes again, progress never goes back.
    Where it is known why the records are `refused`, they are dead letters without a look.
    Where the next one would be an open dead letter in a row too many, the partition is `held`: it
    and what lies behind it are left alone.
    """
    decoded = Decoded()
    for partition, some in groupby(records, partition_of):
        _decode_run(some, progress[partition], decoded, now=now, bounds=bounds, refused=refused)
    decoded.late = sum(arrival.late for arrival in decoded.arrivals)
    return decoded


def _decode_run(
    records: Iterable[Record],
    state: Progress,
    into: Decoded,
    *,
    now: datetime,
    bounds: Bounds,
    refused: Refused | None,
) -> None:
    """As `decode_all`, for records of one partition in a row: every line here runs per event."""
    latest = now + bounds.future_tolerance
    kind: type[Event] | None = None
    day = EARLIEST.date()
    for record in records:
        new = record.offset >= state.next_offset
        if new:
            state.next_offset = record.offset + 1
        event = refused or decode(record, latest)
        if type(event) is Canary:
            state.canary_at = min(event.occurred_at, now)
            continue
        if type(event) is Refused:
            if new and state.open_in_a_row >= bounds.dead_letter_limit:
                state.next_offset, state.held = record.offset, True
                return
            state.records += new
            state.dead_in_a_row += new
            into.dead.append(DeadLetter(record, event.reason, event.detail))
            continue
        state.records += new
        late = False
        at = event.occurred_at
        if state.watermark is None or at > state.watermark:
            state.watermark = at
        elif at < state.watermark - bounds.late_after:
            late = True
        if new:
            state.dead_in_a_row = state.dealt_with = 0
            its_day = bank_date(at) if type(event) is Ticket else event.business_date
            if its_day != day or type(event) is not kind:
                kind, day = type(event), its_day
                event_ids = state.days.event_ids[kind, day]
            event_ids.append(event.event_id)
            if late:
                state.days.late[kind, day] += 1
        into.arrivals.append(Arrival(event, record, late))


def write(
    connection: psycopg.Connection,
    decoded: Decoded,
    ruleset: Ruleset,
    *,
    judge_known: bool = False,
) -> BatchResult:
    """Judge the events and write reminders and dead letters, in the caller's transaction.

    A transfer that the inbox has already was judged when it came; `judge_known` judges it again.
    """
    taken_back = _retract(connection, decoded.arrivals, judge_known)
    judgement, known = _judge(connection, decoded.arrivals, ruleset, taken_back, judge_known)
    firings = evidence.add(connection, judgement.firings)
    raised = reminders.raised(connection, firings, taken_back.touched)
    withdrawn = _withdraw(connection, taken_back, judgement)
    begun = storms.count(connection, raised, ruleset)
    causes = _causes(firings, withdrawn)
    messages = _in_order([*raised, *withdrawn], causes, decoded.arrivals)
    outbox.add(connection, messages, causes)
    refused = decoded.dead + [
        DeadLetter(failure.record, "rule_failed", failure.detail, failure.rule_code)
        for failure in judgement.failures
    ]
    return BatchResult(
        records=len(decoded.arrivals) + len(decoded.dead),
        late=decoded.late,
        known_transfers=known,
        outcomes=judgement.outcomes,
        asked=judgement.asked,
        unknown=judgement.unknown,
        raised=Counter(one.rule_code for one in raised),
        withdrawn=Counter(one.rule_code for one in withdrawn),
        dead=Counter(dead_letters.add(connection, refused)),
        refused=tuple(refused),
        storms=tuple(begun),
    )


def _causes(firings: Sequence[Firing], withdrawn: Sequence[ReminderWithdrawn]) -> dict[UUID, UUID]:
    """By reminder, the event that raised it, or took away the last it rested on."""
    causes = {one.reminder_id: UUID(one.correlation_id) for one in withdrawn if one.correlation_id}
    for firing in firings:
        causes.setdefault(firing.reminder_id, firing.event.event_id)
    return causes


def _in_order(
    messages: Sequence[ReminderRaised | ReminderWithdrawn],
    causes: Mapping[UUID, UUID],
    arrivals: Sequence[Arrival],
) -> Sequence[ReminderRaised | ReminderWithdrawn]:
    """The messages in the order of the records that caused them, so that a customer hears of what
    came by one topic in its order; what rests on an event of an earlier batch comes last."""
    if not messages:
        return ()
    position = dict.fromkeys(causes.values(), len(arrivals))
    for number, arrival in enumerate(arrivals):
        if position.get(arrival.event.event_id) == len(arrivals):
            position[arrival.event.event_id] = number
    return sorted(messages, key=lambda one: position[causes[one.reminder_id]])


@dataclass
class _TakenBack:
    """What the reversals and corrections of a batch changed: windows, and reminders' evidence."""

    changes: list[Change] = field(default_factory=list)
    touched: dict[UUID, Arrival] = field(default_factory=dict)


def _retract(
    connection: psycopg.Connection, arrivals: Sequence[Arrival], judge_known: bool
) -> _TakenBack:
    """Take back what the events say did not happen, whether it came before or is yet to come."""
    by_fact: dict[Fact, Arrival] = {}
    for arrival in arrivals:
        fact = retracted_by(arrival.event)
        if fact is not None:
            by_fact.setdefault(fact, arrival)
    taken_back = _TakenBack()
    if not by_fact:
        return taken_back
    facts = {fact: arrival.event.event_id for fact, arrival in by_fact.items()}
    for reminder_id, fact in evidence.retract(connection, facts):
        taken_back.touched[reminder_id] = by_fact[fact]
    for fact, at in inbox.remove(connection, facts, also_known=judge_known).items():
        taken_back.changes.append(Change(fact.customer_id, at, by_fact[fact]))
    return taken_back


def _judge(
    connection: psycopg.Connection,
    arrivals: Sequence[Arrival],
    ruleset: Ruleset,
    taken_back: _TakenBack,
    judge_known: bool,
) -> tuple[Judgement, int]:
    """What the rules say, and how many of the transfers the inbox had already."""
    judgement = Judgement()
    judge_alone(arrivals, ruleset, judgement)
    transfers = transfers_of(arrivals)
    changes = list(taken_back.changes)
    known = 0
    if transfers:
        new_ids = inbox.add(connection, [transfer for transfer, _ in transfers.values()])
        known = len(transfers) - len(new_ids)
        changes += [
            Change(transfer.customer_id, transfer.occurred_at, arrival, transfer.event_id)
            for transfer, arrival in transfers.values()
            if judge_known or transfer.event_id in new_ids
        ]
    if changes:
        around = inbox.timelines(connection, changes, ruleset.span)
        judge_windows(changes, around, ruleset, judgement)
    settle(judgement, partial(scopes.find, connection))
    return judgement, known


def _withdraw(
    connection: psycopg.Connection, taken_back: _TakenBack, judgement: Judgement
) -> Sequence[ReminderWithdrawn]:
    """Withdraw what rested on nothing but what was taken back, or on windows that lost it."""
    touched = dict(taken_back.touched)
    if judgement.fallen:
        for reminder_id, key in evidence.delete_fallen(connection, judgement.fallen):
            touched[reminder_id] = judgement.fallen[key]
    return reminders.withdrawn(connection, touched) if touched else ()


def in_parts(
    records: Sequence[Record], write_part: Callable[[Sequence[Record], Refused | None], T]
) -> Iterator[T]:
    """Write the records in one transaction, or, where PostgreSQL refuses, in as many as it takes
    to find the record that it refuses, which is then written as a dead letter."""
    try:
        written = write_part(records, None)
    except database.REFUSALS as error:
        if len(records) > 1:
            half = len(records) // 2
            yield from in_parts(records[:half], write_part)
            yield from in_parts(records[half:], write_part)
            return
        written = write_part(records, refusal(error))
    yield written


def refusal(error: psycopg.Error) -> Refused:
    """Why PostgreSQL does not take a record: its message could quote the value, its code not."""
    code = f", code {error.sqlstate}" if error.sqlstate else ""
    return Refused("refused", f"PostgreSQL does not take it ({type(error).__name__}{code}).")
