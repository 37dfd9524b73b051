"""Log-in and log-out: `/v1/session` and who is logged in."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import text

from ocrm_api import passwords, sessions
from ocrm_api.access import access_of, current_publication
from ocrm_api.asgi.rate_limit import Limiter
from ocrm_api.db import Session, is_undefined_relation
from ocrm_api.json_responses import json_response
from ocrm_api.permissions import AUTHENTICATED, PUBLIC
from ocrm_api.problems import (
    CsrfTokenMissing,
    LoginRefused,
    NothingPublished,
    PasswordLoginOff,
    TooManyRequests,
)
from ocrm_api.security import CurrentViewer, cookie_name, csrf_token, operation
from ocrm_api.settings import Settings

#: Passwords tried for one login in a minute, from one address and from everywhere.
GUESSES_PER_ADDRESS = 10
GUESSES = 200

router = APIRouter(prefix="/v1/session", tags=["session"])


class Credentials(BaseModel):
    """A built-in login of a demo."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(min_length=1, max_length=64, examples=["manager"])
    password: str = Field(min_length=1, max_length=128, examples=["a password of the demo"])
    delivery: Literal["token", "cookie"] = Field(
        default="token", description="How the session is handed over: in the body, or as a cookie."
    )


class SessionStarted(BaseModel):
    """A session. `token` is shown here and nowhere else; it is empty if a cookie carries it."""

    token: str | None = Field(examples=["m1sZ3…"])
    csrf_token: str = Field(description="Send it as X-CSRF-Token with changes made by cookie.")
    expires_at: AwareDatetime
    login: str = Field(examples=["manager"])
    employee_id: str = Field(examples=["E000123"])


def settings_of(request: Request) -> Settings:
    """The settings of the application."""
    settings: Settings = request.app.state.settings
    return settings


@router.post(
    "",
    status_code=201,
    response_model=SessionStarted,
    summary="Log in with a built-in password (demo)",
    **operation(PUBLIC, LoginRefused, PasswordLoginOff, NothingPublished, TooManyRequests),
)
async def log_in(
    credentials: Credentials,
    request: Request,
    session: Session,
    settings: Annotated[Settings, Depends(settings_of)],
) -> Response:
    """Start a session; roles are those in force on the current business date."""
    if not settings.demo:
        raise PasswordLoginOff
    await _limit(request, credentials.login)
    user = await _user(session, credentials)
    expires_at = datetime.now(UTC) + timedelta(hours=settings.session_hours)
    token, session_id = await _start(session, user.user_id, user.employee_id, expires_at)
    by_cookie = credentials.delivery == "cookie"
    response = json_response(
        {
            "token": None if by_cookie else token,
            "csrf_token": csrf_token(settings.signing_secret(), session_id),
            "expires_at": expires_at,
            "login": credentials.login,
            "employee_id": user.employee_id,
        },
        201,
    )
    if by_cookie:
        response.set_cookie(
            cookie_name(settings.secure_cookies),
            token,
            max_age=settings.session_hours * 3600,
            path="/",
            secure=settings.secure_cookies,
            httponly=True,
            samesite="strict",
        )
    return response


@router.delete("", status_code=204, summary="Log out", **operation(AUTHENTICATED, CsrfTokenMissing))
async def log_out(
    viewer: CurrentViewer,
    session: Session,
    settings: Annotated[Settings, Depends(settings_of)],
) -> Response:
    """End the session; its token is worth nothing from now on."""
    await sessions.end(session, viewer.session_id)
    response = Response(status_code=204)
    response.delete_cookie(
        cookie_name(settings.secure_cookies), path="/", secure=settings.secure_cookies
    )
    return response


async def _limit(request: Request, login: str) -> None:
    """Slow guessing down, without letting one address shut a person out everywhere."""
    limiter: Limiter = request.app.state.limiter
    address = request.client.host if request.client else "unknown"
    wait = await limiter.seconds_to_wait(
        GUESSES_PER_ADDRESS, "password-from", address, login
    ) or await limiter.seconds_to_wait(GUESSES, "password", login)
    if wait:
        raise TooManyRequests(wait)


class _User(BaseModel):
    user_id: UUID
    employee_id: str


async def _user(session: Session, credentials: Credentials) -> _User:
    row = (
        await session.execute(
            text(
                "select user_id, employee_id, password_hash from ocrm.users"
                " where login = :login and is_active"
            ),
            {"login": credentials.login},
        )
    ).one_or_none()
    stored = row.password_hash if row else None
    # No connection waits while the password is hashed.
    await session.rollback()
    if not await passwords.is_right(credentials.password, stored) or row is None:
        raise LoginRefused
    return _User(user_id=row.user_id, employee_id=row.employee_id)


async def _start(
    session: Session, user_id: UUID, employee_id: str, expires_at: datetime
) -> tuple[str, UUID]:
    try:
        publication = await current_publication(session)
    except Exception as error:
        if is_undefined_relation(error):
            raise NothingPublished from error
        raise
    if publication is None:
        raise NothingPublished
    access = await access_of(session, employee_id, publication.business_date)
    return await sessions.create(session, user_id, access, publication, expires_at)
