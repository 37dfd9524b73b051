"""JSON without a second validation: rows go out as they came from the database."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from fastapi import Response


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, UUID):  # the driver's is a subclass
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form.")


def to_json(payload: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON: amounts as strings, instants in UTC with `Z`."""
    return orjson.dumps(payload, default=_plain, option=orjson.OPT_UTC_Z)


def json_response(
    payload: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON object as the response; personal data is never kept by a cache on the way."""
    return Response(
        to_json(payload),
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def as_is(stored: str) -> orjson.Fragment:
    """A `json` value read as text, to go out unchanged: its numbers keep all their digits."""
    return orjson.Fragment(stored)
