"""Requests and answers about reminders."""

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from crm_shared.money import Amount
from ocrm_api.reminders.outcomes import OutcomeCode
from ocrm_api.reminders.transitions import ByPeople, Status
from ocrm_api.reminders.waking import WakingEvent

BATCH_LIMIT = 200


class ReminderItem(BaseModel):
    """A reminder as its reader sees it."""

    reminder_id: UUID
    rule_code: str = Field(examples=["R01.LARGE_INFLOW"])
    title: str = Field(examples=["大额资金流入"])
    text: str = Field(examples=["转入 600,000.00 元，请了解资金来源并及时跟进。"])
    customer_id: int = Field(examples=[4711])
    customer_name: str | None = Field(examples=["王丽"])
    branch_id: str = Field(examples=["B0101"], description="Whose business caused it.")
    lead_branch_id: str = Field(examples=["B0101"])
    owner_id: str | None = Field(examples=["E000123"], description="`V:…` is a virtual manager.")
    status: Status = Field(examples=["new"])
    status_name: str = Field(examples=["未查看"], description="In the reader's language.")
    steps: list[ByPeople] = Field(
        examples=[["see", "acknowledge", "snooze", "done"]],
        description="What its state allows; each is an operation of the same name.",
    )
    priority: int = Field(ge=1, le=5, description="1 is highest.")
    business_date: date
    due_on: date | None
    amount: Amount | None
    currency: str = Field(examples=["CNY"])
    facts: dict[str, Any]
    late: bool = Field(description="Caused by an event that arrived out of order.")
    raised_at: AwareDatetime
    seen_at: AwareDatetime | None
    seen_by: str | None = Field(examples=["E000123"])
    acknowledged_at: AwareDatetime | None
    acknowledged_by: str | None
    snoozed_at: AwareDatetime | None = Field(description="When it was snoozed last.")
    snoozed_by: str | None
    snoozed_until_on: date | None = Field(description="It wakes on this day, while snoozed.")
    snoozed_until_event: WakingEvent | None = Field(description="Or earlier, when this happens.")
    done_at: AwareDatetime | None
    done_by: str | None
    outcome_code: OutcomeCode | None
    outcome_name: str | None = Field(examples=["客户有意向"])
    note: str | None
    waiting_since: AwareDatetime = Field(
        description="Since when it waits for its owner: raised, woken, or come to a new owner."
    )
    escalated_at: AwareDatetime | None = Field(description="When it went to the head, unanswered.")
    escalated_to: str | None = Field(examples=["E000007"], description="The head.")
    withdrawn_at: AwareDatetime | None
    withdrawn_by: str | None = Field(
        examples=["alerting"], description="The source that withdrew it."
    )
    withdrawn_reason: str | None = Field(
        examples=["所依据的业务已冲正或更正。"], description="In the reader's language."
    )
    expired_at: AwareDatetime | None
    etag: str = Field(examples=['"1"'], description="Send it as If-Match with a change.")


class Done(BaseModel):
    """What came of it."""

    model_config = ConfigDict(extra="forbid")

    outcome_code: OutcomeCode = Field(examples=["interested"])
    note: str | None = Field(default=None, max_length=500, examples=["约定周五面谈"])


class Snooze(BaseModel):
    """Until when: a day, an event, or whichever comes first."""

    model_config = ConfigDict(extra="forbid")

    until_on: date | None = Field(
        default=None,
        examples=["2026-07-06"],
        description="It wakes on the morning of this day, at the bank. Without it: on the last day"
        " that may be chosen (parameter `reminder.snooze_max_days`).",
    )
    until_event: WakingEvent | None = Field(default=None, examples=["lobby_arrival"])

    @model_validator(mode="after")
    def _until_something(self) -> Self:
        if self.until_on is None and self.until_event is None:
            raise ValueError("Give until_on, until_event, or both.")
        return self


class SeeStep(BaseModel):
    """Mark as seen."""

    model_config = ConfigDict(extra="forbid")

    step: Literal["see"]


class AcknowledgeStep(BaseModel):
    """Take up."""

    model_config = ConfigDict(extra="forbid")

    step: Literal["acknowledge"]


class WakeStep(BaseModel):
    """Bring back what was snoozed."""

    model_config = ConfigDict(extra="forbid")

    step: Literal["wake"]


class SnoozeStep(Snooze):
    """Put off."""

    step: Literal["snooze"]


class FinishStep(Done):
    """Finish, all with the same outcome."""

    step: Literal["done"]


AnyStep = Annotated[
    SeeStep | AcknowledgeStep | WakeStep | SnoozeStep | FinishStep, Field(discriminator="step")
]


