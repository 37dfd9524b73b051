"""Reminders: lists, counts, the stream, and the steps of their life."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from ocrm_api import languages, streams
from ocrm_api.conditional import IfMatch
from ocrm_api.db import Session, after_commit
from ocrm_api.idempotency import IdempotencyKey, once
from ocrm_api.json_responses import json_response
from ocrm_api.languages import Language
from ocrm_api.lists import ListOf
from ocrm_api.open_streams import CountedStream
from ocrm_api.pagination import Page, requested_page
from ocrm_api.problems import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    InvalidCursor,
    NotFound,
    PreconditionFailed,
    PreconditionMissing,
    StillRunning,
    TooManyStreams,
)
from ocrm_api.reminders import repository, service, stream
from ocrm_api.reminders.errors import ReminderNotOpen, ReminderOfAnother
from ocrm_api.reminders.models import OPEN
from ocrm_api.reminders.repository import ReminderFilter
from ocrm_api.reminders.schemas import Done, ReminderCounts, ReminderItem
from ocrm_api.security import CurrentViewer, operation, presented_token

router = APIRouter(prefix="/v1/reminders", tags=["reminders"])

Portfolio = Annotated[
    Literal["mine", "branch"], Query(description="The viewer's own, or the branch's.")
]
ReminderId = Annotated[UUID, Path(examples=["0d6f4f5e-6a53-5d0b-9d38-3f0d7b1f5b77"])]
_SORT = "-?(priority|due_on|raised_at)"


def reader_language(accept_language: Annotated[str | None, Header()] = None) -> Language:
    """The language of the texts."""
    return languages.choose(accept_language)


ReaderLanguage = Annotated[Language, Depends(reader_language)]


def filters(
    *,
    viewer: CurrentViewer,
    portfolio: Portfolio = "mine",
    status: Annotated[
        Literal["open", "new", "acknowledged", "done", "withdrawn"], Query()
    ] = "open",
    rule_code: Annotated[str | None, Query(max_length=64, examples=["R02.LOAN_MATURES"])] = None,
    customer_id: Annotated[int | None, Query(ge=1, le=2**53 - 1)] = None,
    due_from: Annotated[date | None, Query(alias="due_on.gte")] = None,
    due_until: Annotated[date | None, Query(alias="due_on.lte")] = None,
) -> ReminderFilter:
    """The filter of a list."""
    return ReminderFilter(
        owner_id=viewer.employee_id if portfolio == "mine" else None,
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
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "`reminder.raised`, `.acknowledged`, `.done`, `.withdrawn`, `.routed`,"
            " each with a reminder as data; `ready` at the start; `reset` when the list must be"
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
    return await _shown(session, viewer, reminder_id, language)


_STEP_PROBLEMS = (
    NotFound,
    ReminderOfAnother,
    ReminderNotOpen,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    StillRunning,
    PreconditionMissing,
    PreconditionFailed,
)


@router.post(
    "/{reminder_id}:acknowledge",
    response_model=ReminderItem,
    summary="Take a reminder up",
    **operation("reminders.handle", *_STEP_PROBLEMS),
)
async def acknowledge_reminder(
    *,
    reminder_id: ReminderId,
    request: Request,
    session: Session,
    viewer: CurrentViewer,
    language: ReaderLanguage,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response:
    """new → acknowledged."""

    async def act() -> None:
        await service.acknowledge(
            session, viewer, reminder_id, if_match, request_id=request.state.request_id
        )

    async def show() -> Response:
        return await _shown(session, viewer, reminder_id, language)

    after_commit(session, request.app.state.reminder_hub.wake)
    return await once(session, viewer, idempotency_key, request, act=act, show=show)


@router.post(
    "/{reminder_id}:done",
    response_model=ReminderItem,
    summary="Finish a reminder with its outcome",
    **operation("reminders.handle", *_STEP_PROBLEMS),
)
async def finish_reminder(
    *,
    reminder_id: ReminderId,
    done: Done,
    request: Request,
    session: Session,
    viewer: CurrentViewer,
    language: ReaderLanguage,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response:
    """new or acknowledged → done."""

    async def act() -> None:
        await service.finish(
            session, viewer, reminder_id, if_match, done, request_id=request.state.request_id
        )

    async def show() -> Response:
        return await _shown(session, viewer, reminder_id, language)

    after_commit(session, request.app.state.reminder_hub.wake)
    return await once(session, viewer, idempotency_key, request, act=act, show=show)


async def _shown(
    session: Session, viewer: CurrentViewer, reminder_id: UUID, language: Language
) -> Response:
    row = await repository.one(session, viewer.scope, viewer.published_on, reminder_id)
    if row is None:
        raise NotFound
    item = service.shown(row, language)
    return json_response(item, headers={"ETag": item["etag"], "Vary": "Accept-Language"})
