"""Whatever nobody expected becomes a problem document and one log entry, never a stack trace."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_shared import logging
from ocrm_api.problems import DatabaseUnavailable, InternalError, Problem, render

log = logging.get(__name__)


class Failures:
    """Answers for errors that no handler took; `is_unavailable` tells an outage from a fault."""

    def __init__(self, app: ASGIApp, is_unavailable: Callable[[BaseException], bool]) -> None:
        self.app = app
        self.is_unavailable = is_unavailable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            problem = self._problem(error)
            if started:
                raise
            await render(problem, scope)(scope, receive, send)

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, Problem):
            return error
        if self.is_unavailable(error):
            log.warning("database_unavailable", error=type(error).__name__)
            return DatabaseUnavailable()
        log.error("request_failed", error=type(error).__name__, exc_info=error)
        return InternalError()
