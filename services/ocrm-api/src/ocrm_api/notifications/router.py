"""The notifications of who is logged in: whether, by which channel and in which language."""

from typing import Any

from fastapi import APIRouter, Request, Response

from ocrm_api.conditional import IfMatch
from ocrm_api.db import Session
from ocrm_api.json_responses import json_response
from ocrm_api.notifications import repository, service
from ocrm_api.notifications.schemas import NotificationPreferences, NotificationWishes
from ocrm_api.permissions import AUTHENTICATED
from ocrm_api.problems import CsrfTokenMissing, PreconditionFailed, PreconditionMissing
from ocrm_api.security import CurrentViewer, operation

router = APIRouter(prefix="/v1/me/notification-preferences", tags=["notifications"])


@router.get(
    "",
    response_model=NotificationPreferences,
    summary="How I am notified",
    **operation(AUTHENTICATED),
)
async def show_notification_preferences(*, session: Session, viewer: CurrentViewer) -> Response:
    """What the viewer wants, or what holds for everybody who never said."""
    return _answer(service.shown(await repository.preferences(session, viewer.employee_id)))


@router.put(
    "",
    response_model=NotificationPreferences,
    summary="Change how I am notified",
    **operation(AUTHENTICATED, PreconditionMissing, PreconditionFailed, CsrfTokenMissing),
)
async def change_notification_preferences(
    wishes: NotificationWishes,
    request: Request,
    *,
    session: Session,
    viewer: CurrentViewer,
    if_match: IfMatch = None,
) -> Response:
    """Replaces all of it; holds for what is made from now on. Nobody changes another's."""
    changed = await service.change_preferences(
        session, viewer, wishes, if_match, request_id=request.state.request_id
    )
    return _answer(changed)


def _answer(preferences: dict[str, Any]) -> Response:
    return json_response(preferences, headers={"ETag": preferences["etag"]})
