"""Server-sent events: frames, and the hub that wakes the open streams of this process.

The database has the truth, a sequence that grows in commit order. Redis only says "look again";
while it is silent the hub looks by itself every few seconds.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from crm_shared import logging
from ocrm_api import tasks
from ocrm_api.json_responses import to_json

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
#: The hub asks the database at each wake-up, so those closer than this become one.
COALESCE_SECONDS = 0.05
RETRY_SECONDS = 2.0

E = TypeVar("E")

log = logging.get(__name__)


def frame(event: str, sequence: int, data: Mapping[str, Any]) -> bytes:
    """One event of a stream."""
    return b"event: %b\nid: %d\ndata: %b\n\n" % (event.encode(), sequence, to_json(data))


def heartbeat(sequence: int) -> bytes:
    """Keeps the connection open and the client's position fresh, without an event."""
    return b": still here\nid: %d\n\n" % sequence


@dataclass(frozen=True, slots=True)
class News(Generic[E]):
    """What has happened up to `last`; `events` is None where not all of it could be read."""

    last: int
    events: Collection[E] | None


class Follower(Generic[E]):
    """A stream that waits for what concerns it."""

    def __init__(self, concerns: Callable[[E], bool]) -> None:
        self.concerns = concerns
        self._woken = asyncio.Event()

    @property
    def is_woken(self) -> bool:
        """Whether something that concerns it has happened since `look`."""
        return self._woken.is_set()

    def wake(self) -> None:
        """There is something to read."""
        self._woken.set()

    def look(self) -> None:
        """It is about to read: what happens from now on wakes it again."""
        self._woken.clear()

    async def wait(self, seconds: float) -> None:
        """Wait until it is woken, or until the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()


class Hub(Generic[E]):
    """Reads each event once and wakes the streams that it concerns.

    `read_news` gives what happened after a sequence, or only the last one where it is given None.
    """

    def __init__(
        self,
        redis_url: str,
        channel: str,
        read_news: Callable[[int | None], Awaitable[News[E]]],
        poll_seconds: float,
        stopping: asyncio.Event,
    ) -> None:
        self._redis = Redis.from_url(
            redis_url, socket_timeout=1.0, socket_connect_timeout=1.0, health_check_interval=10
        )
        self._channel = channel
        self._read_news = read_news
        self._poll_seconds = poll_seconds
        self._stopping = stopping
        self._look = asyncio.Event()
        self._last: int | None = None
        self._followers: set[Follower[E]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_stopping(self) -> bool:
        """Whether the process is on its way down."""
        return self._stopping.is_set()

    @property
    def last(self) -> int:
        """The last event of which every stream that it concerns was told."""
        return self._last or 0

    async def start(self) -> None:
        """Begin to listen and to look."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    async def close(self) -> None:
        """Stop, and let every waiting stream end."""
        self._stopping.set()
        self._wake_all()
        await tasks.stop(self._tasks)
        await self._redis.aclose()

    async def wake(self) -> None:
        """Tell every process that there is something new; not reaching Redis only delays it."""
        self._look.set()
        try:
            await self._redis.publish(self._channel, b"")
        except (RedisError, OSError) as error:
            log.warning("wake_up_without_redis", error=type(error).__name__)

    @contextlib.contextmanager
    def following(self, concerns: Callable[[E], bool]) -> Iterator[Follower[E]]:
        """Follow the events of the block. What happened before it, a stream reads by itself."""
        follower = Follower(concerns)
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    def _wake_all(self) -> None:
        for follower in self._followers:
            follower.wake()

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._look.wait()
            self._look.clear()
            if self._stopping.is_set():
                self._wake_all()
            elif self._followers:
                await self._look_once()
            await asyncio.sleep(COALESCE_SECONDS)

    async def _look_once(self) -> None:
        try:
            news = await self._read_news(self._last)
        except Exception as error:
            log.warning("stream_cannot_read", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            return
        self._last = news.last
        for follower in self._followers:
            if news.events is None or any(map(follower.concerns, news.events)):
                follower.wake()

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
