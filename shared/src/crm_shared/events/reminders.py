"""Topic `crm.reminders.v1`: one reminder object for both paths, stream and batch."""

from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, TypeAdapter, model_validator

from crm_shared import ids
from crm_shared.events.envelope import CustomerEvent
from crm_shared.money import Amount
from crm_shared.reminder_rules import RULES

TOPIC = "crm.reminders.v1"


class _ReminderEvent(CustomerEvent):
    reminder_id: UUID
    rule_code: str = Field(examples=["R01.LARGE_INFLOW"])
    subject: str = Field(examples=["customer:4711"])
    window: str = Field(examples=["txn:90001"])
    revision: int = Field(
        default=1, ge=1, description="A withdrawn reminder that holds again has the next one."
    )

    @model_validator(mode="after")
    def _id_is_the_business_key(self) -> Self:
        if self.rule_code not in RULES:
            raise ValueError(f"{self.rule_code} is not a known reminder rule")
        if self.reminder_id != ids.reminder_id(self.rule_code, self.subject, self.window):
            raise ValueError("reminder_id is not the id of (rule_code, subject, window)")
        return self


class ReminderRaised(_ReminderEvent):
    """A fact that a customer manager should know. Raising it again changes nothing.

    `branch_id` is the branch whose business caused it; the OCRM decides who receives it.
    `facts` are the values the text is made of (value, threshold, date …), never personal data.
    """

    type: Literal["reminder.raised"] = "reminder.raised"
    rule_version: int = Field(ge=1)
    business_date: date
    branch_id: str | None = None
    priority: int = Field(ge=1, le=5)
    amount: Amount | None = None
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    due_on: date | None = None
    facts: dict[str, str] = Field(default_factory=dict)
    late: bool = Field(default=False, description="Caused by an event that arrived out of order.")


class ReminderWithdrawn(_ReminderEvent):
    """The fact turned out not to be one: a reversal, a correction, a re-evaluated window."""

    type: Literal["reminder.withdrawn"] = "reminder.withdrawn"
    reason: str


ReminderTopicEvent = Annotated[ReminderRaised | ReminderWithdrawn, Field(discriminator="type")]
ADAPTER: TypeAdapter[ReminderRaised | ReminderWithdrawn] = TypeAdapter(ReminderTopicEvent)
