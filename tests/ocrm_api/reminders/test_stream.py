"""The stream over a real server: all arrives, resuming leaves no hole, eviction is said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import psycopg
import pytest
import sqlalchemy

from ocrm_api.reminders import books
from ocrm_api.streams import Hub, News
from tests.ocrm_api.conftest import PASSWORD, Bank, make_app, serving


@dataclass(frozen=True)
class Event:
    """A frame of the stream."""

    kind: str
    sequence: int
    data: dict[str, Any]


async def frames(response: httpx.Response) -> AsyncIterator[Event]:
    """The events of a response; comments and empty frames are passed over."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Event(fields["event"], int(fields["id"]), orjson.loads(fields["data"]))
            fields = {}


class Reader:
    """Reads a stream, each event within five seconds."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._events = frames(response)

    async def next(self) -> Event:
        """The next event."""
        async with asyncio.timeout(5):
            return await anext(self._events)

    def rest(self) -> AsyncIterator[Event]:
        """The events until the server ends the stream."""
        return self._events

    async def ended(self) -> bool:
        """Whether the server ends the stream within five seconds."""
        async with asyncio.timeout(5):
            return await anext(self._events, None) is None


@dataclass
class Served:
    """A running server and its bank."""

    address: str
    bank: Bank
    client: httpx.AsyncClient

    async def token(self, login: str) -> str:
        """A new session."""
        answer = await self.client.post("/v1/session", json={"login": login, "password": PASSWORD})
        return str(answer.json()["token"])

    @asynccontextmanager
    async def stream(
        self, token: str, last_event_id: str | None = None, portfolio: str = "mine"
    ) -> AsyncIterator[Reader]:
        """An open stream."""
        headers = {"Authorization": f"Bearer {token}"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        url = f"/v1/reminders/stream?portfolio={portfolio}"
        async with self.client.stream("GET", url, headers=headers) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Reader(response)


@pytest.fixture(params=["redis", "without-redis"])
async def served(
    request: pytest.FixtureRequest, own_bank: Bank, redis_url: str
) -> AsyncIterator[Served]:
    """A server; once with Redis, once with none, so that it has to look by itself."""
    url = redis_url if request.param == "redis" else "redis://127.0.0.1:9/0"
    app = make_app(own_bank, url, stream_heartbeat_seconds=0.3)
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:
        yield Served(address, own_bank, client)


async def test_what_happens_arrives_in_order(served: Served) -> None:
    async with served.stream(await served.token("m1")) as reader:
        ready = await reader.next()
        assert ready.kind == "ready"
        raised = [str(served.bank.raise_reminder(1)) for _ in range(3)]
        events = [await reader.next() for _ in range(3)]
    assert [event.kind for event in events] == ["reminder.raised"] * 3
    assert [event.data["reminder_id"] for event in events] == raised
    assert [event.sequence for event in events] == [ready.sequence + n for n in (1, 2, 3)]


async def test_a_stream_resumes_where_it_broke_off(served: Served) -> None:
    token = await served.token("m1")
    raised = [str(served.bank.raise_reminder(1)) for _ in range(4)]
    async with served.stream(token, "2") as reader:
        resumed = [(await reader.next()).data["reminder_id"] for _ in range(2)]
    assert resumed == raised[2:]


@pytest.mark.parametrize("given", ["1", "99", "-1", "x"])
async def test_an_evicted_or_unknown_id_resets(served: Served, given: str) -> None:
    for _ in range(3):
        served.bank.raise_reminder(1)
    served.bank.execute(
        "update ocrm.reminder_events set occurred_at = now() - interval '4 days' where sequence < 3"
    )
    with psycopg.connect(served.bank.database.superuser) as connection:
        books.tidy(connection, stream_retention_hours=72)
    token = await served.token("m1")
    async with served.stream(token, given) as reader:
        first = await reader.next()
    assert (first.kind, first.sequence) == ("reset", 3)
    async with served.stream(token, "2") as reader:
        assert (await reader.next()).kind == "reminder.raised"


async def test_what_is_tidied_while_a_stream_reads_resets(own_bank: Bank, redis_url: str) -> None:
    for _ in range(3):
        own_bank.raise_reminder(1)
    own_bank.execute(
        "update ocrm.reminder_events set occurred_at = now() - interval '4 days' where sequence < 3"
    )

    def tidy(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "JOIN ocrm.reminder_events" in statement:
            with psycopg.connect(own_bank.database.superuser) as connection:
                books.tidy(connection, stream_retention_hours=72)

    app = make_app(own_bank, redis_url)
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:
        served = Served(address, own_bank, client)
        token = await served.token("m1")
        engine = app.state.database.engine.sync_engine
        sqlalchemy.event.listen(engine, "before_cursor_execute", tidy)
        async with served.stream(token, "0") as reader:
            first = await reader.next()
    assert (first.kind, first.sequence) == ("reset", 3)


async def test_a_stream_shows_the_scope_only(served: Served) -> None:
    async with served.stream(await served.token("h2"), portfolio="branch") as reader:
        await reader.next()
        served.bank.raise_reminder(1, branch_id="B1")
        served.bank.raise_reminder(3, "R01.FREQUENT_TRANSFERS_OUT", "B2")
        mine = str(served.bank.raise_reminder(3, branch_id="B2"))
        assert (await reader.next()).data["reminder_id"] == mine


async def test_a_step_is_told_to_the_others(served: Served) -> None:
    reminder = served.bank.raise_reminder(1)
    token = await served.token("m1")
    async with served.stream(await served.token("h1"), portfolio="branch") as reader:
        await reader.next()
        answer = await served.client.post(
            f"/v1/reminders/{reminder}:acknowledge",
            headers={
                "Authorization": f"Bearer {token}",
                "Idempotency-Key": "a key of this test",
                "If-Match": '"1"',
            },
        )
        assert answer.status_code == 200
        event = await reader.next()
    assert (event.kind, event.data["status"]) == ("reminder.acknowledged", "acknowledged")


async def test_a_stream_ends_with_its_session(served: Served) -> None:
    token = await served.token("m1")
    async with served.stream(token) as reader:
        await reader.next()
        answer = await served.client.delete(
            "/v1/session", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 204
        assert await reader.ended()


@pytest.mark.parametrize("customer_id", [1, 9])
async def test_a_busy_bank_does_not_prolong_a_session(served: Served, customer_id: int) -> None:
    async def be_busy() -> None:
        while True:
            await asyncio.to_thread(served.bank.raise_reminder, customer_id)

    token = await served.token("m1")
    async with served.stream(token) as reader:
        await reader.next()
        busy = asyncio.create_task(be_busy())
        await served.client.delete("/v1/session", headers={"Authorization": f"Bearer {token}"})
        async with asyncio.timeout(5):
            async for _ in reader.rest():
                pass
        busy.cancel()


async def test_a_reminder_wakes_only_the_streams_that_it_concerns(
    own_bank: Bank, redis_url: str
) -> None:
    reads = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM ocrm.reminders" in statement:
            reads.append(statement)

    app = make_app(own_bank, redis_url)
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:
        served = Served(address, own_bank, client)
        tokens = {login: await served.token(login) for login in ("m1", "h1", "m3", "h3", "n1")}
        async with AsyncExitStack() as streams:
            readers = {
                login: await streams.enter_async_context(
                    served.stream(token, portfolio="branch" if login.startswith("h") else "mine")
                )
                for login, token in tokens.items()
            }
            for reader in readers.values():
                assert (await reader.next()).kind == "ready"
            await asyncio.sleep(0.5)
            sqlalchemy.event.listen(
                app.state.database.engine.sync_engine, "before_cursor_execute", note
            )
            raised = str(own_bank.raise_reminder(1))
            for login in ("m1", "h1"):
                assert (await readers[login].next()).data["reminder_id"] == raised
            await asyncio.sleep(0.5)
    assert len(reads) == 2


async def test_what_the_hub_cannot_read_wakes_every_stream(redis_url: str) -> None:
    told = iter([News(1, None), News(2, ["B1"]), News(3, None)])
    latest: News[str] = News(0, [])

    async def read_news(after: int | None) -> News[str]:
        nonlocal latest
        latest = next(told, News(latest.last, []))
        return latest

    hub = Hub(redis_url, "ocrm:test", read_news, 0.05, asyncio.Event())
    with hub.following(lambda branch: branch == "B2") as follower:
        await hub.start()
        woken: list[Any] = []
        while len(woken) < 3:
            follower.look()
            before = hub.last
            async with asyncio.timeout(5):
                while hub.last == before:  # noqa: ASYNC110  # the hub has no event for it
                    await asyncio.sleep(0.01)
            woken.append(follower.is_woken)
        await hub.close()
    assert woken == [True, False, True]


async def test_an_open_stream_does_not_hold_up_the_end(own_bank: Bank, redis_url: str) -> None:
    app = make_app(own_bank, redis_url)
    async with httpx.AsyncClient() as client, serving(app) as address:
        answer = await client.post(
            f"{address}/v1/session", json={"login": "m1", "password": PASSWORD}
        )
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        request = client.build_request("GET", f"{address}/v1/reminders/stream", headers=headers)
        response = await client.send(request, stream=True)
        reader = Reader(response)
        await reader.next()
        app.state.stopping.set()
        assert await reader.ended()
        await response.aclose()
