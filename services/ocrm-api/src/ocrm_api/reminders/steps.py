"""The steps that people take with reminders: one by one, and one step for many."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from ocrm_api.conditional import IfMatch
from ocrm_api.db import Session, after_commit
from ocrm_api.idempotency import IdempotencyKey, once
from ocrm_api.json_responses import json_response
from ocrm_api.languages import Language
from ocrm_api.problems import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    NotFound,
    PreconditionFailed,
    PreconditionMissing,
    StillRunning,
)
from ocrm_api.reminders import service
from ocrm_api.reminders.errors import ReminderNotOpen, ReminderOfAnother, SnoozeTooLong
from ocrm_api.reminders.parts import ReaderLanguage, ReminderId, shown_one
from ocrm_api.reminders.schemas import (
    AcknowledgeStep,
    AnyStep,
    Batch,
    BatchResults,
    Done,
    FinishStep,
    ReminderItem,
    SeeStep,
    Snooze,
    SnoozeStep,
    WakeStep,
)
from ocrm_api.security import CurrentViewer, operation
from ocrm_api.sessions import Viewer

router = APIRouter(prefix="/v1", tags=["reminders"])

_KEY_PROBLEMS = (IdempotencyKeyMissing, IdempotencyKeyReused, StillRunning)
_STEP_PROBLEMS = (
    NotFound,
    ReminderOfAnother,
    ReminderNotOpen,
    PreconditionMissing,
    PreconditionFailed,
    *_KEY_PROBLEMS,
)


class Step:
    """What every step needs of a request."""

    def __init__(
        self,
        *,
        reminder_id: ReminderId,
        request: Request,
        session: Session,
        viewer: CurrentViewer,
        language: ReaderLanguage,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> None:
        self.reminder_id, self.request, self.session = reminder_id, request, session
        self.viewer, self.language = viewer, language
        self.idempotency_key, self.if_match = idempotency_key, if_match

    async def take(self, step: AnyStep) -> Response:
        """Take it once; the reminder as it is then."""
        session, viewer, request = self.session, self.viewer, self.request

        async def act() -> None:
            await service.take(
                session, viewer, self.reminder_id, self.if_match, step,
                request_id=request.state.request_id,
            )  # fmt: skip

        async def show(_: None) -> Response:
            return await shown_one(session, viewer, self.reminder_id, self.language)

        after_commit(session, request.app.state.reminder_hub.wake)
        return await once(session, viewer, self.idempotency_key, request, act=act, show=show)


AStep = Annotated[Step, Depends()]


@router.post(
    "/reminders/{reminder_id}:see",
    response_model=ReminderItem,
    summary="Mark a reminder as seen",
    **operation("reminders.handle", *_STEP_PROBLEMS),
)
async def see_reminder(*, step: AStep) -> Response:
    """new → seen. For its owner's screen to say that somebody looked; nobody waits for less."""
    return await step.take(SeeStep(step="see"))


@router.post(
    "/reminders/{reminder_id}:acknowledge",
    response_model=ReminderItem,
    summary="Take a reminder up",
    **operation("reminders.handle", *_STEP_PROBLEMS),
)
async def acknowledge_reminder(*, step: AStep) -> Response:
    """new or seen → acknowledged. It stays open until it is done, and does not expire."""
    return await step.take(AcknowledgeStep(step="acknowledge"))


@router.post(
    "/reminders/{reminder_id}:snooze",
    response_model=ReminderItem,
    summary="Put a reminder off until a day or an event",
    **operation("reminders.handle", SnoozeTooLong, *_STEP_PROBLEMS),
)
async def snooze_reminder(*, snooze: Snooze, step: AStep) -> Response:
    """Open or snoozed → snoozed. It wakes by itself: as acknowledged if it was, else as new."""
    return await step.take(SnoozeStep(step="snooze", **snooze.model_dump()))


@router.post(
    "/reminders/{reminder_id}:wake",
    response_model=ReminderItem,
    summary="Bring a snoozed reminder back now",
    **operation("reminders.handle", *_STEP_PROBLEMS),
)
async def wake_reminder(*, step: AStep) -> Response:
    """snoozed → acknowledged if it was, else new."""
    return await step.take(WakeStep(step="wake"))


@router.post(
    "/reminders/{reminder_id}:done",
    response_model=ReminderItem,
    summary="Finish a reminder with its outcome",
    **operation("reminders.handle", *_STEP_PROBLEMS),
)
async def finish_reminder(*, done: Done, step: AStep) -> Response:
    """Open or snoozed → done."""
    return await step.take(FinishStep(step="done", **done.model_dump()))


@router.post(
    "/reminders:batch",
    response_model=BatchResults,
    summary="One step for many reminders",
    **operation("reminders.handle", *_KEY_PROBLEMS),
)
async def take_steps(
    *,
    batch: Batch,
    request: Request,
    session: Session,
    viewer: CurrentViewer,
    language: ReaderLanguage,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Up to 200, in one transaction. Each is a fact of its own: those that can take the step take
    it, and the others say why not, by the problem that a single call would answer with. The answer
    is 200 also where all were refused; look at `refused`."""

    async def act() -> list[service.Kept | None]:
        return await service.take_many(
            session, viewer, batch.items, batch.action, request_id=request.state.request_id
        )

    async def show(results: Sequence[service.Kept | None]) -> Response:
        return await _shown_many(session, viewer, batch, results, language)

    after_commit(session, request.app.state.reminder_hub.wake)
    return await once(session, viewer, idempotency_key, request, act=act, show=show)


async def _shown_many(
    session: Session,
    viewer: Viewer,
    batch: Batch,
    results: Sequence[service.Kept | None],
    language: Language,
) -> Response:
    answer = await service.results_of(session, viewer, batch.items, results, language)
    return json_response(answer, headers={"Vary": "Accept-Language"})
