"""A migrated schema, one for each module; tests keep apart by their customers."""

from collections.abc import Iterator

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
