"""The files of the Berka data set: which there are, what their columns mean, what is wrong in them.

Every field is checked before anything is written, so a fault is told with its file and line.
Of `district.asc` only code, name and region are used; its `?` (missing figures) are not read.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from crm_shared.errors import ContractError, UsageError

Kind = Literal["id", "date", "stamp", "birth", "amount", "months", "text", "unused"]

#: What a field of a kind must look like (`{c}` is the column), and what a person calls that.
_GOOD: dict[Kind, tuple[str, str]] = {
    "id": ("regexp_full_match({c}, '[0-9]{{1,18}}')", "a whole number"),
    "date": (
        "regexp_full_match({c}, '[0-9]{{6}}') AND try_strptime('19' || {c}, '%Y%m%d') IS NOT NULL",
        "a date YYMMDD",
    ),
    "stamp": (
        "regexp_full_match({c}, '[0-9]{{6}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}')"
        " AND try_strptime('19' || {c}, '%Y%m%d %H:%M:%S') IS NOT NULL",
        "a date YYMMDD 00:00:00",
    ),
    "birth": (
        "regexp_full_match({c}, '[0-9]{{6}}') AND born({c}) IS NOT NULL",
        "a date YYMMDD (month + 50 for women)",
    ),
    "amount": (
        "regexp_full_match({c}, '[0-9]{{1,16}}([.][0-9]{{1,2}})?')",
        "an amount without sign and with at most two decimals",
    ),
    "months": ("regexp_full_match({c}, '[1-9][0-9]{{0,2}}')", "a number of months"),
    "text": ("{c} IS NOT NULL", "filled in"),
    "unused": ("true", ""),
}

#: The birth date in a birth number, whose month is 50 higher for women.
_BORN = """
CREATE MACRO born(number) AS try_strptime(
    (19000000 + try_cast(number AS INTEGER) - CASE WHEN number[3:4] > '50' THEN 5000 ELSE 0 END)
    ::VARCHAR, '%Y%m%d'
)::DATE
"""

#: How a checked field becomes a value.
_VALUE: dict[Kind, str] = {
    "id": "{c}::BIGINT",
    "date": "strptime('19' || {c}, '%Y%m%d')::DATE",
    "stamp": "strptime('19' || {c}[1:6], '%Y%m%d')::DATE",
    "birth": "{c}",
    "amount": "{c}::DECIMAL(18,2)",
    "months": "{c}::INTEGER",
    "text": "trim({c})",
    "unused": "nullif(trim({c}), '')",
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file: its columns in order with their kinds, its key, its codes, whom it refers to."""

    name: str
    columns: dict[str, Kind]
    codes: dict[str, tuple[str, ...]]
    refers: dict[str, tuple[str, str]]

    @property
    def key(self) -> str:
        """The column that identifies a row: always the first."""
        return next(iter(self.columns))


_TRANS = SourceFile(
    "trans.asc",
    {
        "trans_id": "id", "account_id": "id", "date": "date", "type": "text",
        "operation": "unused", "amount": "amount", "balance": "unused", "k_symbol": "unused",
        "bank": "unused", "account": "unused",
    },
    {"type": ("PRIJEM", "VYDAJ", "VYBER")},
    {"account_id": ("account", "account_id")},
)  # fmt: skip

_DISTRICT: dict[str, Kind] = {"A1": "id", "A2": "text", "A3": "text"}
_DISTRICT |= {f"A{n}": "unused" for n in range(4, 17)}

#: Name of the cut ledger; its last day is not whole.
PREFIX = "trans_prefix.asc"

#: Every file, by the table it is read into.
FILES: dict[str, SourceFile] = {
    "district": SourceFile(
        "district.asc",
        _DISTRICT,
        {},
        {},
    ),
    "client": SourceFile(
        "client.asc",
        {"client_id": "id", "birth_number": "birth", "district_id": "id"},
        {},
        {"district_id": ("district", "A1"), "client_id": ("disp", "client_id")},
    ),
    "account": SourceFile(
        "account.asc",
        {"account_id": "id", "district_id": "id", "frequency": "text", "date": "date"},
        {"frequency": ("POPLATEK MESICNE", "POPLATEK TYDNE", "POPLATEK PO OBRATU")},
        {"district_id": ("district", "A1"), "account_id": ("owner", "account_id")},
    ),
    "disp": SourceFile(
        "disp.asc",
        {"disp_id": "id", "client_id": "id", "account_id": "id", "type": "text"},
        {"type": ("OWNER", "DISPONENT")},
        {"client_id": ("client", "client_id"), "account_id": ("account", "account_id")},
    ),
    "loan": SourceFile(
        "loan.asc",
        {
            "loan_id": "id", "account_id": "id", "date": "date", "amount": "amount",
            "duration": "months", "payments": "amount", "status": "text",
        },
        {"status": ("A", "B", "C", "D")},
        {"account_id": ("account", "account_id")},
    ),
    "standing": SourceFile(
        "order.asc",
        {
            "order_id": "id", "account_id": "id", "bank_to": "unused", "account_to": "unused",
            "amount": "amount", "k_symbol": "unused",
        },
        {},
        {"account_id": ("account", "account_id")},
    ),
    "card": SourceFile(
        "card.asc",
        {"card_id": "id", "disp_id": "id", "type": "text", "issued": "stamp"},
        {},
        {"disp_id": ("disp", "disp_id")},
    ),
    "trans": _TRANS,
}  # fmt: skip


