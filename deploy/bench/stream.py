"""Events for measuring alerting: all rules, at the rates at which a bank meets them.

Of a thousand events 102 are transfers to other banks, of which two belong to one of twenty
customers who make many, while nobody else makes more than one in a morning, however large the bank
is; two movements are large, one of them is reversed; one account is closed; forty come from cards,
loans, customer data and lobbies, and two of those raise a reminder.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from crm_shared import ids
from crm_shared.clock import bank_date
from crm_shared.events import cards, customers, loans, tickets, transactions
from crm_shared.events.cards import CardBooked
from crm_shared.events.customers import CustomerDataChanged
from crm_shared.events.envelope import Event
from crm_shared.events.loans import LoanEvent
from crm_shared.events.tickets import QueueTicketChanged
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent

_MORNING = datetime(2026, 7, 1, 1, tzinfo=UTC)
_MORNING_MILLISECONDS = 20_000_000
_MANY = 20
_REVERSAL = 43

#: Where in a thousand events stand the transfers of those who make one, and how many they are.
_FIRST_TRANSFER, _TRANSFERS = 102, 100

CUSTOMERS = 500_000


def events(
    count: int, customers: int = CUSTOMERS, at: Callable[[], datetime] | None = None
) -> Iterator[tuple[str, Event]]:
    """That many events of so many customers with their topics, in the order of their times: those
    of a morning, or of several where everybody has made a transfer; or what `at` says when an event
    is asked for."""
    mornings = -(-count // (customers * 1000 // _TRANSFERS))
    each = -(-count // mornings)
    for number in range(count):
        place = number % 1000
        day, since = divmod(number, each)
        passed = timedelta(days=day, milliseconds=since * _MORNING_MILLISECONDS // each)
        when = at() if at else _MORNING + passed
        values: dict[str, Any] = {
            "event_id": ids.event_id("bench", str(number)),
            "occurred_at": when,
            "producer": "core",
            "customer_id": customer(number, customers),
            "branch_id": f"BR{number % 400:05}",
            "business_date": bank_date(when),
        }
        if place == _REVERSAL:
            values["customer_id"] = customer(number - 2, customers)
        yield _other(values, number, place) if place < 40 else _deposit(values, number, place)


def customer(number: int, customers: int) -> int:
    """Whose event it is. One transfer after another is of ever other customers, until everybody has
    made one (7919 is a prime that no such number is a multiple of)."""
    thousands, place = divmod(number, 1000)
    if 0 <= (transfer := place - _FIRST_TRANSFER) < _TRANSFERS:
        return 1_000 + (thousands * _TRANSFERS + transfer) * 7919 % customers
    return 1_000 + (number * 7919 + thousands * 31) % customers


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
    if place == _REVERSAL:
        booking |= {"reverses_txn_id": number - 1, "direction": "credit"}
    if _FIRST_TRANSFER - 2 <= place < _FIRST_TRANSFER + _TRANSFERS:
        booking |= {"txn_type": "transfer_out", "counterparty_bank": "Example Bank"}
    if place in {_FIRST_TRANSFER - 2, _FIRST_TRANSFER - 1}:
        values["customer_id"] = 1 + number // 1000 % _MANY
    return transactions.TOPIC, TransactionEvent.model_validate(values | account | booking)
