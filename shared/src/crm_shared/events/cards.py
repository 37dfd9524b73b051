"""Topic `crm.card-events.v1`: what happens on credit cards between two nights."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from crm_shared.events.envelope import CustomerEvent
from crm_shared.money import Amount

TOPIC = "crm.card-events.v1"


class CardBooked(CustomerEvent):
    """A spending (debit) on a credit card, or a repayment (credit); `amount` is positive."""

    type: Literal["card.booked"] = "card.booked"
    card_txn_id: int = Field(ge=1)
    card_id: int = Field(ge=1)
    branch_id: str = Field(description="The branch that keeps the card.")
    business_date: date
    direction: Literal["credit", "debit"]
    amount: Amount = Field(gt=0)
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    category: str | None = Field(default=None, examples=["travel"])
    reverses_card_txn_id: int | None = Field(
        default=None, description="Set on the reversal of a booking."
    )


class CardFellOverdue(CustomerEvent):
    """A statement of a credit card was not paid when it was due; told on the day after."""

    type: Literal["card.overdue"] = "card.overdue"
    card_id: int = Field(ge=1)
    branch_id: str = Field(description="The branch that keeps the card.")
    business_date: date
    due_on: date = Field(description="The day on which the statement was due.")
    amount: Amount = Field(ge=0, description="What is unpaid of the statements due then.")
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    corrects_event_id: UUID | None = Field(
        default=None, description="The event that this one replaces, and takes back."
    )


CardTopicEvent = Annotated[CardBooked | CardFellOverdue, Field(discriminator="type")]
ADAPTER: TypeAdapter[CardBooked | CardFellOverdue] = TypeAdapter(CardTopicEvent)
