"""The live stream: reminders raised and withdrawn as they are stored, as server-sent events.

The position in it is the `seq` of the outbox, which is not the order of commits: a transaction may
commit a lower one after a higher one was seen. So a stream tells only what is settled: up to a
`seq` below which no transaction that writes to the outbox can still commit anything.

A stream reads the next page when its client has taken the one before, so a slow client costs a page
of memory; one that takes nothing is cut off and resumes with `Last-Event-ID`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import msgspec
import psycopg
from fastapi.responses import StreamingResponse
from msgspec import Struct
from psycopg.rows import TupleRow
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from alerting.api_problems import Problem
from alerting.settings import AlertingSettings
from crm_shared import logging, postgres

_log = logging.get(__name__)

MEDIA_TYPE = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

#: Streams of this process: what they read and write takes from the time that events are judged in.
MOST = 4
#: A page at each look: what lies far back is told at 800 a second, for the sake of the events.
_PAGE = 200
_LOOK_SECONDS = 0.25
_HEARTBEAT_SECONDS = 15.0
_PATIENCE_SECONDS = 20.0

#: Read before the writers are: whoever was given a lower `seq` is among these, or has ended.
_LAST = "select last_value - 1 + is_called::int from alerting.outbox_seq_seq"

_WRITERS = """
select virtualtransaction from pg_locks
where relation = 'alerting.outbox'::regclass and mode = 'RowExclusiveLock' and granted
  and database = (select oid from pg_database where datname = current_database())
"""

_TRIMMED = "select until from alerting.outbox_trimmed"

#: A withdrawal is of the branch of the message before it that raised the reminder, if that is kept.
_READ = """
select o.seq, o.message, o.held, o.created_at,
       case when o.rule_version is null then (
           select message from alerting.outbox raised
           where raised.reminder_id = o.reminder_id and raised.rule_version is not null
             and raised.seq < o.seq
           order by raised.seq desc limit 1) end
from alerting.outbox o
where o.seq > %(after)s and o.seq <= %(until)s
  and (%(codes)s::text[] is null or o.rule_code = any (%(codes)s))
order by o.seq limit %(limit)s
"""

_Connection = psycopg.AsyncConnection[TupleRow]


class LiveReminder(Struct, kw_only=True):
    """What the stream tells of a message: nothing about the customer."""

    type: str
    reminder_id: UUID
    rule_code: str
    revision: int = 1
    rule_version: int | None = None
    branch_id: str | None = None
    business_date: date | None = None
    occurred_at: datetime
    priority: int | None = None
    late: bool = False
    held: bool = False
    stored_at: datetime | None = None


_to_json = msgspec.json.Encoder().encode
_reminder_of = msgspec.json.Decoder(LiveReminder).decode


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stream tells; empty: all. A withdrawal whose branch is not kept is told to all."""

    rule_codes: Collection[str] = ()
    branch_ids: Collection[str] = ()


