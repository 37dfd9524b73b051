"""Events for measuring alerting: all rules, at the rates at which a bank meets them.

Of a thousand events 102 are transfers to other banks, of which two belong to one of few customers
who make many; two movements are large, one of them is reversed; one account is closed; forty come
from cards, loans, customer data and lobbies, and two of those raise a reminder.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from crm_shared import ids
from crm_shared.events import cards, customers, loans, tickets, transactions
from crm_shared.events.cards import CardBooked
from crm_shared.events.customers import CustomerDataChanged
from crm_shared.events.envelope import Event
from crm_shared.events.loans import LoanEvent
from crm_shared.events.tickets import QueueTicketChanged
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent

_MORNING = datetime(2026, 7, 1, 1, tzinfo=UTC)
_CUSTOMERS = 50_000
_MANY = 20


def events(count: int) -> Iterator[tuple[str, Event]]:
    """That many events with their topics, in the order of their times."""
    for number in range(count):
        place = number % 1000
        values: dict[str, Any] = {
            "event_id": ids.event_id("bench", str(number)),
            "occurred_at": _MORNING + timedelta(milliseconds=number * 20_000_000 // count),
            "producer": "core",
            "customer_id": _customer(number),
            "branch_id": f"BR{number % 400:05}",
            "business_date": "2026-07-01",
        }
        yield _other(values, number, place) if place < 40 else _deposit(values, number, place)


def _customer(number: int) -> int:
    return 1_000 + number * 7919 % _CUSTOMERS


def _other(values: dict[str, Any], number: int, place: int) -> tuple[str, Event]:
    if place < 20:
        amount = "60000.00" if place == 0 else f"{100 + number % 900}.50"
        card = {"card_txn_id": number + 1, "card_id": number % 9_000 + 1, "direction": "debit"}
        return cards.TOPIC, CardBooked.model_validate(values | card | {"amount": amount})
    if place < 25:
        loan = {"loan_id": number + 1, "change": "arrears" if place == 24 else "repaid"}
        return loans.TOPIC, LoanEvent.model_validate(values | loan | {"amount": "100.00"})
    if place < 26:
        change = {"fields": ["education"]}
        return customers.TOPIC, CustomerDataChanged.model_validate(values | change)
    ticket = {"ticket_id": str(number), "state": "drawn", "queue": "personal", "customer_id": None}
    return tickets.TOPIC, QueueTicketChanged.model_validate(values | ticket)


def _deposit(values: dict[str, Any], number: int, place: int) -> tuple[str, Event]:
    account = {"account_id": values["customer_id"] * 10}
    if place == 40:
        closed = {"product": "demand", "closing_balance": "10.00"}
        return transactions.TOPIC, AccountClosedEvent.model_validate(values | account | closed)
    booking = {"txn_id": number + 1, "direction": "debit", "channel": "mobile", "txn_type": "other"}
    booking["amount"] = "800000.00" if place in {41, 42} else f"{10 + number % 5000}.25"
    if place == 43:
        booking |= {"reverses_txn_id": number - 1, "direction": "credit"}
        values["customer_id"] = _customer(number - 2)
    if 100 <= place < 202:
        booking |= {"txn_type": "transfer_out", "counterparty_bank": "Example Bank"}
    if place in {100, 101}:
        values["customer_id"] = 1 + number // 1000 % _MANY
    return transactions.TOPIC, TransactionEvent.model_validate(values | account | booking)
