"""Whatever dies, hangs, is cut off or lost while a disordered bank keeps booking: no reminder is
missing, false or double, and what is told of one reminder and of one customer comes in order."""

import os
import random
from pathlib import Path

import pytest

from crm_shared import clock
from crm_shared.events import reminders
from crm_shared.events.from_bank import TOPICS
from crm_shared.testing import topics
from tests.faults import history
from tests.faults.bank import Bank
from tests.faults.comparison import compare
from tests.faults.line import Line, line

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.slow]

#: How often each fault happens, members being killed twice: `make test-faults` says 25. None: each
#: at least once, the same at every run.
ROUNDS = int(os.environ.get("ALERTING_TEST_FAULT_ROUNDS", "0"))

CUSTOMERS = 40 * (ROUNDS or 1)


def test_no_fault_makes_a_reminder_missing_false_double_or_out_of_order(tmp_path: Path) -> None:
    drawn = random.SystemRandom().randrange(10**6) if ROUNDS else 1
    seed = int(os.environ.get("ALERTING_TEST_FAULT_SEED", drawn))
    print(f"ALERTING_TEST_FAULT_SEED={seed}")
    chance = random.Random(seed)
    happened = history.draw(chance, CUSTOMERS)
    with line(chance, tmp_path) as running:
        kinds = running.faults()
        faults = [one for _ in range(ROUNDS) for one in chance.sample(kinds, len(kinds))]
        faults = faults or running.handful()
        running.bank = Bank(
            running.servers.broker, happened.sent, len(faults) + 1, lambda: running.version
        )
        running.bank.open()
        for number, fault in enumerate(faults, start=1):
            running.get_on()
            print(f"{number} of {len(faults)}: {fault.__name__}", flush=True)
            fault()
        running.bank.close()
        _drain(running)
        compare(running, happened)
        running.close()


def _drain(running: Line) -> None:
    """Wait until all that the bank has sent is worked on, told, and taken over."""
    broker = running.servers.broker
    partitions = broker.partitions * len(TOPICS)
    known = f"select count(*) from alerting.partitions where {running.is_of_these_topics}"
    running.wait(lambda: running.number(known) == partitions, "the topics to be known")
    # A canary that was sent after the last event and worked on proves all before it.
    done = f"{known} and canary_at > '{clock.now().isoformat()}'"
    running.wait(lambda: running.number(done) == partitions, "the last event")
    unsent = "select count(*) from alerting.outbox where sent_at is null"
    running.wait(lambda: running.number(unsent) == 0, "the last message")
    ends: dict[int, int] = {}
    for one in topics.read_all(broker, reminders.TOPIC):
        ends[one.partition] = one.offset + 1
    # Canaries may follow the last reminder.
    reached = " or ".join(
        f"partition = {one} and next_offset >= {end}" for one, end in ends.items()
    )
    taken = f"select count(*) from ocrm.intake_offsets where {reached}"
    running.wait(lambda: running.number(taken) == len(ends), "the intake")
