"""Whatever dies, hangs or is cut off while a disordered bank keeps booking: no reminder is missing,
false or double, and what is told of one comes in order."""

import os
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from crm_shared import kafka
from crm_shared.events import reminders, transactions
from crm_shared.events.transactions import TransactionEvent
from crm_shared.testing import topics
from tests.alerting.batches import standing_after
from tests.alerting.bookings import (
    NOON,
    Event,
    booking,
    closure,
    expected_reminders,
    reversal,
    transfer_out,
)
from tests.faults.bank import Bank, Message
from tests.faults.line import Line, line

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.slow]

#: How often each fault happens, members being killed twice: `make test-faults` says 25. None: a
#: handful of faults, the same at every run.
ROUNDS = int(os.environ.get("ALERTING_TEST_FAULT_ROUNDS", "0"))

CUSTOMERS = 40 * (ROUNDS or 1)
EVENTS = 30 * CUSTOMERS
DUPLICATES = EVENTS // 20
POISON = CUSTOMERS // 4


def _history(chance: random.Random) -> list[Event]:
    """Two days of bookings, many around the thresholds and the edges of windows, some reversed."""
    events: list[Event] = []
    for number in range(1, EVENTS + 1):
        changes: dict[str, Any] = {
            "customer_id": chance.randint(1, CUSTOMERS),
            "occurred_at": NOON + timedelta(minutes=chance.randrange(2 * 1440)),
            "amount": chance.choices(["10.00", "499999.99", "500000.00"], [94, 3, 3])[0],
        }
        kind = chance.random()
        if kind < 0.01:
            changes.pop("amount")
            events.append(closure(number, **changes))
        else:
            events.append((transfer_out if kind < 0.3 else booking)(number, **changes))
    booked = [one for one in events if isinstance(one, TransactionEvent)]
    taken_back = chance.sample(booked, len(booked) // 30)
    return events + [
        reversal(one, EVENTS + number, customer_id=one.customer_id)
        for number, one in enumerate(taken_back, start=1)
    ]


def _as_sent(events: Sequence[Event], chance: random.Random) -> list[Message]:
    """Roughly in order of time, some hours late, with duplicates and poison in between."""
    sent = [*events, *chance.choices(events, k=DUPLICATES)]
    sent.sort(key=lambda one: one.occurred_at + timedelta(minutes=chance.expovariate(1 / 90)))
    messages: list[Message] = [*sent]
    for number in range(POISON):
        poison = b"\xff" * number or b"{}"
        messages.insert(chance.randrange(len(messages)), (str(number).encode(), poison))
    return messages


def test_no_fault_makes_a_reminder_missing_false_double_or_out_of_order(tmp_path: Path) -> None:
    drawn = random.SystemRandom().randrange(10**6) if ROUNDS else 1
    seed = int(os.environ.get("ALERTING_TEST_FAULT_SEED", drawn))
    print(f"ALERTING_TEST_FAULT_SEED={seed}")
    chance = random.Random(seed)
    events = _history(chance)
    with line(chance, tmp_path) as running:
        kinds = running.faults()
        faults = [one for _ in range(ROUNDS) for one in chance.sample(kinds, len(kinds))]
        faults = faults or running.handful()
        bank = Bank(running.servers.broker, _as_sent(events, chance), shares=len(faults) + 1)
        bank.open()
        for number, fault in enumerate(faults, start=1):
            running.get_on(bank)
            print(f"{number} of {len(faults)}: {fault.__name__}", flush=True)
            fault()
        bank.close()
        _drain(running)
        expected = expected_reminders(events)
        assert len(set(expected.values())) == 4
        _compare(running, expected)
        running.close()


def _drain(running: Line) -> None:
    """Wait until all that the bank has sent is worked on, told, and taken over."""
    ends: dict[int, int] = {}
    for one in topics.read_all(running.servers.broker, transactions.TOPIC):
        ends[one.partition] = one.offset + 1
    held = " or ".join(f"partition = {one} and next_offset >= {end}" for one, end in ends.items())
    done = (
        "select count(*) from alerting.partitions"
        f" where topic = '{kafka.topic(running.servers.broker, transactions.TOPIC)}' and ({held})"
    )
    running.wait(lambda: running.number(done) == len(ends), "the last event")
    unsent = "select count(*) from alerting.outbox where sent_at is null"
    running.wait(lambda: running.number(unsent) == 0, "the last message")
    told = len(topics.read_all(running.servers.broker, reminders.TOPIC))
    taken = "select sum(next_offset) from ocrm.intake_offsets"
    running.wait(lambda: running.number(taken) >= told, "the intake")


def _compare(running: Line, expected: dict[UUID, str]) -> None:
    with psycopg.connect(running.servers.url) as connection:
        outbox = connection.execute("select message from alerting.outbox order by seq").fetchall()
        known = connection.execute(
            "select reminder_id, rule_code from ocrm.reminders where status <> 'withdrawn'"
        ).fetchall()
    assert standing_after(reminders.ADAPTER.validate_json(one) for (one,) in outbox) == expected
    assert dict(known) == expected
    newest: dict[UUID, int] = {}
    for one in topics.read_all(running.servers.broker, reminders.TOPIC):
        message = reminders.ADAPTER.validate_json(one.value or b"")
        before = newest.setdefault(message.reminder_id, 0)
        assert message.revision <= before + 1, "told before what came first"
        newest[message.reminder_id] = max(before, message.revision)
    poison = sum(
        (one.value or b"").startswith((b"\xff", b"{}"))
        for one in topics.read_all(running.servers.broker, transactions.TOPIC)
    )
    assert running.number("select count(*) from alerting.dead_letters") == poison >= POISON
    assert running.number("select count(*) from ocrm.intake_dead_letters") == 0
    keys = "select count(distinct (rule_code, subject, reminder_window)) from ocrm.reminders"
    assert running.number(keys) == running.number("select count(*) from ocrm.reminders")