class Settled:
    """How far the outbox is settled, found out by looking at its writers again and again."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._mark = 0
        self._writers: frozenset[str] = frozenset()
        self.until = 0

    async def look(self) -> int:
        """The `seq` below and at which nothing will ever be added."""
        last = await last_of(self._connection)
        rows = await (await self._connection.execute(_WRITERS)).fetchall()
        writers = frozenset(row[0] for row in rows)
        if not writers:
            self.until = last
        elif not self._writers & writers:
            self.until = max(self.until, self._mark)
            self._mark, self._writers = last, writers
        return self.until

    async def begin(self) -> int:
        """The same, as soon as it is known: who writes now may have been given a lower `seq`."""
        until = await self.look()
        while not until and self._mark:
            await asyncio.sleep(_LOOK_SECONDS)
            until = await self.look()
        return until


async def last_of(connection: _Connection) -> int:
    """The highest `seq` that was ever given."""
    row = await (await connection.execute(_LAST)).fetchone()
    return row[0] if row else 0


async def _trimmed_until(connection: _Connection) -> int:
    row = await (await connection.execute(_TRIMMED)).fetchone()
    return row[0] if row else 0


@asynccontextmanager
async def opened(settings: AlertingSettings) -> AsyncIterator[_Connection]:
    """A connection of one stream; each statement commits by itself."""
    milliseconds = int(settings.statement_timeout_seconds * 1000)
    connection = await psycopg.AsyncConnection.connect(
        settings.url,
        autocommit=True,
        application_name="alerting stream",
        connect_timeout=postgres.CONNECT_TIMEOUT_SECONDS,
        tcp_user_timeout=20_000,
        options=f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
    )
    try:
        await connection.execute(postgres.IN_UTC)
        yield connection
    finally:
        await connection.close()


async def events(
    settings: AlertingSettings,
    wanted: Wanted,
    last_event_id: str | None,
    is_stopping: Callable[[], bool],
) -> AsyncGenerator[bytes]:
    """Frames: `ready` or `reset` first where it does not resume, then what is stored.

    Ends when PostgreSQL goes away: the client comes back with Last-Event-ID.
    """
    async with opened(settings) as connection:
        settled = Settled(connection)
        position, greeting = await _start(connection, settled, last_event_id)
        yield greeting
        stored = _stored(connection, settled, wanted, position, is_stopping)
        try:
            async with aclosing(stored):
                async for frames in stored:
                    yield frames
        except psycopg.OperationalError as error:
            _log.warning("stream_without_database", error=type(error).__name__)


async def _stored(
    connection: _Connection,
    settled: Settled,
    wanted: Wanted,
    position: int,
    is_stopping: Callable[[], bool],
) -> AsyncGenerator[bytes]:
    heartbeat_at = time.monotonic() + _HEARTBEAT_SECONDS
    while not is_stopping():
        until = await settled.look()
        if position < until:
            page = await _page(connection, wanted, position, until)
            trimmed = await _trimmed_until(connection)
            if position < trimmed:
                position = max(until, trimmed)
                yield _frame("reset", position, {"position": position})
            else:
                position = page.until
                if page.frames:
                    heartbeat_at = time.monotonic() + _HEARTBEAT_SECONDS
                    yield page.frames
        if time.monotonic() >= heartbeat_at:
            heartbeat_at = time.monotonic() + _HEARTBEAT_SECONDS
            yield b": still here\nid: %d\n\n" % position
        await asyncio.sleep(_LOOK_SECONDS)


async def _start(
    connection: _Connection, settled: Settled, last_event_id: str | None
) -> tuple[int, bytes]:
    if not last_event_id:
        return _begin("ready", await settled.begin())
    known = last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) < 19
    trimmed = await _trimmed_until(connection)
    if known and trimmed <= int(last_event_id) <= await last_of(connection):
        return int(last_event_id), b": resumed\n\n"
    return _begin("reset", max(await settled.begin(), trimmed))


def _begin(event: str, position: int) -> tuple[int, bytes]:
    return position, _frame(event, position, {"position": position})


@dataclass(frozen=True, slots=True)
class _Page:
    """Frames of the wanted reminders up to a position."""

    frames: bytes
    until: int


async def _page(connection: _Connection, wanted: Wanted, position: int, until: int) -> _Page:
    values = {
        "after": position,
        "until": until,
        "codes": list(wanted.rule_codes) or None,
        "limit": _PAGE,
    }
    rows = await (await connection.execute(_READ, values)).fetchall()
    frames = b"".join(
        _frame(told.type, seq, told)
        for seq, told in map(_told, rows)
        if not wanted.branch_ids or told.branch_id in (None, *wanted.branch_ids)
    )
    return _Page(frames, rows[-1][0] if len(rows) == _PAGE else until)


def _told(row: TupleRow) -> tuple[int, LiveReminder]:
    seq, message, held, created_at, raised = row
    told = _reminder_of(message)
    told.held, told.stored_at = held, created_at
    if raised is not None:
        told.branch_id = _reminder_of(raised).branch_id
    return seq, told


def _frame(event: str, seq: int, data: object) -> bytes:
    return b"event: %b\nid: %d\ndata: %b\n\n" % (event.encode(), seq, _to_json(data))


class OpenStreams:
    """How many streams this process has open."""

    def __init__(self) -> None:
        self._number = 0

    def take(self) -> None:
        """Count one more, unless there are as many as may be."""
        if self._number >= MOST:
            sentence = (
                f"{MOST} streams are open at this process already: close one, then try again."
            )
            raise Problem(503, "too_many_streams", sentence, headers={"Retry-After": "5"})
        self._number += 1

    def give_back(self) -> None:
        """One has ended."""
        self._number -= 1


class LiveResponse(StreamingResponse):
    """A stream that has a place until it ends, and is cut off from a client that takes nothing."""

    def __init__(
        self,
        streams: OpenStreams,
        first: bytes,
        frames: AsyncGenerator[bytes],
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        super().__init__(_with_first(first, frames), media_type=MEDIA_TYPE, headers=_HEADERS)
        self._streams = streams
        self.frames = frames
        self._patience = patience_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the end, or until the client has taken nothing for too long."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._patience):
                await send(message)

        try:
            await super().__call__(scope, receive, send_in_time)
        except (TimeoutError, ClientDisconnect):
            _log.info("stream_cut_off", patience_seconds=self._patience)
        finally:
            self._streams.give_back()
            await self.frames.aclose()


async def _with_first(first: bytes, frames: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for one in frames:
        yield one


async def respond(
    streams: OpenStreams,
    settings: AlertingSettings,
    wanted: Wanted,
    last_event_id: str | None,
    is_stopping: Callable[[], bool],
) -> LiveResponse:
    """A stream that has begun; the problem, where it cannot."""
    streams.take()
    try:
        frames = events(settings, wanted, last_event_id, is_stopping)
        return LiveResponse(streams, await anext(frames), frames)
    except BaseException:
        streams.give_back()
        raise
