"""PostgreSQL for requests: one session and one transaction each, committed at the edge only."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from sqlalchemy import URL, Executable, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from ocrm_api.settings import Settings

#: What is to happen once the transaction is durable, such as waking the streams.
AfterCommit = Callable[[], Coroutine[Any, Any, None]]
_AFTER_COMMIT = "after_commit"

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 10
POOL_WAIT_SECONDS = 2


def async_url(url: str) -> URL:
    """The URL for asyncpg."""
    return make_url(url).set(drivername="postgresql+asyncpg")


class Database:
    """The connection pool of a process; `sessions()` opens a session."""

    def __init__(self, settings: Settings) -> None:
        self.engine: AsyncEngine = create_async_engine(
            async_url(settings.database_url.get_secret_value()),
            pool_size=settings.pool_size,
            max_overflow=0,
            hide_parameters=True,
            pool_timeout=POOL_WAIT_SECONDS,
            pool_recycle=1800,
            json_deserializer=orjson.loads,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": STATEMENT_SECONDS,
                "server_settings": {
                    "application_name": "ocrm-api",
                    "statement_timeout": str(STATEMENT_SECONDS * 1000),
                    "lock_timeout": "3000",
                    "idle_in_transaction_session_timeout": "30000",
                },
            },
        )
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """The session of a request: committed after the endpoint, before the response goes."""
    database: Database = request.app.state.database
    async with database.sessions() as session:
        yield session
        await session.commit()
        for action in session.info.pop(_AFTER_COMMIT, ()):
            await action()


def after_commit(session: AsyncSession, action: AfterCommit) -> None:
    """Do something once this session's transaction is durable; not at all if it is rolled back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(action)


#: The session of the request. The scope makes a failing commit a failing response.
Session = Annotated[AsyncSession, Depends(get_session, scope="function")]


def is_unavailable(error: BaseException) -> bool:
    """Whether PostgreSQL could not be reached, did not answer in time or broke up a deadlock."""
    if isinstance(error, PoolTimeoutError | OSError | asyncio.TimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, OperationalError | InterfaceError):
        return True
    state = sqlstate(error)
    return state is not None and (state[:2] in {"08", "53", "57"} or state in {"55P03", "40P01"})


def is_unstorable(error: BaseException) -> bool:
    """Whether the request held a text that PostgreSQL cannot store: NUL, or half a character."""
    if sqlstate(error) in {"22021", "22P05"}:
        return True
    return isinstance(error, DBAPIError) and any(
        isinstance(one, UnicodeEncodeError) for one in _chain(error)
    )


def database_error(error: BaseException) -> BaseException | None:
    """The error of the database that an error is or comes from."""
    return next((one for one in _chain(error) if _speaks_of_values(one)), None)


def _speaks_of_values(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) or isinstance(getattr(error, "sqlstate", None), str)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in seen:
        seen.append(one)
        yield one
        one = one.__cause__ or one.__context__


def is_undefined_relation(error: BaseException) -> bool:
    """Whether a table or schema does not exist yet: nothing was published into it."""
    return sqlstate(error) in {"42P01", "3F000"}


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code of an error, where it has one."""
    if isinstance(error, DBAPIError):
        return getattr(error.orig, "sqlstate", None)
    return getattr(error, "sqlstate", None)


async def fetch(session: AsyncSession, statement: Executable) -> list[dict[str, Any]]:
    """The rows of a query as plain dictionaries, ready to be JSON."""
    result = await session.execute(statement)
    columns = result.keys()
    names = [str(name) for name in columns]
    return [dict(zip(names, row, strict=True)) for row in result]
