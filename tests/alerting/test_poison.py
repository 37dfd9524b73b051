"""Poison at every position of a batch: first, in the middle, last, alone, two together.

What is around it is worked on, each is a dead letter once, and no other record is.
"""

from collections.abc import Iterable
from datetime import timedelta
from itertools import product

import psycopg
import pytest
from typer.testing import CliRunner

from alerting import batch, dead_letters, decoding, worked
from alerting.cli import app
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
    "l": (b"[" * 100_000, "undecodable"),
    "o": (b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b',"type":"transaction.booked"}', "undecodable"),
    "u": (b'{"phone": "1", "x": "\\ud800"}', "undecodable"),
    "d": (b'{"phone": "1", "x": 1' + b"0" * 5_000 + b"}", "undecodable"),
    "t": (b'{"type": "\\u0000"}', "incomplete"),
    "e": (b'{"type": "transaction.booked", "customer_id": 1e400}', "incomplete"),
}

_SMALL = [
    "".join(one) for size in (1, 2, 3) for one in product(".xr", repeat=size) if set(one) != {"."}
]
_EACH_KIND = [
    before + kind + after for kind in "nifloudte" for before, after in product(("", "."), repeat=2)
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


def test_what_cannot_be_read_is_listed_requeued_and_of_no_day(
    connection: psycopg.Connection, alerting_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [value for value, reason in _KINDS.values() if reason in ("undecodable", "incomplete")]
    run(connection, records(sent, 90_000))
    ours = [one for one in dead_letters.find(connection, limit=9_999) if one.log_offset >= 90_000]
    connection.commit()
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    for words in (
        ["list", "--limit", "9999"],
        ["list", "--json", "--by", "Chen", "--purpose", "operations"],
        ["requeue", "--by", "Chen", *(str(one.dead_letter_id) for one in ours)],
    ):
        said = CliRunner().invoke(app, ["dead-letters", *words], catch_exceptions=False).output
    counted, hint = said.splitlines()
    none = "0 dead letters worked on, 0 reminders raised, 0 withdrawn"
    assert counted == f"{none}, {len(sent)} still dead."
    assert "dead-letters list` says what is wrong with those" in hint
    of_the_day = worked.read(connection, LATER.date(), [TOPIC])
    assert {one.dead_letter_id for one in ours} <= {
        one.dead_letter_id for one in of_the_day.undated if one.open
    }
    connection.commit()
    dead_letters.settle(connection, [one.dead_letter_id for one in ours])
    connection.commit()
    settled = worked.read(connection, LATER.date(), [TOPIC]).undated
    assert {one.dead_letter_id for one in settled if one.open}.isdisjoint(
        one.dead_letter_id for one in ours
    )
    connection.commit()
