"""Poison at every position of a batch: first, in the middle, last, alone, two together.

What is around it is worked on, each is a dead letter once, and no other record is.
"""

from collections.abc import Iterable
from datetime import timedelta
from itertools import product

import psycopg
import pytest

from alerting import batch, decoding
from crm_shared.events.envelope import Event
from tests.alerting import bookings
from tests.alerting.batches import LATER, TOPIC, raised, records, run
from tests.alerting.bookings import expected_reminders, transfer_out

#: `.` is an event; the others are poison of the kinds that there are.
_KINDS = {
    "x": (b"\xff\x00 no text", "undecodable"),
    "n": (None, "undecodable"),
    "i": (b"{}", "incomplete"),
    "f": (transfer_out(1, occurred_at=LATER + timedelta(days=1)), "future_dated"),
    "r": (transfer_out(2, branch_id="B\0"), "refused"),
}

_SMALL = [
    "".join(one) for size in (1, 2, 3) for one in product(".xr", repeat=size) if set(one) != {"."}
]
_EACH_KIND = [
    before + kind + after for kind in "nif" for before, after in product(("", "."), repeat=2)
]
#: Five transfers in all: one reminder more, that no poison among them may hold up.
_IN_A_WINDOW = [
    "....."[:at] + two + "....."[at:] for at in range(6) for two in ("x", "xx", "ri", "rr")
]
PATTERNS = sorted({*_SMALL, *_EACH_KIND, *_IN_A_WINDOW})


def _batch(pattern: str, customer: int) -> tuple[list[bookings.Event], list[bytes | Event | None]]:
    """The events, and with the poison among them what the partition holds."""
    events: list[bookings.Event] = []
    sent: list[bytes | Event | None] = []
    for number, kind in enumerate(pattern, start=customer * 100):
        if kind == ".":
            events.append(transfer_out(number, customer_id=customer, amount="500000.00"))
            sent.append(events[-1])
        else:
            sent.append(_KINDS[kind][0])
    return events, sent


def _letters(connection: psycopg.Connection, offsets: Iterable[int]) -> dict[int, list[str]]:
    """Why each record is a dead letter, by offset."""
    rows = connection.execute(
        "select log_offset, array_agg(reason) from alerting.dead_letters"
        " where log_offset = any (%s) group by log_offset",
        (list(offsets),),
    ).fetchall()
    connection.commit()
    return dict(rows)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_poison_at_any_position_harms_nothing_around_it(
    pattern: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What PostgreSQL refuses is looked for before; here one such thing is overlooked.
    monkeypatch.setattr(decoding, "_NUL", b"not looked for")
    number = PATTERNS.index(pattern)
    customer, first = 500 + number, 30_000 + number * 10
    events, sent = _batch(pattern, customer)
    poison = {first + at: [_KINDS[one][1]] for at, one in enumerate(pattern) if one != "."}
    for _ in range(2):
        parts = batch.in_parts(
            records(sent, first), lambda part, refused: run(connection, part, refused=refused)
        )
        assert sum(part.records for part in parts) == len(pattern)
        assert raised(connection, [customer]) == expected_reminders(events)
        assert _letters(connection, range(first, first + len(pattern))) == poison
        held = connection.execute(
            "select next_offset from alerting.partitions where topic = %s", (TOPIC,)
        ).fetchone()
        assert held == (first + len(pattern),)
