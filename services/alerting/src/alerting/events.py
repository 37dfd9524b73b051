"""The events that rules judge, and how one event names another that it takes back."""

from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter

from alerting.windows import Transfer
from crm_shared.events.cards import CardBooked, CardFellOverdue
from crm_shared.events.customers import CustomerDataChanged
from crm_shared.events.loans import LoanEvent
from crm_shared.events.tickets import QueueTicketChanged
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent

#: What arrives on them; `type` tells them apart, whatever topic they come by.
Event = (
    TransactionEvent
    | AccountClosedEvent
    | LoanEvent
    | CardBooked
    | CardFellOverdue
    | CustomerDataChanged
    | QueueTicketChanged
)
ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])

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
    if isinstance(event, CardBooked):
        return f"card_txn:{event.card_txn_id}"
    return f"event:{event.event_id}"


def retracted_by(event: Event) -> Fact | None:
    """The fact that the event takes back: a reversal its booking, a correction the event it names;
    None for all others."""
    if isinstance(event, TransactionEvent):
        if event.reverses_txn_id is not None:
            return Fact(event.customer_id, f"txn:{event.reverses_txn_id}")
    elif isinstance(event, CardBooked):
        if event.reverses_card_txn_id is not None:
            return Fact(event.customer_id, f"card_txn:{event.reverses_card_txn_id}")
    elif (
        isinstance(event, LoanEvent | CardFellOverdue | CustomerDataChanged)
        and event.corrects_event_id is not None
    ):
        return Fact(event.customer_id, f"event:{event.corrects_event_id}")
    return None
