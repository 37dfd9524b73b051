"""The events that rules judge, and how one event names another that it takes back.

They have the fields of the messages that `alerting.contract` accepts, and are made straight from
their bytes: what a core bank usually writes is decoded by these very types. `Cents` and the bounds
of numbers are narrower than the contract; what is written otherwise comes by way of the contract.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple, final
from uuid import UUID

from msgspec import Meta, Struct, field

from alerting.windows import Transfer
from crm_shared.events.loans import FiveTier
from crm_shared.events.transactions import CustomerType

#: JSON numbers up to here mean the same to everybody.
Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]

#: An amount as it is usually written.
Cents = Annotated[str, Meta(pattern=r"\A(0|[1-9][0-9]{0,15})\.[0-9]{2}\Z")]
_POSITIVE = r"(?!0\.00)(?:0|[1-9][0-9]{0,15})\.[0-9]{2}"
PositiveCents = Annotated[str, Meta(pattern=rf"\A{_POSITIVE}\Z")]

#: Whether a text is `PositiveCents`: asked apart, it takes half of the time.
is_positive_cents = re.compile(_POSITIVE).fullmatch

#: As it usually is; a pattern would be a quarter of the time that decoding a booking takes.
Currency = Literal["CNY", "USD", "EUR", "HKD", "JPY", "GBP", "AUD", "CAD", "CHF", "SGD"]
Direction = Literal["credit", "debit"]


class Envelope(
    Struct, kw_only=True, frozen=True, gc=False, tag_field="type", forbid_unknown_fields=True
):
    """What every event carries around its fact."""

    event_id: UUID
    occurred_at: Annotated[datetime, Meta(tz=True)]
    producer: Annotated[str, Meta(min_length=1)]
    version: Number = 1
    correlation_id: str | None = None
    branch_id: str


class _OfCustomer(Envelope, kw_only=True, frozen=True, gc=False):
    """An event about one customer, on a business date."""

    customer_id: Number
    business_date: date


class Booking(_OfCustomer, kw_only=True, frozen=True, gc=False, tag="transaction.booked"):
    """A booking on a deposit account; `direction` gives the sign of `amount`.

    Nearly all events are bookings, so who decodes one sees to it that `amount` is `PositiveCents`.
    """

    txn_id: Number
    account_id: Number
    customer_type: CustomerType = "individual"
    direction: Direction
    amount_text: str = field(name="amount")
    currency: Currency = "CNY"
    channel: str
    txn_type: str
    counterparty_account: str | None = None
    counterparty_bank: str | None = None
    reverses_txn_id: Number | None = None

    @property
    def amount(self) -> Decimal:
        """The amount, above zero."""
        return Decimal(self.amount_text)


class Closure(_OfCustomer, kw_only=True, frozen=True, gc=False, tag="account.closed"):
    """A deposit account was closed; or, where it `stays_open`, was not after all."""

    account_id: Number
    customer_type: CustomerType = "individual"
    product: str
    closing_text: Cents = field(name="closing_balance")
    currency: Currency = "CNY"
    corrects_event_id: UUID | None = None
    stays_open: bool | None = None

    @property
    def closing_balance(self) -> Decimal:
        """What was paid out with the closure."""
        return Decimal(self.closing_text)


class LoanChange(_OfCustomer, kw_only=True, frozen=True, gc=False, tag="loan.changed"):
    """A loan was granted, repaid, fell behind, changed its class, or was settled."""

    loan_id: Number
    change: Literal[
        "granted", "repaid", "arrears", "overdue", "class_changed", "settled", "written_off"
    ]
    amount_text: Cents | None = field(name="amount", default=None)
    currency: Currency = "CNY"
    days_overdue: Count = 0
    five_tier_before: FiveTier | None = None
    five_tier_after: FiveTier | None = None
    corrects_event_id: UUID | None = None

    @property
    def amount(self) -> Decimal | None:
        """The amount of the grant, the repayment or the arrears."""
        return None if self.amount_text is None else Decimal(self.amount_text)


class CardBooking(_OfCustomer, kw_only=True, frozen=True, gc=False, tag="card.booked"):
    """A spending (debit) on a credit card, or a repayment (credit)."""

    card_txn_id: Number
    card_id: Number
    direction: Direction
    amount_text: PositiveCents = field(name="amount")
    currency: Currency = "CNY"
    category: str | None = None
    reverses_card_txn_id: Number | None = None

    @property
    def amount(self) -> Decimal:
        """The amount, above zero."""
        return Decimal(self.amount_text)


class UnpaidStatement(_OfCustomer, kw_only=True, frozen=True, gc=False, tag="card.overdue"):
    """A statement of a credit card was not paid when it was due."""

    card_id: Number
    due_on: date
    amount_text: Cents = field(name="amount")
    currency: Currency = "CNY"
    corrects_event_id: UUID | None = None

    @property
    def amount(self) -> Decimal:
        """What is unpaid of the statements due then."""
        return Decimal(self.amount_text)


class DataChange(_OfCustomer, kw_only=True, frozen=True, gc=False, tag="customer.changed"):
    """Columns of a customer were changed at the core bank."""

    fields: Annotated[tuple[str, ...], Meta(min_length=1)]
    corrects_event_id: UUID | None = None


@final
class Ticket(Envelope, kw_only=True, frozen=True, gc=False, tag="ticket.changed"):
    """A queue ticket was drawn, called, served or abandoned at a branch."""

    ticket_id: str
    state: Literal["drawn", "called", "served", "abandoned"]
    queue: str
    customer_id: Number | None = None


@final
class Canary(Struct, frozen=True, gc=False):
    """What a member sends itself, to be worked on and judged by nobody; see `canaries`."""

    type: Literal["canary.sent"]
    occurred_at: Annotated[datetime, Meta(tz=True)]


#: What arrives; `type` tells them apart, whatever topic they come by.
Event = Booking | Closure | LoanChange | CardBooking | UnpaidStatement | DataChange | Ticket

#: What rules look at: events as they arrive, and earlier transfers when another one changed the
#: window they were judged in.
Judged = Event | Transfer


class Fact(NamedTuple):
    """What happened to a customer, by the name that a later event may take it back by."""

    customer_id: int
    name: str


def fact_of(event: Judged) -> str:
    """The name of what the event says happened, by which a later one may take it back."""
    if isinstance(event, Booking):
        return f"txn:{event.txn_id}"
    if isinstance(event, Transfer):
        return event.fact
    if isinstance(event, CardBooking):
        return f"card_txn:{event.card_txn_id}"
    return f"event:{event.event_id}"


#: By kind, the field that names what the event takes back, and what a `Fact` calls it.
_TAKES_BACK: dict[type[Event], tuple[str, str]] = {
    Booking: ("reverses_txn_id", "txn"),
    CardBooking: ("reverses_card_txn_id", "card_txn"),
    Closure: ("corrects_event_id", "event"),
    LoanChange: ("corrects_event_id", "event"),
    UnpaidStatement: ("corrects_event_id", "event"),
    DataChange: ("corrects_event_id", "event"),
}


def retracted_by(event: Event) -> Fact | None:
    """The fact that the event takes back: a reversal its booking, a correction the event it names;
    None for all others."""
    field_name, what = _TAKES_BACK.get(type(event), ("", ""))
    named = getattr(event, field_name) if field_name else None
    if named is None or event.customer_id is None:
        return None
    return Fact(event.customer_id, f"{what}:{named}")
