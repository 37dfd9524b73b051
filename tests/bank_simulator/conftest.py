"""A small generated bank, made once for all tests, and its landing files as DuckDB views."""

import ctypes
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from bank_simulator import parameters
from bank_simulator.generate import generate
from bank_simulator.plan import Plan
from crm_shared.landing import TABLES
from tests.bank_simulator.world import HERE, World, open_world

PLAN = Plan(customers=800, first=date(2026, 3, 1), last=date(2026, 7, 1), seed=42)

#: Another seed and other parameters, between month ends; and birthdays on 29 February.
OTHERS = {
    "second parameters": Plan(
        customers=800, first=date(2025, 8, 20), last=date(2026, 1, 26), seed=7,
        parameters=parameters.load(HERE / "second_parameters.yml"),
    ),
    "leap year": Plan(customers=800, first=date(2027, 9, 25), last=date(2028, 2, 28), seed=2028),
}  # fmt: skip


@pytest.fixture(scope="session")
def plan() -> Plan:
    """What the bank of the tests is like."""
    return PLAN


@pytest.fixture(scope="session", params=["default", *OTHERS])
def world(
    request: pytest.FixtureRequest, bank: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The bank of the tests, and others of another seed, period and set of parameters."""
    made, out = PLAN, bank
    if request.param != "default":
        made, out = OTHERS[request.param], tmp_path_factory.mktemp("world") / "bank"
        generate(made, out)
    opened = open_world(out, made)
    yield opened
    opened.connection.close()


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a generated bank."""
    out = tmp_path_factory.mktemp("simulated") / "bank"
    generate(PLAN, out)
    return out


@pytest.fixture(scope="session")
def landing(bank: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """`<table>_delivered` is all that was delivered; `<table>` is how it stands on as_of."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in TABLES.values():
            files = f"{bank}/business_date=*/{table.name}.parquet"
            connection.execute(
                f"CREATE TABLE {table.name}_delivered AS FROM read_parquet('{files}', "
                "hive_partitioning = true, hive_types = {'business_date': DATE})"
            )
            until = f"FROM {table.name}_delivered WHERE business_date <= DATE '{PLAN.as_of}'"
            latest = (
                f" QUALIFY row_number() OVER (PARTITION BY {', '.join(table.key)} "
                "ORDER BY business_date DESC) = 1"
            )
            connection.execute(
                f"CREATE VIEW {table.name} AS {until}" + (latest if table.kind == "state" else "")
            )
        for path in (bank / "answers").glob("*.parquet"):
            connection.execute(f"CREATE VIEW planted_{path.stem} AS FROM '{path}'")
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    """The rows of a query."""
    return connection.execute(query).fetchall()


#: <linux/capability.h>: the version of its structures, and what lets root write everywhere.
_VERSION_3, _DAC_OVERRIDE = 0x20080522, 1


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@pytest.fixture
def permissions_hold() -> Iterator[None]:
    """The permissions of files hold for root too, who else may write everywhere."""
    if os.geteuid():
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, given = _Header(_VERSION_3, 0), (_Capabilities * 2)()
    assert libc.capget(ctypes.byref(header), given) == 0
    before = given[0].effective
    given[0].effective = before & ~(1 << _DAC_OVERRIDE)
    assert libc.capset(ctypes.byref(header), given) == 0
    yield
    given[0].effective = before
    assert libc.capset(ctypes.byref(header), given) == 0
