"""Whether the process lives and whether it can serve, and its metrics."""

import asyncio
import time

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.responses import HTMLResponse

from ocrm_api import migrate
from ocrm_api.db import Database, is_undefined_relation
from ocrm_api.json_responses import json_response
from ocrm_api.permissions import PUBLIC
from ocrm_api.problems import REGISTRY, NotFound
from ocrm_api.security import operation

#: `/readyz` needs no log-in, so it must not be a way to keep the database busy.
CHECK_SECONDS = 1.0

router = APIRouter(tags=["operations"])


class Alive(BaseModel):
    """The event loop turns."""

    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    """What was checked, each with `ok` or a sentence."""

    status: str = Field(examples=["ready"])
    checks: dict[str, str] = Field(
        examples=[{"database": "ok", "migrations": "ok", "publication": "2026-06-30"}]
    )


@router.get("/livez", response_model=Alive, summary="The process lives", **operation(PUBLIC))
async def livez() -> Response:
    """Answers as long as the event loop turns."""
    return json_response({"status": "ok"})


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Not ready; `checks` says why."}},
    summary="The process can serve",
    **operation(PUBLIC),
)
async def readyz(request: Request) -> Response:
    """The database answers, its migrations are those of this version, and we are not stopping.

    Without a publication the process is ready, and says so: log-ins answer 503 until the first.
    """
    if request.app.state.stopping.is_set():
        return json_response({"status": "stopping", "checks": {}}, 503)
    readiness: Checks = request.app.state.readiness
    checks = await readiness.latest()
    ready = checks.get("database") == "ok" and checks.get("migrations") == "ok"
    status = "ready" if ready else "not ready"
    return json_response({"status": status, "checks": checks}, 200 if ready else 503)


class Checks:
    """What readiness is decided by, asked of the database at most once in `CHECK_SECONDS`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one_at_a_time = asyncio.Lock()
        self._found: dict[str, str] = {}
        self._good_until = 0.0

    async def latest(self) -> dict[str, str]:
        """The checks of a moment ago."""
        async with self._one_at_a_time:
            if time.monotonic() >= self._good_until:
                self._found = await _checks(self._database)
                self._good_until = time.monotonic() + CHECK_SECONDS
            return self._found


async def _checks(database: Database) -> dict[str, str]:
    try:
        async with database.sessions() as session:
            versions = await session.execute(text("select version_num from ocrm.alembic_version"))
            found = versions.scalar_one_or_none()
    except Exception as error:
        if is_undefined_relation(error):
            return {"database": "ok", "migrations": "Schema ocrm is empty: run `ocrm migrate`."}
        return {"database": f"PostgreSQL does not answer ({type(error).__name__})."}
    head = migrate.head()
    migrations = "ok" if found == head else f"At {found}, expected {head}: run `ocrm migrate`."
    return {
        "database": "ok",
        "migrations": migrations,
        "publication": await _publication(database),
    }


async def _publication(database: Database) -> str:
    try:
        async with database.sessions() as session:
            published = await session.execute(
                text("select max(business_date) from acrm.publications")
            )
            day = published.scalar_one_or_none()
    except Exception as error:
        if not is_undefined_relation(error):
            return f"Unknown ({type(error).__name__})."
        day = None
    return str(day) if day else "Nothing is published yet: run `acrm run`."


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text format."}},
    summary="Metrics of this process",
    **operation(PUBLIC),
)
async def metrics(request: Request) -> Response:
    """Counters and histograms; reachable from the inside network only, by deployment."""
    return Response(
        generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST
    )


@router.get(
    "/problems/{code}",
    response_class=HTMLResponse,
    summary="What a problem means",
    **operation(PUBLIC, NotFound),
)
async def problem_page(code: str) -> HTMLResponse:
    """The page of a problem type, in both languages."""
    problem = REGISTRY.get(code)
    if problem is None:
        raise NotFound
    return HTMLResponse(
        "<!doctype html><html lang='zh-CN'><meta charset='utf-8'>"
        f"<title>{problem.code}</title><h1>{problem.status} {problem.code}</h1>"
        f"<h2>{problem.title.zh}</h2><p>{problem.sentence.zh}</p>"
        f"<section lang='en'><h2>{problem.title.en}</h2><p>{problem.sentence.en}</p></section>"
        "</html>"
    )
