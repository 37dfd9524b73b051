"""A migrated schema, one for each module; tests keep apart by their customers."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from alerting import migrate
from alerting.settings import AlertingSettings
from crm_shared.kafka_records import Record
from crm_shared.settings import KafkaSettings
from crm_shared.testing.network import free_port
from crm_shared.testing.processes import RunningCommand
from tests.alerting.batches import TOPIC
from tests.alerting.batches import run as run_batch
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


@pytest.fixture(scope="module")
def sent(landing: Path) -> list[Record]:
    """What the core sends of the last delivered day, in its order."""
    from bank_simulator import replay  # noqa: PLC0415  as above

    return [
        Record(TOPIC, 0, number, message.key.encode(), message.body.encode())
        for number, message in enumerate(replay.messages(landing, date(2026, 7, 1)))
    ]


@pytest.fixture
def day(connection: psycopg.Connection, sent: list[Record]) -> psycopg.Connection:
    """A database that has worked on that day."""
    run_batch(connection, sent)
    return connection


@pytest.fixture
def environment_of_run(
    kafka_bootstrap: str, kafka_prefix: str, postgres_database: PostgresDatabase
) -> dict[str, str]:
    """What `alerting run` is started with."""
    migrate.upgrade(postgres_database.alerting_owner)
    return {
        "CRM_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "CRM_KAFKA_TOPIC_PREFIX": kafka_prefix,
        "CRM_KAFKA_CONSUMER_SESSION_TIMEOUT_MS": "2000",
        "ALERTING_DATABASE_URL": postgres_database.alerting_owner,
        "ALERTING_OPERATIONS_PORT": str(free_port()),
        "ALERTING_CANARY_SECONDS": "1",
    }


@pytest.fixture
def kafka_settings(kafka_bootstrap: str, kafka_prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix)


@pytest.fixture
def run(environment_of_run: dict[str, str], tmp_path: Path) -> Iterator[RunningCommand]:
    """`alerting run`, not yet started."""
    command = RunningCommand(["alerting", "run"], environment_of_run, tmp_path / "alerting.log")
    yield command
    if command.started and command.running():
        command.kill()
