"""For operations: what became of a reminder, and why."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from ocrm_api.day_list import explanation
from ocrm_api.day_list.schemas import DayBudget
from ocrm_api.db import Session
from ocrm_api.json_responses import json_response
from ocrm_api.problems import NotFound
from ocrm_api.reminders.parts import ReaderLanguage, ReminderId
from ocrm_api.reminders.schemas import Change
from ocrm_api.reminders.transitions import Status
from ocrm_api.security import CurrentViewer, operation

router = APIRouter(prefix="/v1/intake", tags=["operations"])


class SourceWord(BaseModel):
    """The last that a source said of the reminder."""

    source: str = Field(examples=["alerting"])
    revision: int
    withdrawn: bool
    at: AwareDatetime


class MutingReminder(BaseModel):
    """A reminder that mutes the one asked for."""

    reminder_id: UUID
    rule_code: str = Field(examples=["R03.OVERDUE"])
    status: Status


class PlaceInList(BaseModel):
    """Where the reminder's customer stands in its owner's list of today."""

    rank: int | None = Field(description="Null: every open reminder of the customer is muted.")
    above_line: bool | None = Field(description="Whether the budget of the day holds it.")
    group: list[UUID] = Field(description="The customer's open reminders, the best first.")
    budget: DayBudget


class ReminderExplanation(BaseModel):
    """What became of a reminder; nothing of its customer."""

    reminder_id: UUID
    rule_code: str = Field(examples=["R01.LARGE_INFLOW"])
    rule_version: int | None
    status: Status
    status_name: str = Field(description="In the reader's language.")
    revision: int
    version: int
    priority: int
    business_date: date
    due_on: date | None
    late: bool
    raised_at: AwareDatetime
    received_at: AwareDatetime
    event_branch_id: str | None
    branch_id: str = Field(description="Whose business it is; `-`: no branch was found.")
    lead_branch_id: str
    owner_id: str | None
    routed_by: date | None = Field(description="The publication whose coverage holds now.")
    waiting_since: AwareDatetime
    escalated_at: AwareDatetime | None
    escalated_to: str | None
    escalation_hours: int = Field(description="Working hours until it goes to the head; 0: never.")
    snoozed_until_on: date | None
    snoozed_until_event: str | None
    withdrawn_at: AwareDatetime | None
    withdrawn_by: str | None
    withdrawn_reason: str | None
    expired_at: AwareDatetime | None
    done_at: AwareDatetime | None
    done_by: str | None
    outcome_code: str | None
    sources: list[SourceWord]
    muted_by: list[MutingReminder]
    day_list: PlaceInList | None = Field(description="Null where it is not open, or nobody's.")
    history: list[Change]
    sentences: list[str] = Field(description="Why, in the reader's language.")


@router.get(
    "/reminders/{reminder_id}/explanation",
    response_model=ReminderExplanation,
    summary="What became of a reminder, and why",
    **operation("operations.read", NotFound),
)
async def explain_reminder(
    *, reminder_id: ReminderId, session: Session, viewer: CurrentViewer, language: ReaderLanguage
) -> Response:
    """State and history, routing, what mutes it, its place in today's list, escalation, and what
    withdrew it; of any branch, and nothing of the customer."""
    found = await explanation.explain(session, reminder_id, language)
    if found is None:
        raise NotFound
    return json_response(found, headers={"Vary": "Accept-Language"})
