"""The application: slices and platform put together by `create_app`."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, time
from importlib.metadata import version
from types import FrameType
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from crm_shared.clock import BANK_ZONE, bank_date, now
from crm_shared.personal_data import Protector
from crm_shared.settings import load
from ocrm_api import documentation, faults, freshness, health, languages, login, openapi
from ocrm_api.asgi.answer_headers import AnswerHeaders
from ocrm_api.asgi.body_limit import BodyLimit
from ocrm_api.asgi.correlation import CorrelationId
from ocrm_api.asgi.failures import Failures
from ocrm_api.asgi.in_flight import InFlightCap
from ocrm_api.asgi.metrics import Measure, Metrics
from ocrm_api.asgi.rate_limit import Limiter, RateLimit
from ocrm_api.coverage import router as coverage
from ocrm_api.customers import router as customers
from ocrm_api.day_list import operations as explanations
from ocrm_api.day_list import router as day_list
from ocrm_api.db import Database
from ocrm_api.insight import router as insight
from ocrm_api.notifications import router as notifications
from ocrm_api.open_streams import OpenStreams
from ocrm_api.organisation import router as organisation
from ocrm_api.problems import (
    FieldError,
    InternalError,
    InvalidRequest,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    Problem,
    RequestRefused,
    render,
)
from ocrm_api.reminders import operations, steps, timekeeper
from ocrm_api.reminders import router as reminders
from ocrm_api.reminders import service as reminders_service
from ocrm_api.reminders import stream as reminder_stream
from ocrm_api.security import check_declarations, guard, session_like
from ocrm_api.settings import RedisSettings, Settings, data_key

SLICES = (
    login, organisation, customers, coverage, insight, reminders, steps, day_list, notifications,
    operations, explanations, health,
)  # fmt: skip


def create_app(settings: Settings | None = None, redis: RedisSettings | None = None) -> FastAPI:
    """The application for these settings; raises where a route declares no permission."""
    settings = settings or Settings.load()
    redis_url = (redis or load(RedisSettings)).url.get_secret_value()
    limiter, metrics = Limiter(redis_url), Metrics()
    app = FastAPI(
        title="Tulou CRM: OCRM",
        version=version("ocrm-api"),
        lifespan=_lifespan,
        dependencies=[Depends(guard)],
        openapi_url="/openapi.json" if settings.documentation_is_published else None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            *_behind(settings.proxies),
            Middleware(CorrelationId),
            Middleware(AnswerHeaders),
            Middleware(Measure, metrics=metrics),
            Middleware(Failures),
            Middleware(
                RateLimit,
                limiter=limiter,
                token_of=session_like,
                requests_per_minute=settings.requests_per_minute,
                logins_per_minute=settings.logins_per_minute,
            ),
            Middleware(
                BodyLimit, max_bytes=settings.max_body_bytes, max_seconds=settings.body_seconds
            ),
            Middleware(
                InFlightCap,
                max_requests=settings.max_in_flight,
                max_streams=settings.max_streams,
            ),
        ],
        exception_handlers={
            Problem: _on_problem,
            RequestValidationError: _on_invalid_request,
            HTTPException: _on_http_exception,
        },
    )
    app.state.settings = settings
    app.state.redis_url = redis_url
    app.state.limiter = limiter
    app.state.metrics = metrics
    app.state.open_streams = OpenStreams(metrics.streams, settings.streams_per_user)
    app.state.working_time = working = settings.working_time()
    unknown_from = working.unknown_from(bank_date(now()))
    begins = datetime.combine(unknown_from, time(), BANK_ZONE)
    metrics.holidays_unknown_from.set(begins.timestamp())
    app.state.protector = Protector(data_key())
    app.state.profile_sections = {"open_reminders": reminders_service.open_reminders}
    for part in SLICES:
        app.include_router(part.router)
    if settings.documentation_is_published:
        documentation.add_pages(app)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    check_declarations(app.openapi())
    return app


def _behind(proxies: list[str]) -> list[Middleware]:
    """Who a trusted proxy speaks for is the client, so that limits by address do not hit all."""
    return [Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)] if proxies else []


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    database = Database(settings)
    app.state.stopping = asyncio.Event()
    app.state.database = database
    app.state.readiness = health.Checks(database)
    app.state.reminder_hub = reminder_stream.hub(
        app.state.redis_url, database, settings.stream_poll_seconds, app.state.stopping
    )
    app.state.timekeeper = timekeeper.Timekeeper(
        database,
        app.state.reminder_hub,
        app.state.working_time,
        app.state.metrics.timekeeper_faults,
    )
    restore = _stop_streams_at_sigterm(app.state.stopping)
    await app.state.reminder_hub.start()
    try:
        async with (
            timekeeper.running(app.state.timekeeper, settings.timekeeper_seconds),
            freshness.measured(database, app.state.metrics),
        ):
            yield
    finally:
        await app.state.reminder_hub.close()
        await app.state.limiter.close()
        await database.close()
        restore()


def _stop_streams_at_sigterm(stopping: asyncio.Event) -> Callable[[], None]:
    """Let streams end and readiness go off as soon as the server is told to stop.

    The server itself waits for open connections, and an open stream would never end.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, stack: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopping.set)
        if callable(before):
            before(number, stack)

    def restore() -> None:
        signal.signal(signal.SIGTERM, before)

    if not callable(before):
        return lambda: None
    signal.signal(signal.SIGTERM, stop)
    return restore


async def _on_problem(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, Problem) else InternalError()
    return render(problem, request.scope)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    found: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    if any(fault["type"] == "json_invalid" for fault in found):
        return render(MalformedBody(), request.scope)
    language = languages.choose(request.headers.get("accept-language"))
    errors = [
        FieldError(
            pointer="/" + "/".join(str(part) for part in fault["loc"]),
            code=fault["type"],
            detail=faults.sentence(fault, language),
        )
        for fault in found[:50]
    ]
    return render(InvalidRequest(errors=errors), request.scope)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    known: dict[int, type[Problem]] = {404: NotFound, 405: MethodNotAllowed, 400: MalformedBody}
    if status in known:
        problem = known[status]()
    else:
        problem = RequestRefused(status) if 400 <= status < 500 else InternalError()
    if isinstance(error, HTTPException):
        problem.headers |= error.headers or {}
    return render(problem, request.scope)
