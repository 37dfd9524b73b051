"""Answers about the day list."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from ocrm_api.day_list.ranking import ComponentCode
from ocrm_api.reminders.schemas import ReminderItem


class ScoreComponent(BaseModel):
    """A part of a score: points are the value times the weight, over the known weights."""

    code: ComponentCode = Field(examples=["urgency"])
    name: str = Field(examples=["紧急程度"], description="In the reader's language.")
    value: int | None = Field(
        ge=0,
        le=100,
        examples=[93],
        description="Null where the reminder has none: then it does not count.",
    )
    weight: int = Field(ge=0, le=100, examples=[40], description="A parameter of the bank.")
    points: float = Field(examples=[37.2], description="The points of all add up to the score.")
    detail: str = Field(
        examples=["优先级 2，3 天后到期（2026-07-03）"], description="What it rests on."
    )


class RankedReminder(BaseModel):
    """A reminder of the list."""

    score: float = Field(ge=0, le=100, examples=[71.45])
    components: list[ScoreComponent]
    muted_by: UUID | None = Field(
        description="The open or snoozed reminder of the same customer that says it better; a muted"
        " one comes last and does not count for the rank."
    )
    reminder: ReminderItem


class CustomerToSeeTo(BaseModel):
    """A customer with something to do: his open reminders on this day."""

    rank: int = Field(ge=1, examples=[1], description="1 is to be done first.")
    above_line: bool = Field(description="Within the budget of the day.")
    score: float = Field(examples=[71.45], description="Of his best reminder.")
    why: str = Field(
        examples=["优先级 2，3 天后到期（2026-07-03）；金额 600,000.00 元。"],
        description="The two components of most weight, in the reader's language.",
    )
    customer_id: int = Field(examples=[4711])
    customer_name: str | None = Field(examples=["王丽"])
    reminders: list[RankedReminder] = Field(description="Best first, muted ones last.")


class DayBudget(BaseModel):
    """How many customers a manager can see to in a day."""

    customers: int = Field(examples=[20], description="Parameter `day_list.budget`.")
    seen_to: int = Field(
        examples=[3],
        description="Customers of whom a reminder of his was finished today and none is open.",
    )
    left: int = Field(examples=[17], description="So many are above the line.")


class DayList(BaseModel):
    """What to do today, the first first."""

    day: date = Field(description="Today, at the bank.")
    owner_id: str = Field(examples=["E000123"])
    budget: DayBudget
    items: list[CustomerToSeeTo]
    next_cursor: str | None
