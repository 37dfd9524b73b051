"""Whatever nobody expected becomes a problem document and one log entry, never a stack trace."""

import traceback
from pathlib import Path

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_shared import logging
from ocrm_api.db import database_error, is_unavailable, is_unstorable, sqlstate
from ocrm_api.problems import DatabaseUnavailable, InternalError, InvalidRequest, Problem, render

log = logging.get(__name__)


class BrokenOffError(Exception):
    """An answer that had begun could not be finished; the log has the reason already."""


class Failures:
    """Answers for errors that no handler took; what follows a client's hanging up is no error."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = gone = False

        async def receive_and_note() -> Message:
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "http.disconnect"
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal started, gone
            started = started or message["type"] == "http.response.start"
            try:
                await send(message)
            except OSError:
                gone = True
                raise

        try:
            await self.app(scope, receive_and_note, send_and_note)
        except Exception as error:
            if gone or isinstance(error, ClientDisconnect):
                log.debug("client_went_away", error=type(error).__name__)
                return
            problem = _problem(error)
            if started:
                # The server logs what reaches it, and the error may hold personal data.
                raise BrokenOffError(problem.code) from None
            await render(problem, scope)(scope, receive, send)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if is_unstorable(error):
        return InvalidRequest()
    if is_unavailable(error):
        log.warning("database_unavailable", error=type(error).__name__)
        return DatabaseUnavailable()
    cause = database_error(error)
    if cause is None:
        log.error("request_failed", error=type(error).__name__, exc_info=error)
    else:  # PostgreSQL's message quotes values
        log.error(
            "request_failed",
            error=type(cause).__name__,
            sqlstate=sqlstate(cause),
            where=_places(error),
        )
    return InternalError()


def _places(error: BaseException) -> list[str]:
    """Where in this product it happened, outermost first, without any value."""
    return [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "ocrm_api" in frame.filename
    ]
