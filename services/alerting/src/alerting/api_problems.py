"""Problems of the operations API (RFC 9457): each says in one sentence what to do."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from kafka.errors import KafkaError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from crm_shared import logging
from crm_shared.errors import CrmError, NotReadyError

MEDIA_TYPE = "application/problem+json"

_log = logging.get(__name__)


class ProblemDocument(BaseModel):
    """Why a request was not answered."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:tulou:alerting:not_allowed"])
    code: str = Field(examples=["not_allowed"], description="Stable.")
    title: str = Field(examples=["Not allowed"])
    status: int = Field(examples=[401])
    detail: str = Field(description="What to do.")


class Problem(Exception):
    """A request that is not answered: a stable code, a status, and a sentence that helps."""

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def response(self) -> JSONResponse:
        """The problem as an answer."""
        document = ProblemDocument(
            type=f"urn:tulou:alerting:{self.code}",
            code=self.code,
            title=self.code.replace("_", " ").capitalize(),
            status=self.status,
            detail=self.sentence,
            **self.more,
        ).model_dump()
        return JSONResponse(document, self.status, self.headers, MEDIA_TYPE)


def responses(*statuses: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    """What an OpenAPI document says of answers that are problems, by status."""
    schema = ProblemDocument.model_json_schema()
    return {
        status: {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, description in statuses
    }


def install(app: FastAPI) -> None:
    """Answer every failure of the application with a problem."""

    @app.exception_handler(Problem)
    async def told(_: Request, problem: Problem) -> JSONResponse:
        return problem.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {
                "pointer": "/" + "/".join(str(part) for part in one["loc"]),
                "code": str(one["type"]),
                "detail": str(one["msg"]),
            }
            for one in error.errors()
        ]
        sentence = "The request has a part that is not understood: see `errors`, and /openapi.json."
        return Problem(400, "invalid_request", sentence, more={"errors": errors}).response()

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        request_id = uuid4().hex
        _log.error("operations_failed", request_id=request_id, exc_info=error)
        sentence = "Something failed on our side; look for the request_id in the log of alerting."
        more = {
            "detail_zh": "系统内部错误；请在 alerting 的日志中查找 request_id。",
            "request_id": request_id,
        }
        return Problem(500, "internal_error", sentence, more=more).response()

    @app.exception_handler(HTTPException)
    async def of_the_framework(_: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        sentence = "There is nothing here to read that way; /openapi.json lists what there is."
        return Problem(error.status_code, code, sentence, headers=error.headers).response()

    @app.exception_handler(CrmError)
    async def known(_: Request, error: CrmError) -> JSONResponse:
        status = 503 if isinstance(error, NotReadyError) else 500
        return Problem(status, error.code, error.sentence).response()

    @app.exception_handler(KafkaError)
    async def broker_away(_: Request, error: KafkaError) -> JSONResponse:
        _log.warning("operations_without_broker", error=type(error).__name__)
        sentence = "Kafka stopped answering; try again, and ask /readyz."
        return Problem(503, "server_unavailable", sentence).response()

    @app.exception_handler(psycopg.OperationalError)
    async def database_away(_: Request, error: psycopg.OperationalError) -> JSONResponse:
        _log.warning("operations_without_database", error=type(error).__name__)
        sentence = "PostgreSQL stopped answering; try again, and ask /readyz."
        return Problem(503, "server_unavailable", sentence).response()
