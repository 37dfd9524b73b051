"""A cap on requests in flight: what cannot be served soon is refused at once, with 503.

Without it, waiting requests hold memory and connections until everybody times out. Open streams
hold no connection, so they have a cap of their own.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from ocrm_api.problems import Overloaded, render

EXEMPT = frozenset({"/livez", "/readyz", "/metrics"})
STREAM_SUFFIX = "/stream"


class InFlightCap:
    """Counts requests and streams of this process and refuses those above the caps."""

    def __init__(self, app: ASGIApp, max_requests: int, max_streams: int) -> None:
        self.app = app
        self.limits = {"request": max_requests, "stream": max_streams}
        self.running = {"request": 0, "stream": 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"] in EXEMPT:
            await self.app(scope, receive, send)
            return
        kind = "stream" if scope["path"].endswith(STREAM_SUFFIX) else "request"
        if self.running[kind] >= self.limits[kind]:
            await render(Overloaded(), scope)(scope, receive, send)
            return
        self.running[kind] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.running[kind] -= 1