def ledger_file(source: Path) -> Path:
    """The whole ledger where the folder has it, else its prefix."""
    whole = source / _TRANS.name
    return whole if whole.is_file() else source / PREFIX


def read_files(db: duckdb.DuckDBPyConnection, source: Path) -> None:
    """Read every file into a typed table; the first fault is a `ContractError` or `UsageError`."""
    if not source.is_dir():
        raise UsageError(
            f"{source} is not a folder; name the folder with the files of the PKDD'99 data set "
            "(Berka): account.asc, client.asc, disp.asc, district.asc and so on."
        )
    paths = {table: source / file.name for table, file in FILES.items()}
    paths["trans"] = ledger_file(source)
    for path in paths.values():
        if not path.is_file():
            raise UsageError(
                f"{path} is missing; the folder must hold every file of the PKDD'99 data set "
                "(Berka), so add it or name another folder."
            )
    db.execute(_BORN)
    for table, path in paths.items():
        _read_raw(db, table, path)
    db.execute("CREATE VIEW raw_owner AS SELECT * FROM raw_disp WHERE type = 'OWNER'")
    for table, path in paths.items():
        _check(db, table, path.name)
    for table, file in FILES.items():
        values = ", ".join(
            f'{_VALUE[kind].format(c=_quoted(name))} AS "{name}"'
            for name, kind in file.columns.items()
        )
        db.execute(f"CREATE TABLE {table} AS SELECT {values} FROM raw_{table}")


def _read_raw(db: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    """Every field as text, in the order of the file, so that `rowid + 2` is the line."""
    columns = list(FILES[table].columns)
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            header = next(csv.reader(stream, delimiter=";"), [])
            lines = sum(1 for _ in stream)
        if header != columns:
            raise ContractError(
                f"{path.name} has the header {';'.join(header) or '(none)'}, but the PKDD'99 data "
                f"set has {';'.join(columns)}; take the file from the data set again."
            )
        types = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
        read = db.execute(
            f"CREATE TABLE raw_{table} AS SELECT * FROM read_csv(?, auto_detect=false, header=true,"
            f" delim=';', quote='\"', escape='\"', parallel=false, columns={{{types}}})",
            [str(path)],
        ).fetchone()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); give the user who imports the right to "
            "read it and start again."
        ) from None
    except (duckdb.Error, UnicodeDecodeError, csv.Error) as error:
        line = re.search(r"[Ll]ine:? (\d+)", str(error))
        where = f"{path.name} line {line[1]}" if line else path.name
        raise ContractError(
            f"{where} cannot be read as {len(columns)} fields separated by semicolons; take the "
            "file from the PKDD'99 data set again."
        ) from None
    # DuckDB 2.0 drops everything after a quote that is never closed, and empty lines, in silence.
    if read is None or read[0] != lines:
        raise ContractError(
            f"{path.name} has {lines} lines after its header, but {read[0] if read else 0} rows "
            "can be read, so a quote is not closed or a line is empty; take the file from the "
            "PKDD'99 data set again."
        )


def _check(db: duckdb.DuckDBPyConnection, table: str, file_name: str) -> None:
    """The first bad field of a file, in the order of its lines, becomes a `ContractError`."""
    file = FILES[table]
    tests = [
        *((name, *_good(name, kind)) for name, kind in file.columns.items() if kind != "unused"),
        *(
            (name, f"{_quoted(name)} IN {codes!r}", f"one of {', '.join(codes)}")
            for name, codes in file.codes.items()
        ),
        *(
            (
                name,
                f"EXISTS (SELECT 1 FROM raw_{to} AS t WHERE t.{key} = raw_{table}.{name})",
                f"an {key} of an OWNER in disp.asc"
                if to == "owner"
                else f"in {FILES[to].name} as {key}",
            )
            for name, (to, key) in file.refers.items()
        ),
        (file.key, f"count(*) OVER (PARTITION BY {file.key}) = 1", "unique"),
    ]
    if table == "disp":
        one_owner = "type <> 'OWNER' OR count(*) OVER (PARTITION BY account_id, type) = 1"
        tests.append(("account_id", one_owner, "an account with a single OWNER"))
    for column, good, wanted in tests:
        bad = db.execute(
            f"SELECT line, value FROM (SELECT rowid + 2 AS line, {_quoted(column)} AS value,"
            f" coalesce({good}, false) AS good FROM raw_{table}) WHERE NOT good"
            " ORDER BY line LIMIT 1"
        ).fetchone()
        if bad is not None:
            raise ContractError(
                f"{file_name} line {bad[0]}: {column} is {bad[1] or ''!r}, which is not {wanted}; "
                "take the file from the PKDD'99 data set again."
            )


def _good(name: str, kind: Kind) -> tuple[str, str]:
    condition, wanted = _GOOD[kind]
    return condition.format(c=_quoted(name)), wanted


def _quoted(name: str) -> str:
    return f'"{name}"'
