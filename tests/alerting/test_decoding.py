"""Undecodable, incomplete and future-dated records are refused with a reason, without values."""

from datetime import timedelta
from uuid import UUID

import pytest

from alerting.contract import event_of
from alerting.decoding import Refused, decode
from alerting.events import Booking, Closure
from tests.alerting.batches import LATER, record
from tests.alerting.bookings import NOON, booking, closure


def test_an_event_is_decoded() -> None:
    assert decode(record(0, booking(1)), LATER) == event_of(booking(1))


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff\xfe", b"not json", b'{"type": "\xc3"}'])
def test_what_is_not_json_is_undecodable(value: bytes | None) -> None:
    refused = decode(record(0, value), LATER)
    assert isinstance(refused, Refused)
    assert refused.reason == "undecodable"


@pytest.mark.parametrize(
    "changes",
    [{"customer_id": None}, {"amount": "-1.00"}, {"amount": "1.001"}, {"type": "unknown"},
     {"occurred_at": "2026-07-01T12:00:00"}, {"occurred_at": "0001-01-01T00:00:00Z"},
     {"branch_id": "B\x00"}, {"customer_id": 2**60}],
)  # fmt: skip
def test_what_lacks_or_breaks_a_field_is_incomplete(changes: dict[str, object]) -> None:
    event = booking(1).model_copy(update=changes)
    value = event.model_dump_json(exclude_none=True, warnings=False).encode()
    refused = decode(record(0, value), LATER)
    assert isinstance(refused, Refused)
    assert refused.reason == "incomplete"


@pytest.mark.parametrize("occurred_at", ["2026-07-01T04:00:00Z", "2026-07-01T04:00:00.0000000Z"])
def test_an_account_that_stays_open_must_say_which_closing_that_takes_back(
    occurred_at: str,
) -> None:
    event = closure(1).model_copy(update={"occurred_at": occurred_at, "stays_open": True})
    refused = decode(record(0, event.model_dump_json(warnings=False).encode()), LATER)
    assert isinstance(refused, Refused)
    assert refused.reason == "incomplete"
    assert "stays_open needs corrects_event_id, the closing that it takes back" in refused.detail
    right = event.model_copy(update={"corrects_event_id": UUID(int=1)})
    decoded = decode(record(0, right.model_dump_json(warnings=False).encode()), LATER)
    assert isinstance(decoded, Closure)
    assert decoded.stays_open


@pytest.mark.parametrize("value", [b"[]", b"1", b"null", b"{}"])
def test_json_that_is_no_event_is_incomplete(value: bytes) -> None:
    refused = decode(record(0, value), LATER)
    assert isinstance(refused, Refused)
    assert refused.reason == "incomplete"


def test_the_reason_never_repeats_a_value() -> None:
    value = b'{"type": "transaction.booked", "customer_id": "13800138000x"}'
    refused = decode(record(0, value), LATER)
    assert isinstance(refused, Refused)
    assert "customer_id" in refused.detail
    assert "13800138000" not in refused.detail


def test_the_reason_never_repeats_a_kind_that_there_is_not() -> None:
    refused = decode(record(0, b'{"type": "13800138000"}'), LATER)
    assert isinstance(refused, Refused)
    assert refused.detail.startswith("type: it should be one of transaction.booked, ")


def test_what_lies_after_the_latest_instant_is_in_the_future() -> None:
    event = record(0, booking(1))
    assert isinstance(decode(event, NOON), Booking)
    refused = decode(event, NOON - timedelta(microseconds=1))
    assert isinstance(refused, Refused)
    assert refused.reason == "future_dated"
