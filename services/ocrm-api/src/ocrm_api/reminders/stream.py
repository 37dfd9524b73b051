"""The stream of a viewer's reminders: resumes after `Last-Event-ID`, never leaves a silent hole."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from ocrm_api import scope, sessions
from ocrm_api.db import Database
from ocrm_api.languages import Language
from ocrm_api.reminders import repository
from ocrm_api.reminders.repository import Audience
from ocrm_api.reminders.service import shown
from ocrm_api.scope import Scope
from ocrm_api.sessions import Viewer
from ocrm_api.streams import Hub, News, frame, heartbeat

CHANNEL = "ocrm:reminders"
PERMISSION = "reminders.read"
BATCH = 200
#: So many events the hub reads to know whom they concern; after more, everybody looks.
READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a stream: `token` is asked again, so that a session's end ends the stream."""

    viewer: Viewer
    token: str
    own_only: bool
    language: Language

    def concerns(self) -> Callable[[Audience], bool]:
        """Whether an event may be one of this stream."""
        branches = frozenset(self.viewer.scope.branch_ids)
        owner_id = self.viewer.employee_id if self.own_only else None

        def is_concerned(event: Audience) -> bool:
            return (owner_id is None or owner_id in (event.owner_id, event.head_id)) and (
                event.branch_id in branches or event.lead_branch_id in branches
            )

        return is_concerned


def hub(
    redis_url: str, database: Database, poll_seconds: float, stopping: asyncio.Event
) -> Hub[Audience]:
    """The hub of reminders."""
    whole: Scope | None = None

    async def read_news(after: int | None) -> News[Audience]:
        nonlocal whole
        async with database.sessions() as session:
            last = (await repository.stream_state(session)).last
            if after is None or last - after > READ_AT_ONCE:
                return News(last, None)
            if whole is None:
                whole = await repository.every_branch(session)
                await scope.ensure(session, [whole])
            await scope.enter(session, whole)
            events = await repository.audiences(session, whole, after, last)
            await session.commit()
        if len(events) == last - after:
            return News(last, frozenset(events))
        whole = None  # a branch that was not known yet, or events that are no longer kept
        return News(last, None)

    return Hub(redis_url, CHANNEL, read_news, poll_seconds, stopping)


async def events(
    database: Database,
    hub: Hub[Audience],
    reader: Reader,
    last_event_id: str | None,
    heartbeat_seconds: float,
) -> AsyncIterator[bytes]:
    """Frames: `ready` or `reset` first, then what happens. Every read is a short transaction.

    The session is asked again at every heartbeat, however busy the stream is.
    """
    position, greeting = await _start(database, last_event_id)
    if greeting is not None:
        yield frame(greeting, position, {"position": position})
    check_at = time.monotonic() + heartbeat_seconds
    with hub.following(reader.concerns()) as follower:
        follower.wake()
        while not hub.is_stopping:
            if time.monotonic() >= check_at:
                viewer = await _still(database, reader)
                if viewer is None:
                    return
                reader = replace(reader, viewer=viewer)
                follower.concerns = reader.concerns()
                check_at = time.monotonic() + heartbeat_seconds
                if not follower.is_woken:
                    position = max(position, hub.last)
                yield heartbeat(position)
            if follower.is_woken:
                follower.look()
                frames, position, evicted = await _read(database, reader, position)
                if evicted:
                    yield frame("reset", position, {"position": position})
                for one in frames:
                    yield one
                if len(frames) == BATCH:
                    follower.wake()
            await follower.wait(max(0.0, check_at - time.monotonic()))


async def _start(database: Database, last_event_id: str | None) -> tuple[int, str | None]:
    async with database.sessions() as session:
        state = await repository.stream_state(session)
    if last_event_id is None or last_event_id == "":
        return state.last, "ready"
    known = last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) < 19
    if known and state.trimmed_until <= int(last_event_id) <= state.last:
        return int(last_event_id), None
    return state.last, "reset"


async def _read(database: Database, reader: Reader, position: int) -> tuple[list[bytes], int, bool]:
    viewer = reader.viewer
    async with database.sessions() as session:
        await scope.enter(session, viewer.scope)
        state = await repository.stream_state(session)
        rows = await repository.events_after(
            session,
            viewer.scope,
            viewer.published_on,
            position,
            state.last,
            owner_id=viewer.employee_id if reader.own_only else None,
            limit=BATCH,
        )
        # What is tidied between these two reads would be a silent hole.
        now = await repository.stream_state(session)
        if position < now.trimmed_until:
            return [], now.last, True
    frames = []
    for row in rows:
        item = {name: value for name, value in row.items() if name not in ("sequence", "kind")}
        frames.append(
            frame(f"reminder.{row['kind']}", row["sequence"], shown(item, reader.language))
        )
    end = rows[-1]["sequence"] if len(rows) == BATCH else state.last
    return frames, end, False


async def _still(database: Database, reader: Reader) -> Viewer | None:
    async with database.sessions() as session:
        viewer = await sessions.find(session, reader.token, PERMISSION)
        await session.commit()
    return viewer if viewer is not None and PERMISSION in viewer.permissions else None
