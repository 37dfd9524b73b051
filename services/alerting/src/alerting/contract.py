"""The contract of the bank's topics, which alone decides what is an event; and its events as ours.

The messages of `crm_shared.events` are the contract, from which docs/contracts is made.
"""

from decimal import Decimal
from typing import Annotated, Any, get_args

import msgspec
from pydantic import Field, TypeAdapter

from alerting.events import Event
from crm_shared.events.cards import CardBooked, CardFellOverdue
from crm_shared.events.customers import CustomerDataChanged
from crm_shared.events.loans import LoanEvent
from crm_shared.events.tickets import QueueTicketChanged
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent

Message = (
    TransactionEvent
    | AccountClosedEvent
    | LoanEvent
    | CardBooked
    | CardFellOverdue
    | CustomerDataChanged
    | QueueTicketChanged
)
ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])

#: Our events by the `type` of the message.
KINDS: dict[str, type[Event]] = {kind.__struct_config__.tag: kind for kind in get_args(Event)}

#: Of each of ours, the field of the message by the name of our own.
FIELDS: dict[str, dict[str, str]] = {
    tag: {one.name: one.encode_name for one in msgspec.structs.fields(kind)}
    for tag, kind in KINDS.items()
}


def event_of(message: Message) -> Event:
    """The event that a message is, however it was written."""
    values = {
        ours: _as_text(getattr(message, theirs)) for ours, theirs in FIELDS[message.type].items()
    }
    return KINDS[message.type](**values)


def _as_text(value: Any) -> Any:
    """Amounts are kept as they were written."""
    return str(value) if isinstance(value, Decimal) else value
