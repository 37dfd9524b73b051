"""Events with defaults, and what the rules of the bank say about them, written independently."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from crm_shared import ids
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent

#: Noon at the bank.
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)

Event = TransactionEvent | AccountClosedEvent


def booking(number: int, **changes: Any) -> TransactionEvent:
    """A small credit by mobile, unless said otherwise; `number` is the transaction's."""
    values: dict[str, Any] = {
        "event_id": ids.event_id("transaction", str(number)),
        "occurred_at": NOON,
        "producer": "core",
        "customer_id": 1,
        "txn_id": number,
        "account_id": 1,
        "branch_id": "B01",
        "business_date": "2026-07-01",
        "direction": "credit",
        "amount": "100.00",
        "channel": "mobile",
        "txn_type": "transfer_in",
    }
    return TransactionEvent.model_validate(values | changes)


def transfer_out(number: int, **changes: Any) -> TransactionEvent:
    """A small transfer to another bank."""
    values = {"direction": "debit", "txn_type": "transfer_out", "counterparty_bank": "ICBC"}
    return booking(number, **(values | changes))


def reversal(of: TransactionEvent, number: int, **changes: Any) -> TransactionEvent:
    """The reversal of a booking, an hour later."""
    values = {
        "customer_id": of.customer_id,
        "occurred_at": of.occurred_at + timedelta(hours=1),
        "direction": "credit" if of.direction == "debit" else "debit",
        "amount": of.amount,
        "reverses_txn_id": of.txn_id,
    }
    return booking(number, **(values | changes))


def closure(number: int, **changes: Any) -> AccountClosedEvent:
    """The closure of account `number`."""
    values: dict[str, Any] = {
        "event_id": ids.event_id("closure", str(number)),
        "occurred_at": NOON,
        "producer": "core",
        "customer_id": 1,
        "account_id": number,
        "branch_id": "B01",
        "business_date": "2026-07-01",
        "product": "demand",
        "closing_balance": "12.34",
    }
    return AccountClosedEvent.model_validate(values | changes)


_OWN_BUSINESS = {
    "deposit_open", "deposit_close", "interest", "fee", "sanction_interest", "loan_drawdown",
    "loan_repayment", "card_repayment", "wealth_buy", "wealth_redeem",
}  # fmt: skip


class Limits(NamedTuple):
    """What a booking is judged by: the least amounts, and transfers within hours."""

    individual: int = 500_000
    business: int = 5_000_000
    transfers: int = 5
    hours: int = 24


def expected_reminders(
    events: Iterable[Event], limits_of: Callable[[TransactionEvent], Limits] = lambda _: Limits()
) -> dict[UUID, str]:
    """Rule code by reminder id, by the words of docs/rules.md; quadratic and plain on purpose."""
    unique = {event.event_id: event for event in events}.values()
    reversed_ones = {
        (event.customer_id, event.reverses_txn_id)
        for event in unique
        if isinstance(event, TransactionEvent) and event.reverses_txn_id is not None
    }
    corrected = {one.corrects_event_id for one in unique if isinstance(one, AccountClosedEvent)}
    keys: set[tuple[str, str, str]] = set()
    moves = [
        event
        for event in unique
        if isinstance(event, TransactionEvent)
        and event.txn_type not in _OWN_BUSINESS
        and event.reverses_txn_id is None
        and (event.customer_id, event.txn_id) not in reversed_ones
    ]
    for event in moves:
        limits = limits_of(event)
        least = limits.individual if event.customer_type == "individual" else limits.business
        if event.amount >= Decimal(least):
            code = "R01.LARGE_INFLOW" if event.direction == "credit" else "R01.LARGE_OUTFLOW"
            keys.add((code, f"customer:{event.customer_id}", f"txn:{event.txn_id}"))
    outgoing = [one for one in moves if one.direction == "debit" and one.counterparty_bank]
    for event in outgoing:
        until, limits = event.occurred_at, limits_of(event)
        window = [
            one
            for one in outgoing
            if one.customer_id == event.customer_id
            and until - timedelta(hours=limits.hours) < one.occurred_at <= until
        ]
        if len(window) >= limits.transfers:
            day = _day(until)
            keys.add(("R01.FREQUENT_TRANSFERS_OUT", f"customer:{event.customer_id}", f"day:{day}"))
    for closed in unique:
        if not isinstance(closed, AccountClosedEvent) or closed.stays_open:
            continue
        if closed.event_id not in corrected:
            day = _day(closed.occurred_at)
            keys.add(("R01.ACCOUNT_CLOSED", f"account:{closed.account_id}", f"closed:{day}"))
    space = UUID("6f0d3f1e-2a52-5f0e-9d0b-7455c0a7c3b1")
    return {uuid5(space, f"reminder|{'|'.join(key)}"): key[0] for key in keys}


def _day(instant: datetime) -> str:
    return instant.astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
