"""Small pieces of SQL text that are the same wherever a query is put together."""

from collections.abc import Iterable, Mapping
from pathlib import Path


def literal(text: object) -> str:
    """A value as a string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def file_list(paths: Iterable[Path]) -> str:
    """Files as a list literal."""
    return "[" + ", ".join(literal(path) for path in paths) + "]"


def empty_relation(columns: Mapping[str, str]) -> str:
    """A query of these columns and types without rows."""
    return (
        "select " + ", ".join(f"cast(null as {t}) as {n}" for n, t in columns.items())
        + " where false"
    )  # fmt: skip
