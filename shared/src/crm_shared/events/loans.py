"""Topic `crm.loan-events.v1`: what changes on a loan or a credit card between two nights."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from crm_shared.events.envelope import CustomerEvent
from crm_shared.money import Amount

TOPIC = "crm.loan-events.v1"

#: The five classes, the best first.
FiveTier = Literal["normal", "special_mention", "substandard", "doubtful", "loss"]


class LoanEvent(CustomerEvent):
    """A loan was granted, repaid, fell behind, changed its class, or was settled."""

    type: Literal["loan.changed"] = "loan.changed"
    loan_id: int = Field(ge=1)
    branch_id: str
    business_date: date
    change: Literal[
        "granted", "repaid", "arrears", "overdue", "class_changed", "settled", "written_off"
    ]
    amount: Amount | None = Field(
        default=None, ge=0, description="Of the grant, repayment or arrears."
    )
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    days_overdue: int = Field(default=0, ge=0)
    five_tier_before: FiveTier | None = None
    five_tier_after: FiveTier | None = None
    corrects_event_id: UUID | None = Field(
        default=None, description="The event that this one replaces, and takes back."
    )


ADAPTER: TypeAdapter[LoanEvent] = TypeAdapter(LoanEvent)
