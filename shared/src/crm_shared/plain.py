"""What commands print: aligned columns, numbers with their noun, instants, faults of fields."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

#: By pydantic's type of error: what a person says of it, who knows no validator.
_FAULTS = {
    "missing": "missing",
    "extra_forbidden": "unknown here",
    "union_tag_not_found": "missing",
    "dict_type": "it should be an object",
    "json_invalid": "no JSON in UTF-8, or nests too deeply",
}

#: Of a message, what its `type` is and not a field of that.
_OF_THE_TYPE = {"union_tag_not_found", "union_tag_invalid"}

#: So many faults of one message are told.
_MOST_FAULTS = 5


def aligned(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """A head and a line per row, columns aligned as a terminal shows them: numbers right, the rest
    left. Nothing without rows, and no blanks at the end of a line."""
    if not rows:
        return
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    right = [all(map(_is_number, column)) for column in zip(*rows, strict=True)]
    for line in cells:
        padded = (
            _blanks(cell, width) + cell if number else cell + _blanks(cell, width)
            for cell, width, number in zip(line, widths, right, strict=True)
        )
        yield "  ".join(padded).rstrip()


def _blanks(cell: str, width: int) -> str:
    return " " * (width - _width(cell))


def _width(text: str) -> int:
    """Columns of a terminal: Chinese characters take two, marks above others none."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def _is_number(value: object) -> bool:
    """What does not keep a column from standing to the right."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def counted(number: int, one: str, several: str | None = None) -> str:
    """`1 reminder`, `2 reminders`, `1,000 reminders`; `several` where an s does not do."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def instant(at: datetime) -> str:
    """As 2026-07-01T02:00:00Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def faults(problems: Sequence[Mapping[str, Any]], whole: str) -> str:
    """What is wrong with a message that its `type` tells from others, as `facts.value: missing`, of
    pydantic's `errors()`; `whole` stands where that is no field's. It repeats no value where a
    validator of our own does not."""
    return "; ".join(f"{_field(one) or whole}: {fault(one)}" for one in problems[:_MOST_FAULTS])


def fault(problem: Mapping[str, Any]) -> str:
    """What is wrong with a field, of an error of pydantic's `errors()`, without the place."""
    if problem["type"] == "union_tag_invalid":  # Its own message would repeat the value.
        known = str(problem["ctx"]["expected_tags"]).replace("'", "")
        return f"it should be one of {known}"
    said = str(problem["msg"]).removeprefix("Value error, ")
    return _FAULTS.get(str(problem["type"]), said)


def _field(problem: Mapping[str, Any]) -> str:
    """The first part of a place is the `type` by which the message was told from others."""
    if problem["type"] in _OF_THE_TYPE:
        return "type"
    return ".".join(str(part) for part in problem["loc"][1:])


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None or value == "" else str(value)
