"""Server-sent events: frames, and the hub that wakes the open streams of this process.

The database has the truth, a sequence that grows in commit order. Redis only says "look again";
while it is silent the hub looks by itself every few seconds.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from crm_shared import logging
from ocrm_api.json_responses import to_json

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
#: Woken streams all ask the database, so wake-ups closer than this become one.
COALESCE_SECONDS = 0.05
RETRY_SECONDS = 2.0

log = logging.get(__name__)


def frame(event: str, sequence: int, data: Mapping[str, Any]) -> bytes:
    """One event of a stream."""
    return b"event: %b\nid: %d\ndata: %b\n\n" % (event.encode(), sequence, to_json(data))


def heartbeat(sequence: int) -> bytes:
    """Keeps the connection open and the client's position fresh, without an event."""
    return b": still here\nid: %d\n\n" % sequence


class Hub:
    """Knows the last event and lets streams wait for a later one."""

    def __init__(
        self,
        redis_url: str,
        channel: str,
        read_last: Callable[[], Awaitable[int]],
        poll_seconds: float,
        stopping: asyncio.Event,
    ) -> None:
        self._redis = Redis.from_url(
            redis_url, socket_timeout=1.0, socket_connect_timeout=1.0, health_check_interval=10
        )
        self._channel = channel
        self._read_last = read_last
        self._poll_seconds = poll_seconds
        self._stopping = stopping
        self._look = asyncio.Event()
        self._news = asyncio.Condition()
        self._last = 0
        self._waiting = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_stopping(self) -> bool:
        """Whether the process is on its way down."""
        return self._stopping.is_set()

    async def start(self) -> None:
        """Begin to listen and to look."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    async def close(self) -> None:
        """Stop, and let every waiting stream end."""
        self._stopping.set()
        async with self._news:
            self._news.notify_all()
        pending = set(self._tasks)
        while pending:
            for task in pending:
                task.cancel()
            # Again and again: redis-py swallows a cancellation while it connects.
            _, pending = await asyncio.wait(pending, timeout=0.2)
        await self._redis.aclose()

    async def wake(self) -> None:
        """Tell every process that there is something new; not reaching Redis only delays it."""
        self._look.set()
        try:
            await self._redis.publish(self._channel, b"")
        except (RedisError, OSError) as error:
            log.warning("wake_up_without_redis", error=type(error).__name__)

    async def later_than(self, sequence: int, seconds: float) -> bool:
        """Wait for an event later than `sequence`; False when the time is up or we are stopping."""
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: self._last > sequence or self._stopping.is_set())
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return not self._stopping.is_set()

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._look.wait()
            self._look.clear()
            if self._stopping.is_set():
                async with self._news:
                    self._news.notify_all()
            elif self._waiting:
                await self._look_once()
            await asyncio.sleep(COALESCE_SECONDS)

    async def _look_once(self) -> None:
        try:
            last = await self._read_last()
        except Exception as error:
            log.warning("stream_cannot_read", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            return
        if last != self._last:
            async with self._news:
                self._last = last
                self._news.notify_all()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(self._channel)
                    while True:
                        if await channel.get_message(timeout=5.0) is not None:
                            self._look.set()
            except (RedisError, OSError) as error:
                log.warning("stream_without_redis", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
