"""Idempotency keys: a repetition acts no second time, and is shown what the first one led to.

The answer itself is not kept: it holds personal data, and the viewer may have lost the right to it.
What acts on many things says what became of each, in codes and ids, and that is kept.
The row of the key lives in the business transaction: no effect without the key, no key without the
effect. A request that failed leaves no key, so it may be tried again.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import orjson
from fastapi import Header, Request, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.problems import IdempotencyKeyMissing, IdempotencyKeyReused, StillRunning
from ocrm_api.sessions import Viewer

#: Required, but checked by us: its absence is 400, not 422.
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Required. A unique key of 8 to 128 characters; a repetition acts no"
        " second time.",
        examples=["5f1c7a52-2f6b-4a55-9d5c-0f6a2a0f6c11"],
    ),
]

R = TypeVar("R")

_LOCK = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
_FIND = text(
    "select request_hash, status, headers, result from ocrm.idempotency_keys"
    " where user_id = :user_id and key = :key"
)
_SAVE = text(
    "insert into ocrm.idempotency_keys (user_id, key, request_hash, status, headers, result)"
    " values (:user_id, :key, :request_hash, :status, cast(:headers as jsonb),"
    " cast(:result as jsonb))"
)


async def once(
    session: AsyncSession,
    viewer: Viewer,
    key: str | None,
    request: Request,
    *,
    act: Callable[[], Awaitable[R]],
    show: Callable[[R], Awaitable[Response]],
) -> Response:
    """Act unless the same request with the same key has; then show, within the scope of now.

    `show` is given what `act` gave, which must be JSON of codes and ids, never personal data.
    """
    if key is None or not 8 <= len(key) <= 128:
        raise IdempotencyKeyMissing
    lock = {"name": f"idempotency|{viewer.user_id}|{key}"}
    if not (await session.execute(_LOCK, lock)).scalar_one():
        raise StillRunning
    fingerprint = await _fingerprint(request)
    identity = {"user_id": viewer.user_id, "key": key}
    stored = (await session.execute(_FIND, identity)).one_or_none()
    if stored is not None:
        if stored.request_hash != fingerprint:
            raise IdempotencyKeyReused
        response = await show(stored.result)
        response.status_code = stored.status
        response.headers["Idempotent-Replay"] = "true"
        if "location" in stored.headers:
            response.headers["Location"] = stored.headers["location"]
        return response
    result = await act()
    response = await show(result)
    kept = {
        name: response.headers[name] for name in ("etag", "location") if name in response.headers
    }
    await session.execute(
        _SAVE,
        identity
        | {
            "request_hash": fingerprint,
            "status": response.status_code,
            "headers": orjson.dumps(kept).decode(),
            "result": orjson.dumps(result).decode(),
        },
    )
    return response


async def _fingerprint(request: Request) -> bytes:
    body = await request.body()
    return hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + body).digest()
