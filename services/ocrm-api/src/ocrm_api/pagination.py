"""Keyset pages: every list ends in its id, NULLs come last, and the cursor is signed.

A cursor holds the sort values of the last row and a fingerprint of filter and sort. It carries no
authority: what it points at is filtered by scope again.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Query, Request
from sqlalchemy import ColumnElement, Select, and_, false, or_, tuple_

from ocrm_api.problems import InvalidCursor

MAX_LIMIT = 200

S = TypeVar("S", bound=Select[Any])


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an order: its name in the rows, and the expression that orders by it."""

    name: str
    column: ColumnElement[Any]
    descending: bool = False
    nullable: bool = False

    def order(self) -> ColumnElement[Any]:
        """The ORDER BY element, NULLs last both ways."""
        ordered = self.column.desc() if self.descending else self.column.asc()
        return ordered.nulls_last() if self.nullable else ordered

    def after(self, value: Any) -> ColumnElement[bool]:
        """Rows strictly after a value in this column's order."""
        if value is None:
            return false()
        beyond = self.column < value if self.descending else self.column > value
        return or_(beyond, self.column.is_(None)) if self.nullable else beyond

    def same(self, value: Any) -> ColumnElement[bool]:
        """Rows with the same value, where NULL equals NULL."""
        return self.column.is_(None) if value is None else self.column == value


@dataclass(frozen=True, slots=True)
class Page:
    """What a caller asked for: how many, after which cursor."""

    limit: int
    cursor: str | None
    secret: bytes


def requested_page(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items per page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=2000, description="`next_cursor` of the page before.")
    ] = None,
) -> Page:
    """The page of a request."""
    return Page(limit, cursor, request.app.state.settings.signing_secret())


def paginate(
    statement: S, keys: Sequence[SortKey], page: Page, fingerprint: Mapping[str, Any]
) -> S:
    """The statement for one page and a row more, by which the end is known."""
    if page.cursor is not None:
        statement = statement.where(_after(keys, _read(page, keys, fingerprint)))
    return statement.order_by(*(key.order() for key in keys)).limit(page.limit + 1)


def page_of(
    rows: list[dict[str, Any]],
    keys: Sequence[SortKey],
    page: Page,
    fingerprint: Mapping[str, Any],
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of the page and the cursor of the next, None at the end."""
    if len(rows) <= page.limit:
        return rows, None
    shown = rows[: page.limit]
    values = [_encode(shown[-1][key.name]) for key in keys]
    return shown, _sign(page.secret, {"f": _digest(keys, fingerprint), "k": values})


def _after(keys: Sequence[SortKey], values: Sequence[Any]) -> ColumnElement[bool]:
    one_way = len({key.descending for key in keys}) == 1
    if one_way and not any(key.nullable for key in keys):
        row, bound = tuple_(*(key.column for key in keys)), tuple_(*values)
        return row < bound if keys[0].descending else row > bound
    steps = []
    for position, key in enumerate(keys):
        before = [earlier.same(values[index]) for index, earlier in enumerate(keys[:position])]
        steps.append(and_(*before, key.after(values[position])))
    return or_(*steps)


def _digest(keys: Sequence[SortKey], fingerprint: Mapping[str, Any]) -> str:
    bound = {
        "sort": [f"{'-' if key.descending else ''}{key.name}" for key in keys],
        "filter": {name: _encode(value) for name, value in sorted(fingerprint.items())},
    }
    return hashlib.sha256(orjson.dumps(bound, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _sign(secret: bytes, payload: Mapping[str, Any]) -> str:
    content = orjson.dumps(payload)
    seal = hmac.digest(secret, b"cursor" + content, "sha256")[:16]
    return base64.urlsafe_b64encode(seal + content).rstrip(b"=").decode()


def _read(page: Page, keys: Sequence[SortKey], fingerprint: Mapping[str, Any]) -> list[Any]:
    text = page.cursor or ""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    seal, content = raw[:16], raw[16:]
    if not hmac.compare_digest(seal, hmac.digest(page.secret, b"cursor" + content, "sha256")[:16]):
        raise InvalidCursor
    payload = orjson.loads(content)
    if payload["f"] != _digest(keys, fingerprint):
        raise InvalidCursor
    return [_decode(value) for value in payload["k"]]


def _encode(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return {"d": str(value)}
        case datetime():
            return {"i": value.isoformat()}
        case date():
            return {"t": value.isoformat()}
        case UUID():
            return {"u": str(value)}
        case list() | tuple():
            return [_encode(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be part of a cursor.")


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kind, text = next(iter(value.items()))
    match kind:
        case "d":
            return Decimal(text)
        case "i":
            return datetime.fromisoformat(text)
        case "t":
            return date.fromisoformat(text)
    return UUID(text)
