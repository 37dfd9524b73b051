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
    assert known == standing
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
    """What must stand, and what may: an event is judged first by a version from that which held
    everywhere when it was sent to that which held when its partition was known to be past it. Later
    it may be judged once more, when it comes again or its window changes."""
    newest = running.version

    def versions(event: Event) -> tuple[range, range]:
        place, offset = places[event.event_id]
        past = (one.version - 1 for one in running.edits if one.reached.get(place, 0) > offset)
        since = running.bank.since[event.event_id]
        return range(since, next(past, newest) + 1), range(since, newest + 1)

    def strictest(event: Event) -> oracle.Edition:
        first, ever = (oracle.all_of(some, max) for some in versions(event))
        return oracle.Edition(first.movement, first.spend, ever.transfers)

    def loosest(event: Event) -> oracle.Edition:
        return oracle.all_of(versions(event)[1], min)

    return oracle.standing(history.events, strictest), oracle.standing(history.events, loosest)


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
    the order of the events of each topic, as far as one event alone decides."""
    numbers = {one.message.event_id: one.seq for one in told}
    newest: dict[UUID, int] = {}
    last: dict[tuple[int, Any], int] = defaultdict(lambda: -1)
    seen: set[UUID] = set()
    for record in topics.read_all(running.servers.broker, reminders.TOPIC):
        message = reminders.ADAPTER.validate_json(record.value or b"")
        before = newest.setdefault(message.reminder_id, 0)
        assert message.revision <= before + 1, "told before what came first"
        newest[message.reminder_id] = max(before, message.revision)
        decided = isinstance(message, ReminderRaised) and message.revision == 1
        if message.event_id in seen or not decided or message.rule_code in oracle.EDITED:
            continue
        seen.add(message.event_id)
        # Those before the topics were lost were told in the order of events that lie elsewhere now.
        if numbers[message.event_id] > running.lost_after:
            place, offset = places[UUID(message.correlation_id)]
            assert offset > last[message.customer_id, place], "told before an earlier event"
            last[message.customer_id, place] = offset


def _compare_dead_letters(running: Line, history: History, sent: Iterable[Record]) -> None:
    with psycopg.connect(running.servers.url) as connection:
        rows = connection.execute("select payload from alerting.dead_letters").fetchall()
    letters = [bytes(payload) for (payload,) in rows]
    assert set(letters) == history.poison
    if running.lost_at is None:
        assert len(letters) == sum(one.value in history.poison for one in sent)
    assert running.number("select count(*) from ocrm.intake_dead_letters") == 0
