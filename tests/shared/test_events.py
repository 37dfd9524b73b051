"""The messages: what a producer writes, every consumer reads, and nothing else gets in."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from crm_shared import contracts, ids
from crm_shared.events import from_bank, reminders, transactions


def transaction(**overrides: Any) -> transactions.TransactionEvent:
    """A booking with every default a test does not care about."""
    values: dict[str, Any] = {
        "event_id": ids.event_id("transaction", "1"),
        "occurred_at": datetime(2026, 7, 1, 2, 0, tzinfo=UTC),
        "producer": "core",
        "customer_id": 7,
        "txn_id": 1,
        "account_id": 2,
        "branch_id": "B1",
        "business_date": date(2026, 7, 1),
        "direction": "credit",
        "amount": Decimal("500000.00"),
        "channel": "mobile",
        "txn_type": "transfer_in",
    }
    return transactions.TransactionEvent(**(values | overrides))


def raised(**overrides: Any) -> reminders.ReminderRaised:
    """A raised reminder whose id is the one of its business key."""
    values: dict[str, Any] = {
        "event_id": uuid4(),
        "occurred_at": datetime(2026, 7, 1, 2, 0, tzinfo=UTC),
        "producer": "alerting",
        "customer_id": 7,
        "reminder_id": ids.reminder_id("R01.LARGE_INFLOW", "customer:7", "txn:1"),
        "rule_code": "R01.LARGE_INFLOW",
        "subject": "customer:7",
        "window": "txn:1",
        "rule_version": 1,
        "business_date": date(2026, 7, 1),
        "priority": 2,
    }
    return reminders.ReminderRaised(**(values | overrides))


def test_a_transaction_survives_the_wire_to_the_cent() -> None:
    event = transaction(amount=Decimal("0.10"))
    assert transactions.ADAPTER.validate_json(event.to_bytes()) == event


def test_amounts_travel_as_text_so_no_reader_makes_floats_of_them() -> None:
    assert json.loads(transaction().to_bytes())["amount"] == "500000.00"


def test_a_consumer_ignores_a_field_that_a_newer_producer_added() -> None:
    message = json.loads(transaction().to_bytes()) | {"colour": "blue"}
    assert transactions.ADAPTER.validate_json(json.dumps(message)) == transaction()


@pytest.mark.parametrize(
    "wrong",
    [{"amount": "-1.00"}, {"amount": "1.001"}, {"direction": "sideways"}, {"customer_id": 0}],
)
def test_an_impossible_booking_is_refused(wrong: dict[str, str]) -> None:
    message = json.loads(transaction().to_bytes()) | wrong
    with pytest.raises(ValidationError):
        transactions.ADAPTER.validate_json(json.dumps(message))


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        transaction(occurred_at=datetime(2026, 7, 1))  # noqa: DTZ001


def test_events_of_one_customer_share_a_key() -> None:
    assert transaction(txn_id=1).key == transaction(txn_id=2).key == b"7"


def test_a_reminder_must_carry_the_id_of_its_business_key() -> None:
    with pytest.raises(ValidationError, match="not the id of"):
        raised(reminder_id=uuid4())


def test_a_reminder_of_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValidationError, match="not a known reminder rule"):
        raised(rule_code="R99.NONSENSE")


def test_the_same_fact_has_the_same_reminder_id_for_ever() -> None:
    assert (
        str(ids.reminder_id("R02.LOAN_MATURES", "loan:55", "due:2026-07-20"))
        == "e51c0a83-b855-5fe9-ac82-4c3393182e05"
    )


def test_what_the_bank_sends_is_what_the_contracts_say_we_receive() -> None:
    received = {topic for topic, direction, _ in contracts.TOPICS if direction == "receive"}
    assert set(from_bank.TOPICS) == received
    assert len(from_bank.TOPICS) == len(received)