class BatchItem(BaseModel):
    """A reminder, and the version the step was decided on."""

    model_config = ConfigDict(extra="forbid")

    reminder_id: UUID = Field(examples=["0d6f4f5e-6a53-5d0b-9d38-3f0d7b1f5b77"])
    etag: str = Field(max_length=40, examples=['"1"'], description="Of the item as it was read.")


class Batch(BaseModel):
    """One step for many reminders."""

    model_config = ConfigDict(extra="forbid")

    action: AnyStep = Field(examples=[{"step": "acknowledge"}])
    items: list[BatchItem] = Field(min_length=1, max_length=BATCH_LIMIT)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({item.reminder_id for item in self.items}) < len(self.items):
            raise ValueError("Name each reminder once.")
        return self


class Refusal(BaseModel):
    """Why a reminder did not take the step; the same codes as a problem of a single call."""

    type: str = Field(examples=["/problems/reminder_not_open"])
    code: str = Field(examples=["reminder_not_open"])
    status: int = Field(examples=[409])
    title: str = Field(examples=["提醒状态不允许此操作"])
    detail: str = Field(examples=["该提醒已完成，不能受理；该提醒已结束，无需再处理。"])


class BatchResult(BaseModel):
    """What became of one reminder of the batch."""

    reminder_id: UUID
    changed: bool
    problem: Refusal | None = Field(description="Null where it was changed.")
    reminder: ReminderItem | None = Field(
        description="As it is now, with its new `etag`; null where it is not the viewer's to see."
    )


class BatchResults(BaseModel):
    """What became of each, in the order of the request."""

    items: list[BatchResult]
    changed: int = Field(examples=[39])
    refused: int = Field(examples=[1])


class Change(BaseModel):
    """Something that happened to a reminder after it was raised."""

    occurred_at: AwareDatetime
    employee_id: str | None = Field(
        examples=["E000123"], description="Null: its source or the clock did it."
    )
    event: str = Field(
        examples=["acknowledged"],
        description="seen, acknowledged, snoozed, woken, done, withdrawn, raised_again, changed,"
        " expired or escalated.",
    )
    from_status: Status | None
    to_status: Status | None
    reason: str | None = Field(description="Of a withdrawal, in the reader's language.")
    head_id: str | None = Field(description="To whom it was escalated.")
    version: int | None = Field(examples=[2])


class History(BaseModel):
    """The life of a reminder, oldest first."""

    items: list[Change]


class CodeName(BaseModel):
    """A code and its names."""

    code: str = Field(examples=["interested"])
    name: str = Field(examples=["客户有意向"], description="In the reader's language.")
    name_zh: str = Field(examples=["客户有意向"])
    name_en: str = Field(examples=["The customer is interested"])


class OutcomeName(CodeName):
    """An outcome."""

    useful: bool | None = Field(
        description="Whether it counts for or against the rule; null where it says nothing of it."
    )


class ReminderCodes(BaseModel):
    """The code lists of reminders."""

    statuses: list[CodeName]
    outcomes: list[OutcomeName]
    waking_events: list[CodeName] = Field(description="What a snoozed reminder can wait for.")
    rules: list[CodeName]


class ReminderCount(BaseModel):
    """How many reminders of a rule are in a state."""

    status: Status
    rule_code: str = Field(examples=["R02.LOAN_MATURES"])
    count: int = Field(examples=[12])


class ReminderCounts(BaseModel):
    """Counts of a portfolio, counted up to a cap."""

    items: list[ReminderCount]
    capped: bool = Field(description="There are more than were counted.")


class RuleStatistic(BaseModel):
    """What became of the reminders of a rule."""

    rule_code: str = Field(examples=["R02.DEPOSIT_MATURES"])
    rule_name: str = Field(examples=["定期存款到期"])
    branch_id: str | None = Field(
        examples=["B0101"], description="The branch that leads; null where not grouped by it."
    )
    raised: int = Field(examples=[120])
    seen: int = Field(description="Somebody looked at it, or took it up.")
    acknowledged: int
    live: int = Field(description="Open or snoozed now.")
    done: int
    withdrawn: int
    expired: int
    outcomes: dict[OutcomeCode, int] = Field(description="Of those that are done.")
    useful_share: float | None = Field(
        examples=[0.75],
        description="Of the outcomes that speak for or against the rule, those for it; null where"
        " there are none.",
    )
    median_seconds_to_acknowledge: int | None = Field(
        examples=[5400], description="From its coming in; null where none was acknowledged."
    )


class RuleStatistics(BaseModel):
    """The usefulness of rules in a period."""

    raised_from: date
    raised_until: date
    items: list[RuleStatistic]
