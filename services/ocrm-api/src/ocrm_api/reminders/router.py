"""Reminders, read: lists, counts, code lists, the stream, one reminder and its history."""

from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from crm_shared import clock
from ocrm_api import streams
from ocrm_api.db import Session
from ocrm_api.json_responses import json_response
from ocrm_api.lists import ListOf
from ocrm_api.open_streams import CountedStream
from ocrm_api.pagination import Page, requested_page
from ocrm_api.problems import InvalidCursor, NotFound, TooManyStreams
from ocrm_api.reminders import codes, repository, service, statistics, stream
from ocrm_api.reminders.errors import PeriodTooLong
from ocrm_api.reminders.parts import ReaderLanguage, ReminderId, shown_one
from ocrm_api.reminders.repository import ReminderFilter
from ocrm_api.reminders.schemas import (
    History,
    ReminderCodes,
    ReminderCounts,
    ReminderItem,
    RuleStatistics,
)
from ocrm_api.reminders.transitions import OPEN, Status
from ocrm_api.security import CurrentViewer, operation, presented_token

router = APIRouter(prefix="/v1/reminders", tags=["reminders"])

Portfolio = Annotated[
    Literal["mine", "branch"], Query(description="The viewer's own, or the branch's.")
]
ListPortfolio = Annotated[
    Literal["mine", "branch", "escalated"],
    Query(
        description="The viewer's own, the branch's, or those that nobody answered in time and that"
        " went to the viewer as head."
    ),
]
_SORT = "-?(priority|due_on|raised_at)"


def filters(
    *,
    viewer: CurrentViewer,
    portfolio: ListPortfolio = "mine",
    status: Annotated[
        Literal["open"] | Status,
        Query(description="`open` is new, seen and acknowledged: what is to be done now."),
    ] = "open",
    rule_code: Annotated[str | None, Query(max_length=64, examples=["R02.LOAN_MATURES"])] = None,
    customer_id: Annotated[int | None, Query(ge=1, le=2**53 - 1)] = None,
    due_from: Annotated[date | None, Query(alias="due_on.gte")] = None,
    due_until: Annotated[date | None, Query(alias="due_on.lte")] = None,
) -> ReminderFilter:
    """The filter of a list."""
    return ReminderFilter(
        owner_id=viewer.employee_id if portfolio == "mine" else None,
        escalated_to=viewer.employee_id if portfolio == "escalated" else None,
        statuses=OPEN if status == "open" else (status,),
        rule_code=rule_code,
        customer_id=customer_id,
        due_from=due_from,
        due_until=due_until,
    )


Filters = Annotated[ReminderFilter, Depends(filters)]


@router.get(
    "",
    response_model=ListOf[ReminderItem],
    summary="Reminders of a portfolio",
    **operation("reminders.read", InvalidCursor),
)
async def list_reminders(
    *,
    session: Session,
    viewer: CurrentViewer,
    wanted: Filters,
    page: Annotated[Page, Depends(requested_page)],
    language: ReaderLanguage,
    sort: Annotated[
        str,
        Query(
            pattern=f"^{_SORT}(,{_SORT}){{0,2}}$",
            description="Up to three of priority, due_on, raised_at; `-` descends, none is last.",
            examples=["priority,-raised_at"],
        ),
    ] = "-raised_at",
) -> Response:
    """Open ones by default, newest first."""
    items, cursor = await repository.list_reminders(
        session, viewer.scope, viewer.published_on, wanted, sort=sort, page=page
    )
    shown = [service.shown(row, language) for row in items]
    return json_response({"items": shown, "next_cursor": cursor})


@router.get(
    "/counts",
    response_model=ReminderCounts,
    summary="Counts by status and rule",
    **operation("reminders.read"),
)
async def count_reminders(*, session: Session, viewer: CurrentViewer, wanted: Filters) -> Response:
    """Counted up to 10,000 reminders."""
    rows, capped = await repository.counts(session, viewer.scope, wanted)
    return json_response({"items": rows, "capped": capped})


