"""Rate limits: counted in Redis, in memory while Redis does not answer.

A library's middleware that silently limits nothing is a known trap, so this one is ours and a test
shows that it refuses.
"""

import hashlib
import time
from collections.abc import Callable
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from crm_shared import logging
from ocrm_api.asgi.in_flight import EXEMPT
from ocrm_api.problems import TooManyRequests, render

LOGIN_PATH = "/v1/session"
#: An address may stand for a whole branch behind one gateway.
SESSIONS_PER_ADDRESS = 50
RETRY_REDIS_SECONDS = 5.0

log = logging.get(__name__)


class Limiter:
    """Counts hits per minute; survives the loss of Redis with the counts of this process."""

    def __init__(self, redis_url: str) -> None:
        pool = ConnectionPool.from_url(redis_url, socket_timeout=0.25, socket_connect_timeout=0.25)
        self._pool = pool
        options: dict[str, Any] = {"connection_pool": pool}
        shared = RedisStorage(
            f"async+{redis_url}",
            implementation="redispy",
            key_prefix="ocrm-limits",
            **options,
        )
        self._shared = FixedWindowRateLimiter(shared)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._retry_at = 0.0

    async def close(self) -> None:
        """Let go of Redis."""
        await self._pool.disconnect()

    async def seconds_to_wait(self, per_minute: int, *identifiers: str) -> int:
        """Count a hit; 0 lets it pass, otherwise the seconds until the next window."""
        item = RateLimitItemPerMinute(per_minute)
        if time.monotonic() >= self._retry_at:
            try:
                return await _hit(self._shared, item, identifiers)
            except (RedisError, OSError, TimeoutError) as error:
                self._retry_at = time.monotonic() + RETRY_REDIS_SECONDS
                log.warning("rate_limits_without_redis", error=type(error).__name__)
        return await _hit(self._own, item, identifiers)


async def _hit(
    strategy: FixedWindowRateLimiter, item: RateLimitItem, identifiers: tuple[str, ...]
) -> int:
    if await strategy.hit(item, *identifiers):
        return 0
    reset_time, _ = await strategy.get_window_stats(item, *identifiers)
    return max(1, round(reset_time - time.time()))


class RateLimit:
    """Limits requests per session and per address, and log-ins per address.

    `token_of` gives the session token of a request, None where none or nothing like one came.
    """

    def __init__(
        self,
        app: ASGIApp,
        limiter: Limiter,
        token_of: Callable[[Request], str | None],
        requests_per_minute: int,
        logins_per_minute: int,
    ) -> None:
        self.app = app
        self.limiter = limiter
        self.token_of = token_of
        self.requests_per_minute = requests_per_minute
        self.logins_per_minute = logins_per_minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and scope["path"] not in EXEMPT:
            seconds = await self._seconds_to_wait(Request(scope))
            if seconds:
                await render(TooManyRequests(seconds), scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _seconds_to_wait(self, request: Request) -> int:
        address = request.client.host if request.client else "unknown"
        if request.url.path == LOGIN_PATH and request.method == "POST":
            return await self.limiter.seconds_to_wait(self.logins_per_minute, "login", address)
        token = self.token_of(request)
        if token is None:
            return await self.limiter.seconds_to_wait(self.requests_per_minute, "address", address)
        session = hashlib.sha256(token.encode()).hexdigest()[:32]
        return await self.limiter.seconds_to_wait(
            self.requests_per_minute, "session", session
        ) or await self.limiter.seconds_to_wait(
            self.requests_per_minute * SESSIONS_PER_ADDRESS, "sessions", address
        )
