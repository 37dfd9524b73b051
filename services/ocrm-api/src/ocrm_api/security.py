"""The guard of every operation: what the route declares is what is enforced.

A route declares `x-permission` through `operation(...)`; the guard, which runs for all routes,
reads that declaration. A route without one is refused, and the application does not start with it.
"""

import hashlib
import hmac
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from crm_shared.errors import CrmError
from ocrm_api import sessions
from ocrm_api.db import Session, is_undefined_relation
from ocrm_api.permissions import AUTHENTICATED, PERMISSIONS, PUBLIC
from ocrm_api.problems import (
    CsrfTokenMissing,
    InternalError,
    NothingPublished,
    NotLoggedIn,
    PermissionMissing,
    Problem,
)
from ocrm_api.sessions import Viewer

COOKIE = "ocrm_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = ("get", "put", "post", "delete", "patch")


class UndeclaredPermissionError(CrmError):
    """A route says nothing about who may call it."""

    code = "undeclared_permission"


def operation(permission: str, *problems: type[Problem]) -> dict[str, Any]:
    """The declaration of a route: its permission and the problems it may answer with."""
    return {
        "openapi_extra": {
            "x-permission": permission,
            "x-problems": [problem.code for problem in problems],
        }
    }


def cookie_name(secure: bool) -> str:
    """The session cookie; the prefix binds it to this host where the connection is secure."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def csrf_token(secret: bytes, session_id: UUID) -> str:
    """The token that a page of ours knows and a foreign page does not."""
    return hmac.new(secret, b"csrf" + session_id.bytes, hashlib.sha256).hexdigest()


def presented_token(request: Request) -> tuple[str | None, bool]:
    """The session token of a request, and whether it came as a cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip(), False
    name = cookie_name(request.app.state.settings.secure_cookies)
    return request.cookies.get(name), True


def session_like(request: Request) -> str | None:
    """The presented token, if it looks like one of ours; nothing that a caller made up in form."""
    token, _ = presented_token(request)
    return token if token and sessions.TOKEN.fullmatch(token) else None


async def guard(request: Request, session: Session) -> Viewer | None:
    """Let the request through or refuse it; the viewer, unless the operation is public."""
    declared = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    permission = declared.get("x-permission")
    if permission is None:
        raise InternalError
    if permission == PUBLIC:
        return None
    token, from_cookie = presented_token(request)
    viewer = await _find(session, token, permission) if token else None
    if viewer is None:
        raise NotLoggedIn
    if from_cookie and request.method not in SAFE_METHODS:
        _check_csrf(request, viewer)
    if permission != AUTHENTICATED and permission not in viewer.permissions:
        raise PermissionMissing(permission=permission)
    request.state.viewer = viewer
    return viewer


async def _find(session: Session, token: str, permission: str) -> Viewer | None:
    try:
        return await sessions.find(session, token, permission)
    except Exception as error:
        if is_undefined_relation(error):
            raise NothingPublished from error
        raise


def _check_csrf(request: Request, viewer: Viewer) -> None:
    expected = csrf_token(request.app.state.settings.signing_secret(), viewer.session_id)
    if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), expected.encode()):
        raise CsrfTokenMissing


def known_viewer(viewer: Annotated[Viewer | None, Depends(guard)]) -> Viewer:
    """The viewer of an operation that is not public."""
    if viewer is None:
        raise NotLoggedIn
    return viewer


#: Who asks.
CurrentViewer = Annotated[Viewer, Depends(known_viewer)]


def business_day(viewer: CurrentViewer) -> date:
    """The published business date of the request; `NothingPublished` before the first."""
    if viewer.published_on is None:
        raise NothingPublished
    return viewer.published_on


#: The business date every query of the request reads.
BusinessDate = Annotated[date, Depends(business_day)]


def check_declarations(document: dict[str, Any]) -> None:
    """Refuse an interface in which an operation declares no permission, or an unknown one."""
    known = PERMISSIONS | {PUBLIC, AUTHENTICATED}
    faults = [
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, details in operations.items()
        if method in _METHODS and details.get("x-permission") not in known
    ]
    if faults:
        raise UndeclaredPermissionError(
            f"These routes declare no known permission: {', '.join(sorted(faults))};"
            " declare one with operation(...)."
        )
