"""The OpenAPI document: what FastAPI writes, with our problems, permissions and security in it."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ocrm_api.permissions import PUBLIC
from ocrm_api.problems import (
    MEDIA_TYPE,
    REGISTRY,
    BodyTooLarge,
    BodyTooSlow,
    DatabaseUnavailable,
    InternalError,
    InvalidRequest,
    MalformedBody,
    NotLoggedIn,
    Overloaded,
    PermissionMissing,
    TooManyRequests,
)
from ocrm_api.security import CSRF_HEADER

DESCRIPTION = """\
The operational side of Tulou CRM. Lists are keyset-paginated, errors are RFC 9457 problems
in zh-CN or en (`Accept-Language`), amounts are strings with two places. What a caller may not see
does not exist: 404.
"""
TAGS = [
    {"name": "session", "description": "Log in and out."},
    {"name": "organisation", "description": "Units, employees, and who is logged in."},
    {"name": "customers", "description": "Portfolios, search, identity, reveal."},
    {"name": "coverage", "description": "Who leads, who assists, and why."},
    {"name": "insight", "description": "The 360 view, indicators and their dictionary."},
    {"name": "reminders", "description": "What a manager should know, and do."},
    {"name": "notifications", "description": "How who is logged in is told of reminders."},
    {"name": "operations", "description": "Health, metrics, intake, problem pages."},
]
_EVERYWHERE = (InvalidRequest, TooManyRequests, Overloaded, InternalError)
_NO_DATABASE_NEEDED = frozenset({"/livez", "/metrics", "/problems/{code}", "/readyz"})


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="Tulou CRM: OCRM",
            version=app.version,
            description=DESCRIPTION,
            routes=app.routes,
            tags=TAGS,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            servers=[{"url": "/"}],
        )
        app.openapi_schema = _finished(made)
    return app.openapi_schema


def _finished(made: dict[str, Any]) -> dict[str, Any]:
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = _PROBLEM
    made["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "The token of a log-in."},
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-ocrm_session",
            "description": f"With {CSRF_HEADER} on changes.",
        },
    }
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            _finish_operation(path, method, operation)
    _replace_item_schema(made)
    return made


def _finish_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    public = operation.get("x-permission") == PUBLIC
    operation["security"] = [] if public else [{"bearer": []}, {"cookie": []}]
    codes = set(operation.get("x-problems", ()))
    codes |= {problem.code for problem in _EVERYWHERE}
    if path not in _NO_DATABASE_NEEDED:
        codes.add(DatabaseUnavailable.code)
    if not public:
        codes |= {NotLoggedIn.code, PermissionMissing.code}
    if method in {"post", "put", "patch"}:
        codes |= {MalformedBody.code, BodyTooLarge.code, BodyTooSlow.code}
    operation["x-problems"] = sorted(codes)
    responses = operation["responses"]
    responses.pop("422", None)
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(REGISTRY[code].status, []).append(code)
    for status, of_status in sorted(by_status.items()):
        responses[str(status)] = _response(status, of_status, responses.get(str(status)))


def _response(status: int, codes: list[str], declared: dict[str, Any] | None) -> dict[str, Any]:
    content = {
        MEDIA_TYPE: {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "examples": {code: {"value": _example(code)} for code in codes},
        }
    }
    titles = " / ".join(REGISTRY[code].title.en for code in codes)
    if declared is None:
        return {"description": titles, "content": content}
    return {**declared, "content": {**declared.get("content", {}), **content}}


class _Placeholders(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def _example(code: str) -> dict[str, Any]:
    problem = REGISTRY[code]
    return {
        "type": f"/problems/{code}",
        "code": code,
        "title": problem.title.zh,
        "status": problem.status,
        "detail": problem.sentence.zh.format_map(_Placeholders()),
        "instance": "/v1/…",
        "request_id": "5f1c7a522f6b4a559d5c0f6a2a0f6c11",
    }


def _replace_item_schema(node: Any) -> None:
    """`itemSchema` belongs to OpenAPI 3.2; this document says 3.1."""
    if isinstance(node, dict):
        if "itemSchema" in node:
            node.setdefault("schema", {"type": "string"})
            del node["itemSchema"]
        for value in node.values():
            _replace_item_schema(value)
    elif isinstance(node, list):
        for value in node:
            _replace_item_schema(value)


_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; `type` is the address of its page.",
    "required": ["type", "code", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "code": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
