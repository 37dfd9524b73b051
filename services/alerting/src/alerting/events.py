"""The events that rules judge, and how one event names another that it takes back."""

from typing import NamedTuple

from alerting.windows import Transfer
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent

#: What arrives on the topics.
Event = TransactionEvent | AccountClosedEvent

#: What rules look at: events as they arrive, and earlier transfers when another one changed the
#: window they were judged in.
Judged = Event | Transfer


class Fact(NamedTuple):
    """What happened to a customer, by the name that a later event may take it back by."""

    customer_id: int
    name: str


def fact_of(event: Judged) -> str:
    """The name of what the event says happened, by which a later one may take it back."""
    if isinstance(event, TransactionEvent):
        return f"txn:{event.txn_id}"
    if isinstance(event, Transfer):
        return event.fact
    return f"event:{event.event_id}"


def retracted_by(event: Event) -> Fact | None:
    """The fact that the event takes back: a reversal its booking; None for all others."""
    if isinstance(event, TransactionEvent) and event.reverses_txn_id is not None:
        return Fact(event.customer_id, f"txn:{event.reverses_txn_id}")
    return None
