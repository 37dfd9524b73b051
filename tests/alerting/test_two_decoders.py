"""What is decoded in one step is what the contract accepts, with the same values, and nothing else.

Messages are drawn as a core bank writes them and then spoilt: other types, other ways to write the
same value, bytes that are no JSON. The contract (`crm_shared.events`) is asked about each.
"""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alerting import contract, decoding
from alerting.decoding import Refused, decode
from alerting.events import Event
from tests.alerting.batches import LATER, record
from tests.alerting.bookings import booking, closure
from tests.alerting.test_rules_of_credit import FIRING

MESSAGES = [
    json.loads(message.to_bytes()) for message in (*(one for one, _, _ in FIRING.values()),
                                                    booking(1, counterparty_bank="中国银行"),
                                                    closure(2, stays_open=True,
                                                            corrects_event_id=UUID(int=2)))
]  # fmt: skip

TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["", "12.00", "0.00", "0.000", "-1.00", "1e2", "1_0.00", " 7.00", "7.00\n", "NaN", "٣.٠٠",
         "00.10", "1" * 17 + ".00", "9" * 16 + ".99", "CNY", "CNY\n", "cny", "US", "credit",
         "2026-07-01", "2026-7-1", "20260701", "2026-07-01T00:00:00", "2026-02-29",
         "2026-07-01T09:00:00Z", "2026-07-01T09:00:00.123456Z", "2026-07-01T09:00:00.9999999Z",
         "2026-07-01 09:00:00+08:00", "2026-07-01T09:00:00+0800", "2026-07-01T09:00:00",
         "2026-07-01T09:00Z", "2026-07-01T24:00:00Z", "0001-01-01T00:00:00+08:00", "1782900000",
         str(UUID(int=7)), UUID(int=7).hex, "{" + str(UUID(int=7)) + "}", "individual", "a\x00b"]
    ),
)  # fmt: skip
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 9),
    st.sampled_from([2**53 - 1, 2**53, 2**63, 2**70, 1782900000]),
    st.floats(),
    TEXTS,
    st.lists(TEXTS, max_size=2),
    st.dictionaries(TEXTS, st.integers(), max_size=1),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.dates(date(1800, 1, 1), date(2100, 1, 1)).map(str),
    st.decimals(-10, 10**19, places=2, allow_nan=False).map(str),
)


@st.composite
def values_of_a_topic(draw: st.DrawFn) -> bytes:
    """A message with up to three fields changed, added or left out, and perhaps a byte changed."""
    message: dict[str, Any] = dict(draw(st.sampled_from(MESSAGES)))
    names = st.sampled_from([*message, "correlation_id", "corrects_event_id", "version", "unknown"])
    for name in draw(st.lists(names, max_size=3)):
        if draw(st.integers(0, 4)):
            message[name] = draw(VALUES)
        else:
            message.pop(name, None)
    value = json.dumps(message, ensure_ascii=draw(st.booleans())).encode(errors="replace")
    if not draw(st.integers(0, 5)):
        place = draw(st.integers(0, len(value) - 1))
        value = value[:place] + draw(st.binary(max_size=3)) + value[place + 1 :]
    return value


def by_the_contract(value: bytes) -> Event | None:
    """What the contract alone says of a value."""
    try:
        return contract.event_of(contract.ADAPTER.validate_json(value))
    except ValidationError:
        return None


@settings(max_examples=400, deadline=None)
@given(value=values_of_a_topic())
def test_both_accept_and_refuse_the_same(value: bytes) -> None:
    plain = decoding._plain(value)
    if plain is not None:
        assert plain == by_the_contract(value)
    decoded = decode(record(0, value), LATER)
    if not isinstance(decoded, Refused):
        assert decoded == by_the_contract(value)
    elif decoded.reason == "undecodable" or decoded.detail.startswith("the event"):
        assert by_the_contract(value) is None


@pytest.mark.parametrize(
    "written",
    ["2026-07-01T09:00:00.1234567Z", "2026-07-01T09:00:00.9999999Z", "2026-07-01T09:00Z"],
)
def test_an_instant_means_what_the_contract_says(written: str) -> None:
    value = json.dumps(MESSAGES[-1] | {"occurred_at": written}).encode()
    assert decode(record(0, value), LATER) == by_the_contract(value)


@pytest.mark.parametrize("unknown", ["[" * 300 + "]" * 300, "9" * 5000, '"\xff"', "NaN", "1e999"])
def test_a_field_that_is_not_known_is_judged_by_the_contract(unknown: str) -> None:
    plain = json.dumps(MESSAGES[-1], ensure_ascii=True).encode("latin-1")
    value = plain[:-1] + b', "unknown": ' + unknown.encode("latin-1") + b"}"
    decoded = decode(record(0, value), LATER)
    assert (None if isinstance(decoded, Refused) else decoded) == by_the_contract(value)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda it: it["type"])
def test_what_a_core_bank_usually_sends_is_decoded_in_one_step(message: dict[str, Any]) -> None:
    value = json.dumps(message).encode()
    assert decoding._plain(value) == by_the_contract(value) is not None


@pytest.mark.parametrize("kind", contract.KINDS)
def test_our_events_have_every_field_of_the_contract(kind: str) -> None:
    (message,) = (
        one for one in contract.Message.__args__ if one.model_fields["type"].default == kind
    )
    assert {*contract.FIELDS[kind].values(), "type"} == set(message.model_fields)


def test_every_offset_from_utc_is_the_same_instant() -> None:
    for hours in (-11, 0, 8):
        at = datetime(2026, 7, 1, 9, tzinfo=timezone(timedelta(hours=hours)))
        value = json.dumps(MESSAGES[-1] | {"occurred_at": at.isoformat()}).encode()
        decoded = decode(record(0, value), LATER)
        assert not isinstance(decoded, Refused)
        assert decoded.occurred_at == at.astimezone(UTC)
