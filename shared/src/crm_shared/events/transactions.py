"""Topic `crm.transactions.v1`: what the core bank books on deposit accounts."""

from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, TypeAdapter, model_validator

from crm_shared.events.envelope import CustomerEvent
from crm_shared.money import Amount

TOPIC = "crm.transactions.v1"

CustomerType = Literal["individual", "business", "group"]


class TransactionEvent(CustomerEvent):
    """A booking on a deposit account. `amount` is positive; `direction` gives the sign."""

    type: Literal["transaction.booked"] = "transaction.booked"
    txn_id: int = Field(ge=1)
    account_id: int = Field(ge=1)
    branch_id: str = Field(description="The branch that keeps the account.")
    customer_type: CustomerType = "individual"
    business_date: date
    direction: Literal["credit", "debit"]
    amount: Amount = Field(gt=0)
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    channel: str = Field(examples=["mobile"])
    txn_type: str = Field(examples=["transfer_out"])
    counterparty_account: str | None = None
    counterparty_bank: str | None = Field(default=None, description="Absent: the bank itself.")
    reverses_txn_id: int | None = Field(
        default=None, description="Set on the reversal of a booking."
    )


class AccountClosedEvent(CustomerEvent):
    """A deposit account was closed. `closing_balance` is what was paid out with the closure."""

    event_id: UUID = Field(
        description="The same closing has the same id, however often it is sent; an account that "
        "was not closed after all and is closed later has another one, as the id is made of "
        "`account-closed` and `{account_id}|{business_date}`."
    )
    type: Literal["account.closed"] = "account.closed"
    account_id: int = Field(ge=1)
    branch_id: str
    customer_type: CustomerType = "individual"
    business_date: date
    product: str = Field(examples=["demand"])
    closing_balance: Amount
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    corrects_event_id: UUID | None = Field(
        default=None, description="The event that this one replaces, and takes back."
    )
    stays_open: bool | None = Field(
        default=None,
        description="True on a correction that says that the account was not closed after all; it "
        "needs `corrects_event_id`.",
    )

    @model_validator(mode="after")
    def _what_stays_open_takes_a_closing_back(self) -> Self:
        if self.stays_open and self.corrects_event_id is None:
            raise ValueError("stays_open needs corrects_event_id, the closing that it takes back")
        return self


TransactionTopicEvent = Annotated[
    TransactionEvent | AccountClosedEvent, Field(discriminator="type")
]
ADAPTER: TypeAdapter[TransactionEvent | AccountClosedEvent] = TypeAdapter(TransactionTopicEvent)
