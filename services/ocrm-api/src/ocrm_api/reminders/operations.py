"""For operations: how the intake is doing, and reminders for which no branch was found."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, Field

from ocrm_api.db import Session
from ocrm_api.json_responses import json_response
from ocrm_api.lists import ListOf
from ocrm_api.pagination import Page, requested_page
from ocrm_api.problems import InvalidCursor
from ocrm_api.reminders import repository
from ocrm_api.reminders.parts import ReaderLanguage
from ocrm_api.reminders.repository import ReminderFilter
from ocrm_api.reminders.schemas import ReminderItem
from ocrm_api.reminders.service import shown
from ocrm_api.security import CurrentViewer, operation

router = APIRouter(prefix="/v1/intake", tags=["operations"])


class IntakeWorker(BaseModel):
    """A process of the intake that has not left."""

    worker: str = Field(examples=["crm-1:4711"])
    started_at: AwareDatetime
    heartbeat_at: AwareDatetime = Field(description="Every two seconds while it turns.")
    partitions: int
    lag: int = Field(description="Records it has not taken in yet.")
    records: int = Field(description="Records since it started.")
    stale: bool = Field(description="No heartbeat for a minute: it hangs, or died without leaving.")


class IntakeStatus(BaseModel):
    """Whether reminders come in."""

    status: Literal["running", "stale", "stopped"] = Field(
        description="`running` while a worker turns; `stale` when none that is known does;"
        " `stopped` when none is known."
    )
    workers: list[IntakeWorker]
    dead_letters: int = Field(description="Messages nobody could use, unsettled.")
    unrouted: int = Field(description="Open reminders for which no branch was found.")


@router.get(
    "",
    response_model=IntakeStatus,
    summary="How the intake is doing",
    **operation("operations.read"),
)
async def show_intake(session: Session, viewer: CurrentViewer) -> Response:
    """Heartbeats, lag, dead letters and unrouted reminders."""
    return json_response(await repository.intake_status(session, viewer.scope))


@router.get(
    "/unrouted-reminders",
    response_model=ListOf[ReminderItem],
    summary="Reminders for which no branch was found",
    **operation("operations.read", InvalidCursor),
)
async def list_unrouted_reminders(
    *,
    session: Session,
    viewer: CurrentViewer,
    page: Annotated[Page, Depends(requested_page)],
    language: ReaderLanguage,
) -> Response:
    """They are routed by themselves once a publication knows their customer."""
    items, cursor = await repository.list_reminders(
        session, viewer.scope, viewer.published_on, ReminderFilter(), sort="raised_at", page=page
    )
    return json_response({"items": [shown(row, language) for row in items], "next_cursor": cursor})
