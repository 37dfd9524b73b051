"""One user cannot take all streams, and the metrics know how many are open."""

import asyncio
from contextlib import AsyncExitStack

import httpx

from tests.ocrm_api.conftest import PASSWORD, Bank, make_app, serving

STREAM = "/v1/reminders/stream"


async def open_streams(client: httpx.AsyncClient, expected: int) -> None:
    """Wait until the metrics show so many."""
    async with asyncio.timeout(5):
        metric = f"ocrm_open_streams {expected}.0"
        while metric not in (await client.get("/metrics")).text:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_user_has_so_many_streams_and_gets_them_back(
    shared_bank: Bank, redis_url: str
) -> None:
    app = make_app(shared_bank, redis_url, streams_per_user=2)
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:
        tokens = {}
        for login in ("m1", "m2"):
            given = {"login": login, "password": PASSWORD}
            tokens[login] = (await client.post("/v1/session", json=given)).json()["token"]
        mine, other = ({"Authorization": f"Bearer {tokens[one]}"} for one in ("m1", "m2"))
        lines = []
        async with AsyncExitStack() as opened:
            for headers in (mine, mine, other):
                stream = client.stream("GET", STREAM, headers=headers)
                response = await opened.enter_async_context(stream)
                assert response.status_code == 200
                lines.append(response.aiter_lines())
                await anext(lines[-1])
            refused = await client.get(STREAM, headers=mine)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            await open_streams(client, 3)
        await open_streams(client, 0)
        async with client.stream("GET", STREAM, headers=mine) as response:
            assert response.status_code == 200
