"""The DuckDB workshop in which a bank is built; nothing of it is delivered."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import duckdb

Value = int | str | date | list[str] | list[date]


def open_workshop(folder: Path, memory: str = "3GB") -> duckdb.DuckDBPyConnection:
    """A database file in `folder` that spills there as well, in bounded memory."""
    connection = duckdb.connect(str(folder / "workshop.duckdb"))
    connection.execute(f"SET memory_limit = '{memory}'")
    connection.execute("SET temp_directory = ?", [str(folder / "spill")])
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    return connection


def set_variable(connection: duckdb.DuckDBPyConnection, name: str, value: Value) -> None:
    """Set what the SQL reads as getvariable('name')."""
    connection.execute(f"SET VARIABLE {name} = {_literal(value)}")


def run_sql(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Run one of the package's SQL files."""
    connection.execute(files("bank_simulator").joinpath("sql", f"{name}.sql").read_text("utf-8"))


def _literal(value: Value) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, int):
        return f"{value}::BIGINT"
    return "'" + value.replace("'", "''") + "'"
