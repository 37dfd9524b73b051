"""The OCRM on real servers: a migrated database with the hand-made bank, an application, logins."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from crm_shared import ids
from crm_shared.clock import now
from crm_shared.events.reminders import ReminderRaised
from crm_shared.kafka_records import Record
from crm_shared.reminder_rules import RULES
from ocrm_api import migrate
from ocrm_api.main import create_app
from ocrm_api.passwords import hash_password
from ocrm_api.reminders import outbox, receiving, routing, telling
from ocrm_api.settings import MigrationSettings, RedisSettings, Settings
from tests.databases import PostgresDatabase, fresh_database
from tests.ocrm_api import bank

PASSWORD = "a password of the tests"


@dataclass
class Bank:
    """A database with the bank in it, and the sessions that were opened on it."""

    database: PostgresDatabase
    tokens: dict[str, str] = field(default_factory=dict)

    def execute(self, statement: str, *parameters: Any) -> list[Any]:
        """Run a statement as superuser, who is above row-level security."""
        with psycopg.connect(self.database.superuser) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def raise_reminder(
        self,
        customer_id: int = 1,
        rule_code: str = "R01.LARGE_INFLOW",
        branch_id: str | None = "B1",
        **given: Any,
    ) -> UUID:
        """A new reminder, taken in as the intake does it."""
        event = raised(customer_id, rule_code, branch_id, **given)
        self.receive(event.to_bytes())
        return event.reminder_id

    def receive(self, *values: bytes) -> receiving.Received:
        """Take messages in."""
        records = [
            Record("crm.reminders.v1", 0, offset, None, value)
            for offset, value in enumerate(values)
        ]
        with psycopg.connect(self.database.ocrm_app) as connection:
            published = routing.current(connection, None)
            received = receiving.receive(connection, published, records)
            outbox.add(connection, received.told())
            telling.tell(connection, received.told())
        return received


def raised(
    customer_id: int = 1,
    rule_code: str = "R01.LARGE_INFLOW",
    branch_id: str | None = "B1",
    **given: Any,
) -> ReminderRaised:
    """A message; its window is its own, so it is a new reminder."""
    subject = given.pop("subject", f"customer:{customer_id}")
    window = given.pop("window", f"txn:{uuid4().int % 10**12}")
    values: dict[str, Any] = {
        "event_id": uuid4(),
        "occurred_at": now(),
        "producer": "tests",
        "customer_id": customer_id,
        "reminder_id": ids.reminder_id(rule_code, subject, window),
        "rule_code": rule_code,
        "subject": subject,
        "window": window,
        "rule_version": 1,
        "business_date": bank.DAY,
        "branch_id": branch_id,
        "priority": RULES[rule_code].priority,
        "amount": "600000.00",
    }
    return ReminderRaised.model_validate(values | given)


def prepare(database: PostgresDatabase) -> None:
    """Migrate a database, publish the bank into it, make a user for every employee."""
    migrate.run(MigrationSettings(url=SecretStr(database.ocrm_owner)))
    bank.publish(database.acrm_owner)
    made = Bank(database)
    hashed = hash_password(PASSWORD)
    for employee in bank.ROLES:
        made.execute(
            "insert into ocrm.users (user_id, login, employee_id, password_hash)"
            " values (%s, %s, %s, %s)",
            uuid4(), employee.lower(), employee, hashed,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """As in production: without the pretty traces, which take minutes over SQLAlchemy's frames."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ]
    )


@pytest.fixture(scope="session", autouse=True)
def data_key() -> Iterator[None]:
    """The key of personal data of the hand-made bank."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CRM_DATA_KEY", bank.DATA_KEY)
        yield


@pytest.fixture(scope="session")
def bank_template(
    environment: dict[str, str], postgres_template: str, data_key: None
) -> Iterator[str]:
    """The name of a database with the bank in it, to copy."""
    with fresh_database(environment, postgres_template) as database:
        prepare(database)
        yield database.superuser.rpartition("/")[2]


@pytest.fixture(scope="module")
def shared_bank(environment: dict[str, str], bank_template: str) -> Iterator[Bank]:
    """The bank of this module's tests; what a test adds must not disturb another."""
    with fresh_database(environment, bank_template) as database:
        yield Bank(database)


@pytest.fixture
def own_bank(environment: dict[str, str], bank_template: str) -> Iterator[Bank]:
    """A bank of this test alone."""
    with fresh_database(environment, bank_template) as database:
        yield Bank(database)


def make_app(of: Bank, redis_url: str, **given: Any) -> FastAPI:
    """An application on a bank, with limits out of the way unless given."""
    values: dict[str, Any] = {
        "database_url": of.database.ocrm_app,
        "demo": True,
        "signing_key": "a signing key of the tests, long enough",
        "secure_cookies": False,
        "pool_size": 4,
        "requests_per_minute": 1_000_000,
        "logins_per_minute": 1_000_000,
        "stream_poll_seconds": 0.1,
        "timekeeper_seconds": 3600.0,
    }
    return create_app(Settings(**(values | given)), RedisSettings(url=SecretStr(redis_url)))


class Api:
    """An application and a way to call it as somebody."""

    def __init__(self, app: FastAPI, of: Bank) -> None:
        self.app = app
        self.bank = of
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://ocrm.test")

    async def token(self, employee: str) -> str:
        """The session token of an employee."""
        if employee not in self.bank.tokens:
            answer = await self.http.post(
                "/v1/session", json={"login": employee.lower(), "password": PASSWORD}
            )
            assert answer.status_code == 201, answer.text
            self.bank.tokens[employee] = answer.json()["token"]
        return self.bank.tokens[employee]

    async def call(
        self, employee: str | None, method: str, path: str, **arguments: Any
    ) -> httpx.Response:
        """Call as an employee, or as nobody."""
        headers = dict(arguments.pop("headers", {}))
        if employee is not None:
            headers["Authorization"] = f"Bearer {await self.token(employee)}"
        return await self.http.request(method, path, headers=headers, **arguments)

    async def get(self, employee: str | None, path: str, **arguments: Any) -> Any:
        """The JSON of a GET that succeeds."""
        answer = await self.call(employee, "GET", path, **arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def running(app: FastAPI, of: Bank) -> AsyncIterator[Api]:
    """The application between its start and its end."""
    async with app.router.lifespan_context(app):
        api = Api(app, of)
        yield api
        await api.http.aclose()


@pytest.fixture(scope="module")
def shared_app(shared_bank: Bank, environment: dict[str, str]) -> FastAPI:
    """The application on the module's bank; each test starts and stops it."""
    return make_app(shared_bank, environment["CRM_REDIS_URL"])


@pytest.fixture
async def api(shared_bank: Bank, shared_app: FastAPI, redis_url: str) -> AsyncIterator[Api]:
    """The started application on the module's bank."""
    async with running(shared_app, shared_bank) as started:
        yield started


@pytest.fixture
async def own_api(own_bank: Bank, redis_url: str) -> AsyncIterator[Api]:
    """The started application on a bank of this test alone."""
    async with running(make_app(own_bank, redis_url), own_bank) as started:
        yield started


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The application behind a real server; its address."""
    config = uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([listening]))
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            app.state.stopping.set()
            server.should_exit = True
            await task


@pytest.fixture
def step() -> Callable[..., dict[str, str]]:
    """Headers of a change: a fresh key and the version."""

    def headers(etag: str = '"1"', key: str | None = None) -> dict[str, str]:
        return {"Idempotency-Key": key or uuid4().hex, "If-Match": etag}

    return headers
