"""From bytes to events; what is not an event we can work on is refused with a reason.

What a core bank usually sends is decoded in one step, in a third of the time. Where that step says
no, or could understand something else than the contract, the contract itself decides: so both agree
whatever is sent, a refusal is told in one way, and a test holds the two against each other.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, final

import msgspec
from pydantic import ValidationError

from alerting import contract
from alerting.events import Booking, Canary, Closure, Event, is_positive_cents
from crm_shared import plain
from crm_shared.kafka_records import Record

Reason = Literal["undecodable", "incomplete", "future_dated", "rule_failed", "refused"]

#: Before this no bank keeps events; such a date is a mistake, and windows could not reach back.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

#: The validator itself: half the time of the adapter's own method.
_validate = contract.ADAPTER.validator.validate_json

_decode_plain: Callable[[bytes], Event] = msgspec.json.Decoder(Event).decode

_canary: msgspec.json.Decoder[Canary] = msgspec.json.Decoder(Canary)

#: More digits than microseconds have: one of the two rounds, the other cuts.
_finer_than_microseconds = re.compile(rb"\.[0-9]{7}").search

#: What the decoders raise; the last of these where a value nests deeper than the stack.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

#: PostgreSQL cannot keep this character in a text.
_NUL = b"\\u0000"
_BACKSLASH = ord("\\")


@final
@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record is a dead letter. `detail` says where, never what value stood there."""

    reason: Reason
    detail: str


def decode(record: Record, latest: datetime) -> Event | Canary | Refused:
    """The event of a record, or why there is none; after `latest` lies the future."""
    value = record.value
    if value is None:
        return Refused("undecodable", "The record has no value.")
    event = _plain(value)
    if event is None:
        unusual = _unusual(value)
        if isinstance(unusual, Canary | Refused):
            return unusual
        event = unusual
    if _BACKSLASH in value and _NUL in value:
        return Refused("incomplete", "A text contains the character U+0000.")
    if EARLIEST <= event.occurred_at <= latest:
        return event
    if event.occurred_at > latest:
        return Refused("future_dated", f"occurred_at is later than {latest:%Y-%m-%dT%H:%M:%SZ}.")
    return Refused("incomplete", f"occurred_at is before {EARLIEST.date()}.")


def _plain(value: bytes) -> Event | None:
    """The event, if it is written as usual; None leaves it to the contract."""
    if _finer_than_microseconds(value):
        return None
    try:
        event = _decode_plain(value)
    except _UNREADABLE:
        return None
    if type(event) is Booking and not is_positive_cents(event.amount_text):
        return None
    if type(event) is Closure and event.stays_open and event.corrects_event_id is None:
        return None
    return event


def _unusual(value: bytes) -> Event | Canary | Refused:
    with suppress(*_UNREADABLE):
        return _canary.decode(value)
    try:
        return contract.event_of(_validate(value))
    except ValidationError as error:
        return _refused(error)


def _refused(error: ValidationError) -> Refused:
    problems = error.errors(include_url=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return Refused("undecodable", "The value is not JSON in UTF-8, or nests too deeply.")
    return Refused("incomplete", plain.faults(problems, "the event"))
