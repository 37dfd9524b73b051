"""One question to a snapshot, with an answer or a sentence that says what is wrong with it."""

from collections import Counter
from typing import Any

import duckdb

from acrm_batch.engines.duckdb import reason_of
from crm_shared.errors import UsageError

_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


def answer(
    connection: duckdb.DuckDBPyConnection, query: str
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and rows of one reading statement; names that repeat are numbered."""
    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type not in _READS:
            raise UsageError(
                "`acrm sql` takes one statement that reads (SELECT, DESCRIBE, SHOW, EXPLAIN); the"
                " snapshot cannot be changed."
            )
        found = connection.execute(statements[0])
        rows = found.fetchall()
    except duckdb.Error as error:
        raise UsageError(
            f"The query failed ({reason_of(error)}); SHOW TABLES lists the tables, and DESCRIBE"
            " customers its columns."
        ) from error
    seen: Counter[str] = Counter()
    names = []
    for column in found.description or ():
        seen[column[0]] += 1
        names.append(column[0] if seen[column[0]] == 1 else f"{column[0]}_{seen[column[0]]}")
    return names, rows
