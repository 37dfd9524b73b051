"""What stands when all has been worked on, against the oracle: nothing missing, false or double,
each reminder by a version that was in force, and everything told in order.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from alerting.ownership import Partition
from crm_shared.events import reminders
from crm_shared.events.from_bank import TOPICS
from crm_shared.events.reminders import ReminderRaised, ReminderWithdrawn
from crm_shared.kafka_records import Record
from crm_shared.testing import topics
from tests.alerting.batches import standing_after
from tests.faults import oracle
from tests.faults.history import Event, History
from tests.faults.line import Line

Message = ReminderRaised | ReminderWithdrawn


@dataclass(frozen=True)
class Told:
    """A message of the outbox: its number, and when the batch began that wrote it."""

    seq: int
    at: datetime
    message: Message


def compare(running: Line, history: History) -> None:
    """Fail where anything is not as it must be."""
    sent = [one for name in TOPICS for one in topics.read_all(running.servers.broker, name)]
    places = _places(sent)
    told, known = _kept(running)
    standing = standing_after(one.message for one in told)
    must, may = _bounds(running, history, places)
    rules = {code: len([one for one in must.values() if one == code]) for code in {*may.values()}}
    print(f"{len(history.events)} events, {len(must)} to {len(may)} reminders: {rules}", flush=True)
    assert not must.keys() - standing.keys(), "missing"
    assert not standing.items() - may.items(), "false"
    assert not standing.items() - known.items(), "not taken over"
    assert not known.items() - standing.items(), "not withdrawn there"
    keys = "select count(distinct (rule_code, subject, reminder_window)) from ocrm.reminders"
    assert running.number(keys) == running.number("select count(*) from ocrm.reminders"), "double"
    _compare_versions(running, told)
    _compare_order(running, told, places)
    _compare_dead_letters(running, history, sent)


def _places(sent: Iterable[Record]) -> dict[UUID, tuple[Partition, int]]:
    """Where each event lies first."""
    places: dict[UUID, tuple[Partition, int]] = {}
    for one in sent:
        try:
            name = UUID(json.loads(one.value or b"")["event_id"])
        except (ValueError, KeyError):
            continue
        places.setdefault(name, ((one.topic, one.partition), one.offset))
    return places


def _kept(running: Line) -> tuple[list[Told], dict[UUID, str]]:
    """What alerting told, in order, and the reminders of the OCRM that stand."""
    with psycopg.connect(running.servers.url) as connection:
        outbox = connection.execute(
            "select seq, created_at, message from alerting.outbox order by seq"
        ).fetchall()
        known = connection.execute(
            "select reminder_id, rule_code from ocrm.reminders where status <> 'withdrawn'"
        ).fetchall()
    told = [Told(seq, at, reminders.ADAPTER.validate_json(one)) for seq, at, one in outbox]
    return told, dict(known)


def _bounds(
    running: Line, history: History, places: Mapping[UUID, tuple[Partition, int]]
) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """What must stand, and what may. After it was judged first, an event may be judged once more,
    when it comes again or its window changes."""

    def ever(event: Event) -> range:
        return range(running.bank.since[event.event_id], running.version + 1)

    def strictest(event: Event) -> oracle.Edition:
        first = oracle.all_of(_first_versions(running, event.event_id, places), max)
        return oracle.Edition(
            first.movement, first.spend, oracle.all_of(ever(event), max).transfers
        )

    def loosest(event: Event) -> oracle.Edition:
        return oracle.all_of(ever(event), min)

    return oracle.standing(history.events, strictest), oracle.standing(history.events, loosest)


def _first_versions(
    running: Line, event_id: UUID, places: Mapping[UUID, tuple[Partition, int]]
) -> range:
    """The versions by one of which an event was judged first: from that which held everywhere when
    it was sent to that which held when its partition was known to be past it."""
    place, offset = places[event_id]
    past = (one.version - 1 for one in running.edits if one.reached.get(place, 0) > offset)
    return range(running.bank.since[event_id], next(past, running.version) + 1)


def _compare_versions(running: Line, told: Sequence[Told]) -> None:
    """Each raised by a version in force at that moment, whose threshold it reaches."""
    raised = Counter(
        it.rule_version for one in told if isinstance(it := one.message, ReminderRaised)
    )
    print(f"raised by version: {dict(sorted(raised.items()))}", flush=True)
    begins = {one.version: one.effective for one in running.edits}
    ends = {one.version - 1: one.in_force for one in running.edits}
    for one in told:
        message = one.message
        if not isinstance(message, ReminderRaised):
            continue
        version = message.rule_version
        if message.rule_code not in oracle.EDITED:
            assert version == 1
            continue
        threshold = oracle.edition(version).threshold(message.rule_code)
        assert Decimal(message.facts["threshold"]) == threshold <= Decimal(message.facts["value"])
        assert version >= running.bank.since[UUID(message.correlation_id)]
        assert begins.get(version, one.at) <= one.at <= ends.get(version, one.at)


def _compare_order(
    running: Line, told: Iterable[Told], places: Mapping[UUID, tuple[Partition, int]]
) -> None:
    """On the topic, what is told of one reminder is in order, and what is told of a customer is in
    the order of the events of each topic, as far as one event alone decides when: whether it raises
    a reminder or withdraws one."""
    numbers = {one.message.event_id: one.seq for one in told}
    newest: dict[UUID, int] = {}
    last: dict[tuple[int, Any], int] = defaultdict(lambda: -1)
    seen: set[UUID] = set()
    compared: Counter[str] = Counter()
    for record in topics.read_all(running.servers.broker, reminders.TOPIC):
        message = reminders.ADAPTER.validate_json(record.value or b"")
        before = newest.setdefault(message.reminder_id, 0)
        assert message.revision <= before + 1, "told before what came first"
        newest[message.reminder_id] = max(before, message.revision)
        if message.event_id in seen or not _decided_by_one(running, message, places):
            continue
        seen.add(message.event_id)
        # Those before the topics were lost were told in the order of events that lie elsewhere now.
        if numbers[message.event_id] > running.lost_after:
            place, offset = places[UUID(message.correlation_id)]
            assert offset >= last[message.customer_id, place], "told before an earlier event"
            last[message.customer_id, place] = offset
            compared[message.type] += 1
    print(f"in order by customer: {dict(sorted(compared.items()))}", flush=True)


def _decided_by_one(
    running: Line, message: Message, places: Mapping[UUID, tuple[Partition, int]]
) -> bool:
    """Whether the event that a message names alone decided when it came, on being read first. A
    window hangs on several; and what a rule found too small may be found large enough by its next
    version when the event comes again, unless only one version can have judged it first."""
    if message.rule_code == "R01.FREQUENT_TRANSFERS_OUT":
        return False
    if isinstance(message, ReminderRaised) and message.rule_code in oracle.EDITED:
        first = _first_versions(running, UUID(message.correlation_id), places)
        return first == range(message.rule_version, message.rule_version + 1)
    return True


def _compare_dead_letters(running: Line, history: History, sent: Iterable[Record]) -> None:
    with psycopg.connect(running.servers.url) as connection:
        rows = connection.execute("select payload from alerting.dead_letters").fetchall()
    letters = [bytes(payload) for (payload,) in rows]
    assert set(letters) == history.poison
    if running.lost_at is None:
        assert len(letters) == sum(one.value in history.poison for one in sent)
    assert running.number("select count(*) from ocrm.intake_dead_letters") == 0
