"""What a command says: tables on a terminal, tab-separated lines elsewhere, JSON when asked, and
known failures as one sentence on standard error."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, NoReturn

import psycopg
import typer
from rich.console import Console

from crm_shared.errors import CrmError

console = Console()
errors = Console(stderr=True)


@contextmanager
def sentences() -> Iterator[None]:
    """A known failure is one sentence on standard error and its exit code."""
    try:
        yield
    except CrmError as error:
        _fail(error)
    except psycopg.Error as error:
        from acrm_batch.ledger import named_failure  # noqa: PLC0415  only a failure needs it

        _fail(named_failure(error))
    except BrokenPipeError:
        # Whoever read us, `head` for instance, has had enough.
        sys.stderr.close()
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        errors.print("Stopped; start again and it goes on from here.")
        raise typer.Exit(130) from None


def _fail(error: CrmError) -> NoReturn:
    warn(error.sentence)
    raise typer.Exit(int(error.exit_code)) from None


def say(sentence: str) -> None:
    """A line for people, exactly as it is."""
    console.print(sentence, highlight=False, soft_wrap=True, markup=False)


def warn(sentence: str) -> None:
    """A line on standard error."""
    errors.print(sentence, highlight=False, soft_wrap=True, markup=False)


def plain(value: object) -> str:
    """A value as text: dates as ISO 8601, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else str(value)


def print_json(document: object) -> None:
    """One document on standard output."""
    sys.stdout.write(json.dumps(document, default=plain, ensure_ascii=False, indent=1) + "\n")


def print_table(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...] = ()) -> None:
    """Rows under their names: a table on a terminal, a header and tab-separated lines elsewhere."""
    names = columns or tuple(rows[0] if rows else ())
    cells = [[plain(row[name]) for name in names] for row in rows]
    if not console.is_terminal:
        for line in (names, *cells):
            print("\t".join(_flat(cell) for cell in line))
        return
    from rich.table import Table  # noqa: PLC0415  what is not shown is not imported

    table = Table(title=title)
    for name in names:
        table.add_column(name)
    for line in cells:
        table.add_row(*line)
    console.print(table)


def _flat(cell: str) -> str:
    """A cell on one line: a line is a row, whatever a sentence in it holds."""
    return cell.replace("\t", " ").replace("\n", " ")
