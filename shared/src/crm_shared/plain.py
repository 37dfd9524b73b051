"""What commands print: aligned columns, numbers with their noun, instants, faults of fields."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

#: By pydantic's type of error: what a person says of it, who knows no validator.
_FAULTS = {
    "missing": "missing",
    "extra_forbidden": "unknown here",
    "union_tag_not_found": "missing",
}


def aligned(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """A head and a line per row, columns aligned: numbers right, the rest left. Nothing without
    rows, and no blanks at the end of a line."""
    if not rows:
        return
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [
        all(isinstance(value, int | float) or value is None for value in column)
        for column in zip(*rows, strict=True)
    ]
    for line in cells:
        padded = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        )
        yield "  ".join(padded).rstrip()


def counted(number: int, one: str, several: str | None = None) -> str:
    """`1 reminder`, `2 reminders`, `1,000 reminders`; `several` where an s does not do."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def instant(at: datetime) -> str:
    """As 2026-07-01T02:00:00Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def fault(problem: Mapping[str, object]) -> str:
    """What is wrong with a field, of an error of pydantic's `errors()`; it repeats no value where
    that gives none."""
    return _FAULTS.get(str(problem["type"]), str(problem["msg"]))


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else str(value)
