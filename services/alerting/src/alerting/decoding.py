"""From bytes to events; what is not an event we can work on is refused with a reason."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import ValidationError

from alerting.events import ADAPTER, Event
from crm_shared.kafka import Record

Reason = Literal["undecodable", "incomplete", "future_dated", "rule_failed", "refused"]

#: Before this no bank keeps events; such a date is a mistake, and windows could not reach back.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

#: The validator itself: half the time of the adapter's own method.
_validate = ADAPTER.validator.validate_json

#: PostgreSQL cannot keep this character in a text.
_NUL = b"\\u0000"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record is a dead letter. `detail` says where, never what value stood there."""

    reason: Reason
    detail: str


def decode(record: Record, latest: datetime) -> Event | Refused:
    """The event of a record, or why there is none; after `latest` lies the future."""
    if record.value is None:
        return Refused("undecodable", "The record has no value.")
    event: Event
    try:
        event = _validate(record.value)
    except ValidationError as error:
        return _refused(error)
    if _NUL in record.value:
        return Refused("incomplete", "A text contains the character U+0000.")
    if EARLIEST <= event.occurred_at <= latest:
        return event
    if event.occurred_at > latest:
        return Refused("future_dated", f"occurred_at is later than {latest:%Y-%m-%dT%H:%M:%SZ}.")
    return Refused("incomplete", f"occurred_at is before {EARLIEST.date()}.")


def _refused(error: ValidationError) -> Refused:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    if problems[0]["type"] == "json_invalid":
        return Refused("undecodable", "The value is not JSON in UTF-8.")
    sentences = [
        f"{'.'.join(str(part) for part in problem['loc'][1:]) or 'the event'}: {problem['msg']}"
        for problem in problems[:5]
    ]
    return Refused("incomplete", "; ".join(sentences))