@router.get(
    "/statistics",
    response_model=RuleStatistics,
    summary="How useful each rule is",
    **operation("reminders.read", PeriodTooLong),
)
async def show_statistics(
    *,
    session: Session,
    viewer: CurrentViewer,
    language: ReaderLanguage,
    raised_from: Annotated[
        date | None, Query(alias="raised_on.gte", description="Default: 30 days up to the last.")
    ] = None,
    raised_until: Annotated[
        date | None, Query(alias="raised_on.lte", description="Default: today, at the bank.")
    ] = None,
    by: Annotated[
        statistics.Grouping, Query(description="By rule, or by rule and lead branch.")
    ] = "rule",
) -> Response:
    """What became of the reminders raised in a period, of the customers that the viewer's branches
    lead. At most a year at a time."""
    last = raised_until or clock.bank_date(clock.now())
    first = raised_from or last - timedelta(days=29)
    if not timedelta(0) <= last - first < timedelta(days=statistics.LONGEST_PERIOD):
        raise PeriodTooLong(days=statistics.LONGEST_PERIOD)
    rows = await statistics.by_rule(session, viewer.scope, first, last, by)
    items = [statistics.shown(row, language) for row in rows]
    return json_response(
        {"raised_from": first, "raised_until": last, "items": items},
        headers={"Vary": "Accept-Language"},
    )


@router.get(
    "/codes",
    response_model=ReminderCodes,
    summary="States, outcomes, waking events and rules with their names",
    **operation("reminders.read"),
)
async def list_codes(*, viewer: CurrentViewer, language: ReaderLanguage) -> Response:
    """The code lists, in the order in which to show them."""
    return json_response(codes.lists(language), headers={"Vary": "Accept-Language"})


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "`reminder.raised`, `.changed`, `.seen`, `.acknowledged`, `.snoozed`,"
            " `.woken`, `.done`, `.withdrawn`, `.expired`, `.routed`,"
            " `.escalated` (to owner and head), each with a reminder as data;"
            " `ready` at the start; `reset` when the list must be"
            " read again because events after Last-Event-ID are no longer kept.",
            "content": {
                streams.MEDIA_TYPE: {
                    "schema": {"type": "string"},
                    "example": 'event: ready\nid: 41\ndata: {"position":41}\n\n',
                }
            },
        }
    },
    summary="Reminders as they happen (server-sent events)",
    **operation("reminders.read", TooManyStreams),
)
async def stream_reminders(
    *,
    request: Request,
    viewer: CurrentViewer,
    language: ReaderLanguage,
    portfolio: Portfolio = "mine",
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=64)] = None,
) -> StreamingResponse:
    """Resumes after Last-Event-ID. The stream ends with the session."""
    token, _ = presented_token(request)
    reader = stream.Reader(viewer, token or "", portfolio == "mine", language)
    state = request.app.state
    frames = stream.events(
        state.database,
        state.reminder_hub,
        reader,
        last_event_id,
        state.settings.stream_heartbeat_seconds,
    )
    return CountedStream(state.open_streams, viewer.user_id, frames)


@router.get(
    "/{reminder_id}",
    response_model=ReminderItem,
    summary="One reminder",
    **operation("reminders.read", NotFound),
)
async def show_reminder(
    *, reminder_id: ReminderId, session: Session, viewer: CurrentViewer, language: ReaderLanguage
) -> Response:
    """With the ETag that a change needs; 404 outside the scope."""
    return await shown_one(session, viewer, reminder_id, language)


@router.get(
    "/{reminder_id}/history",
    response_model=History,
    summary="What happened to a reminder",
    **operation("reminders.read", NotFound),
)
async def show_history(
    *, reminder_id: ReminderId, session: Session, viewer: CurrentViewer, language: ReaderLanguage
) -> Response:
    """Who did what when, from the audit log; 404 outside the scope."""
    found = await repository.one(session, viewer.scope, viewer.published_on, reminder_id)
    if found is None:
        raise NotFound
    rows = await repository.history(session, viewer.scope, reminder_id)
    items = service.changes(rows, language)
    return json_response({"items": items}, headers={"Vary": "Accept-Language"})
