"""The shape of a landing table, as data."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["state", "event"]

#: Types a column may have; they mean the same in DuckDB, Spark and Parquet.
SqlType = Literal["BIGINT", "INTEGER", "VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN", "DECIMAL(18,2)",
                  "DECIMAL(9,6)"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, whether it may be empty, the codes it may hold or the least and most,
    both included, and its data class.

    `TIMESTAMP` columns hold UTC without a zone. `personal` marks class C2 data (names, phones,
    documents, addresses): masked by default wherever a person could see them.
    """

    name: str
    type: SqlType
    nullable: bool = False
    codes: tuple[str, ...] = ()
    limits: tuple[str, str] | None = None
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One landing table: its kind, its key, and its columns in file order."""

    name: str
    kind: Kind
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    description: str

    def column(self, name: str) -> Column:
        """The column of that name; raises `KeyError` where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")
