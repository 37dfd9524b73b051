"""Requests made to hurt: slow bodies, made-up tokens, texts that cannot be stored, hang-ups."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import structlog
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from sqlalchemy import text

from ocrm_api.db import Session
from ocrm_api.permissions import PUBLIC
from ocrm_api.security import operation
from tests.ocrm_api.conftest import PASSWORD, Api, Bank, make_app, running, serving

SLOW = b"POST /v1/session HTTP/1.1\r\nHost: ocrm\r\nContent-Length: 100\r\n\r\n{"


async def test_slow_bodies_hold_no_place_and_are_answered(
    shared_bank: Bank, redis_url: str
) -> None:
    app = make_app(shared_bank, redis_url, max_in_flight=2, body_seconds=1.0)
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:
        where = urlsplit(address)
        slow = [await asyncio.open_connection(where.hostname, where.port) for _ in range(5)]
        for _, writer in slow:
            writer.write(SLOW)
        await asyncio.sleep(0.2)
        answer = await client.post("/v1/session", json={"login": "m1", "password": PASSWORD})
        assert answer.status_code == 201
        for reader, writer in slow:
            async with asyncio.timeout(5):
                said = await reader.read()
            assert said.startswith(b"HTTP/1.1 408") and b"body_too_slow" in said
            writer.close()


async def test_a_body_in_pieces_arrives_whole(shared_bank: Bank, redis_url: str) -> None:
    content = f'{{"login": "m1", "password": "{PASSWORD}"}}'.encode()

    async def in_pieces() -> Any:
        for at in range(0, len(content), 7):
            yield content[at : at + 7]
            await asyncio.sleep(0.01)

    headers = {"Content-Type": "application/json"}
    async with (
        serving(make_app(shared_bank, redis_url)) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        answer = await client.post("/v1/session", content=in_pieces(), headers=headers)
    assert answer.status_code == 201


async def test_a_made_up_token_opens_no_limit_of_its_own(shared_bank: Bank, redis_url: str) -> None:
    async with running(make_app(shared_bank, redis_url, requests_per_minute=5), shared_bank) as api:
        codes = [
            (await api.call(None, "GET", "/v1/me", headers=headers)).status_code
            for n in range(3)
            for headers in (
                {"Authorization": f"Bearer made-up-{n}"},
                {"Authorization": f"Basic {n}"},
                {"Cookie": f"colour=red; number={n}"},
            )
        ]
    assert codes == [401] * 5 + [429] * 4


async def test_one_token_has_one_limit_however_it_is_written(
    shared_bank: Bank, redis_url: str
) -> None:
    shared_bank.tokens.pop("M1", None)
    async with running(make_app(shared_bank, redis_url, requests_per_minute=5), shared_bank) as api:
        token = await api.token("M1")
        codes = [
            (await api.call(None, "GET", "/v1/me", headers=headers)).status_code
            for n in range(4)
            for headers in (
                {"Authorization": f"BEARER  {token}", "Cookie": f"number={n}"},
                {"Cookie": f"number={n}; ocrm_session={token}"},
            )
        ]
    assert codes == [200] * 5 + [429] * 3


NUL = "a\x00b"


@pytest.mark.parametrize(
    ("employee", "method", "path", "body"),
    [
        (None, "POST", "/v1/session", {"login": NUL, "password": "x"}),
        (None, "POST", "/v1/session", {"login": "\ud800", "password": "x"}),
        ("H1", "POST", "/v1/customers:search", {"name_prefix": NUL}),
        ("H1", "GET", "/v1/reminders?rule_code=a%00b", None),
        ("H1", "GET", "/v1/employees?org_id=a%00b", None),
        ("H1", "GET", "/v1/employees?role=a%00b", None),
        ("H1", "POST", "/v1/customers/1:reveal",
         {"fields": ["phone"], "purpose": "service", "note": NUL}),
    ],
)  # fmt: skip
async def test_a_text_that_cannot_be_stored_is_refused(
    api: Api, employee: str | None, method: str, path: str, body: Any
) -> None:
    content = None if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json"} if content else {}
    with structlog.testing.capture_logs() as logs:
        answer = await api.call(employee, method, path, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


async def test_half_a_character_is_a_fault_of_the_request(
    shared_bank: Bank, redis_url: str
) -> None:
    app, router = make_app(shared_bank, redis_url), APIRouter()

    @router.get("/v1/planted", **operation(PUBLIC))
    async def planted(session: Session) -> None:
        await session.execute(text("select cast(:value as text)"), {"value": "\ud800"})

    app.include_router(router)
    async with running(app, shared_bank) as api:
        assert (await api.call(None, "GET", "/v1/planted")).status_code == 422


async def test_a_note_that_cannot_be_stored_is_refused(api: Api, step: Any) -> None:
    reminder = api.bank.raise_reminder(1)
    answer = await api.call(
        "M1", "POST", f"/v1/reminders/{reminder}:done", headers=step(),
        json={"outcome_code": "other", "note": NUL},
    )  # fmt: skip
    assert answer.status_code == 422


async def test_a_csrf_token_of_any_letters_is_refused(api: Api) -> None:
    answer = await api.http.post(
        "/v1/session", json={"login": "m1", "password": PASSWORD, "delivery": "cookie"}
    )
    assert answer.status_code == 201
    headers = {b"X-CSRF-Token": "é".encode("latin-1")}
    refused = await api.http.post("/v1/customers:search", json={}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_token_missing")


async def test_a_database_error_puts_no_value_into_the_log(
    shared_bank: Bank, redis_url: str
) -> None:
    app, router = make_app(shared_bank, redis_url), APIRouter()
    secret = "19900001234"

    @router.get("/v1/planted", **operation(PUBLIC))
    async def planted(session: Session) -> None:
        try:
            await session.execute(text("select cast(:value as date)"), {"value": None})
            await session.execute(text(f"select cast('x{secret}' as date)"))
        except Exception as error:
            raise RuntimeError("It failed.") from error

    @router.get("/v1/planted/unique", **operation(PUBLIC))
    async def unique(session: Session) -> None:
        for _ in range(2):
            await session.execute(
                text(
                    "insert into ocrm.users (user_id, login, employee_id)"
                    " values (gen_random_uuid(), :login, 'E')"
                ),
                {"login": f"x{secret}"},
            )

    app.include_router(router)
    async with running(app, shared_bank) as api:
        for path, sqlstate in (("/v1/planted", "22007"), ("/v1/planted/unique", "23505")):
            with structlog.testing.capture_logs(
                processors=[structlog.processors.format_exc_info]
            ) as logs:
                assert (await api.call(None, "GET", path)).status_code == 500
            assert secret not in str(logs)
            entry = next(one for one in logs if one["event"] == "request_failed")
            assert entry["sqlstate"] == sqlstate
            assert "planted" in str(entry["where"]) or "unique" in str(entry["where"])


async def test_a_client_that_hangs_up_is_no_error_of_ours(
    shared_bank: Bank, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, router = make_app(shared_bank, redis_url), APIRouter()
    ended = asyncio.Event()

    @router.get("/v1/planted/stream", **operation(PUBLIC))
    async def planted() -> StreamingResponse:
        async def pieces() -> Any:
            try:
                while True:
                    yield b"x" * 65536
                    await asyncio.sleep(0.01)
            finally:
                ended.set()
                raise RuntimeError("The client went away.")

        return StreamingResponse(pieces())

    app.include_router(router)
    with structlog.testing.capture_logs() as logs:
        async with (
            serving(app) as address,
            httpx.AsyncClient(base_url=address) as client,
            client.stream("GET", "/v1/planted/stream") as response,
        ):
            await anext(response.aiter_bytes())
            await response.aclose()
            async with asyncio.timeout(5):
                await ended.wait()
    assert [entry for entry in logs if entry["log_level"] in ("warning", "error")] == []
    assert "Exception in ASGI" not in caplog.text
