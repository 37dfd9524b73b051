"""A migrated schema, one for each module; tests keep apart by their customers."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from alerting import migrate
from alerting.settings import AlertingSettings
from tests.databases import PostgresDatabase


@pytest.fixture(scope="module")
def alerting_url(module_database: PostgresDatabase) -> str:
    """The URL of a database in which `alerting migrate` has run."""
    migrate.upgrade(module_database.alerting_owner)
    return module_database.alerting_owner


@pytest.fixture
def connection(alerting_url: str) -> Iterator[psycopg.Connection]:
    """A connection as the role of the service."""
    with psycopg.connect(alerting_url) as opened:
        yield opened


@pytest.fixture
def settings(alerting_url: str) -> AlertingSettings:
    """Settings of a service in that database."""
    return AlertingSettings.model_validate({"database_url": alerting_url, "operations_port": 0})


@pytest.fixture(scope="session")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The delivered files of a small generated bank, 2026-03-31 to 2026-07-01."""
    # Where only what alerting declares is there, no simulator is, and none of these tests run.
    from bank_simulator.generate import generate  # noqa: PLC0415
    from bank_simulator.plan import Plan  # noqa: PLC0415

    out = tmp_path_factory.mktemp("delivered") / "bank"
    generate(Plan(customers=800, first=date(2026, 3, 31), last=date(2026, 7, 1), seed=42), out)
    return out
