"""Requests and answers about reminders."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crm_shared.money import Amount

Status = Literal["new", "acknowledged", "done", "withdrawn"]
OutcomeCode = Literal[
    "interested", "not_interested", "resolved", "not_reached", "not_relevant", "other"
]


class ReminderItem(BaseModel):
    """A reminder as its reader sees it."""

    reminder_id: UUID
    rule_code: str = Field(examples=["R01.LARGE_INFLOW"])
    title: str = Field(examples=["大额资金流入"])
    text: str = Field(examples=["转入 600,000.00 CNY,请了解资金来源并及时跟进。"])
    customer_id: int = Field(examples=[4711])
    customer_name: str | None = Field(examples=["王丽"])
    branch_id: str = Field(examples=["B0101"], description="Whose business caused it.")
    lead_branch_id: str = Field(examples=["B0101"])
    owner_id: str | None = Field(examples=["E000123"], description="`V:…` is a virtual manager.")
    status: Status
    priority: int = Field(ge=1, le=5, description="1 is highest.")
    business_date: date
    due_on: date | None
    amount: Amount | None
    currency: str = Field(examples=["CNY"])
    facts: dict[str, Any]
    late: bool = Field(description="Caused by an event that arrived out of order.")
    raised_at: AwareDatetime
    acknowledged_at: AwareDatetime | None
    acknowledged_by: str | None
    done_at: AwareDatetime | None
    done_by: str | None
    outcome_code: OutcomeCode | None
    note: str | None
    withdrawn_reason: str | None
    etag: str = Field(examples=['"1"'], description="Send it as If-Match with a change.")


class Done(BaseModel):
    """What came of it."""

    model_config = ConfigDict(extra="forbid")

    outcome_code: OutcomeCode = Field(examples=["interested"])
    note: str | None = Field(default=None, max_length=500, examples=["约定周五面谈"])


class ReminderCount(BaseModel):
    """How many reminders of a rule are in a state."""

    status: Status
    rule_code: str = Field(examples=["R02.LOAN_MATURES"])
    count: int = Field(examples=[12])


class ReminderCounts(BaseModel):
    """Counts of a portfolio, counted up to a cap."""

    items: list[ReminderCount]
    capped: bool = Field(description="There are more than were counted.")
