"""Topic `crm.queue-tickets.v1`: queue tickets of the lobby, as the ticket machine prints them."""

from typing import Literal

from pydantic import Field, TypeAdapter

from crm_shared.events.envelope import CustomerId, Event

TOPIC = "crm.queue-tickets.v1"


class QueueTicketChanged(Event):
    """A ticket was drawn, called, served or abandoned at a branch."""

    type: Literal["ticket.changed"] = "ticket.changed"
    ticket_id: str
    branch_id: str
    state: Literal["drawn", "called", "served", "abandoned"]
    queue: str = Field(examples=["personal"])
    customer_id: CustomerId | None = Field(default=None, description="Known once a card is read.")

    @property
    def key(self) -> bytes:
        """The branch, so that one partition sees a lobby's tickets in order."""
        return self.branch_id.encode()


ADAPTER: TypeAdapter[QueueTicketChanged] = TypeAdapter(QueueTicketChanged)
