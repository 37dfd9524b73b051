"""The day list: what to do first today, and why."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ocrm_api.day_list import service
from ocrm_api.day_list.repository import Line
from ocrm_api.day_list.schemas import DayList
from ocrm_api.db import Session
from ocrm_api.json_responses import json_response
from ocrm_api.pagination import Page, requested_page
from ocrm_api.problems import InvalidCursor
from ocrm_api.reminders.parts import ReaderLanguage
from ocrm_api.security import CurrentViewer, operation

router = APIRouter(prefix="/v1", tags=["reminders"])


@router.get(
    "/day-list",
    response_model=DayList,
    summary="What to do first today, and why",
    **operation("reminders.read", InvalidCursor),
)
async def show_day_list(
    *,
    session: Session,
    viewer: CurrentViewer,
    page: Annotated[Page, Depends(requested_page)],
    language: ReaderLanguage,
    owner_id: Annotated[
        str | None,
        Query(
            max_length=64,
            examples=["E000123"],
            description="Whose list, a virtual manager's too (`V:…`); default: the viewer's own.",
        ),
    ] = None,
    line: Annotated[
        Line,
        Query(
            description="`above` is what the budget of the day holds, `below` what comes after it;"
            " nothing is left out of both."
        ),
    ] = "all",
) -> Response:
    """Open reminders of customers whom the viewer's branches lead, a row for each customer, by
    rank. Rank and line are those of the whole list, on every page. Finishing customers moves the
    line, not the budget: who has seen to three of twenty has seventeen left."""
    answer = await service.day_list(
        session, viewer, owner_id or viewer.employee_id, line=line, page=page, language=language
    )
    return json_response(answer, headers={"Vary": "Accept-Language"})
