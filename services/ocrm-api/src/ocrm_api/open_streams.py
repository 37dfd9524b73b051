"""Open streams are counted, in all for the metrics and by user against a limit of this process."""

from collections import Counter
from collections.abc import AsyncIterable
from uuid import UUID

from fastapi.responses import StreamingResponse
from prometheus_client import Gauge
from starlette.types import Receive, Scope, Send

from ocrm_api.problems import TooManyStreams, render
from ocrm_api.streams import HEADERS, MEDIA_TYPE


class OpenStreams:
    """How many streams each user has open."""

    def __init__(self, gauge: Gauge, per_user: int) -> None:
        self.gauge = gauge
        self.per_user = per_user
        self.of_users: Counter[UUID] = Counter()

    def take(self, user_id: UUID) -> bool:
        """Count a stream in, unless the user has as many as one may."""
        if self.of_users[user_id] >= self.per_user:
            return False
        self.of_users[user_id] += 1
        self.gauge.inc()
        return True

    def give_back(self, user_id: UUID) -> None:
        """A stream has ended."""
        self.gauge.dec()
        self.of_users[user_id] -= 1
        if not self.of_users[user_id]:
            del self.of_users[user_id]


class CountedStream(StreamingResponse):
    """A stream that counts from its first byte to its end, however it ends."""

    def __init__(self, streams: OpenStreams, user_id: UUID, frames: AsyncIterable[bytes]) -> None:
        super().__init__(frames, media_type=MEDIA_TYPE, headers=HEADERS)
        self.streams = streams
        self.user_id = user_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream, or the problem that there are too many."""
        if not self.streams.take(self.user_id):
            problem = TooManyStreams(self.streams.per_user)
            await render(problem, scope)(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.streams.give_back(self.user_id)
