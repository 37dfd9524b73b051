"""The real servers, shared by all tests; each test gets its own database and topics."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis

from deploy.local import processes
from deploy.local.servers import LocalServers
from deploy.local.state import State
from tests.databases import PostgresDatabase, fresh_database, template_database

#: The same examples at every run, however busy the machine is.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")

#: Fixtures that start servers or make a whole bank.
HEAVY_FIXTURES = {"servers", "bank", "imported", "landing"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--light`: only the tests that start no server, make no bank and are not slow."""
    parser.addoption("--light", action="store_true", default=False)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """A process more than there are processors, unless the environment says how many: many tests
    wait for servers, commands and rebalances, and another can use the processor meanwhile."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    # Those that we may use: a container may have few of many.
    affinity = getattr(os, "sched_getaffinity", None)  # there is none on macOS
    return (len(affinity(0)) if affinity else os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is heavy, if so asked."""
    if config.getoption("--light"):
        heavy = [
            item
            for item in items
            if item.get_closest_marker("slow")
            or HEAVY_FIXTURES & set(getattr(item, "fixturenames", ()))
        ]
        config.hook.pytest_deselected(items=heavy)
        items[:] = [item for item in items if item not in heavy]


@pytest.fixture(scope="session")
def servers() -> Iterator[LocalServers]:
    """PostgreSQL, Redis and a Kafka-protocol broker of this test run; the environment may name
    others (CRM_POSTGRES_URL, CRM_REDIS_URL, CRM_KAFKA_BOOTSTRAP)."""
    with tempfile.TemporaryDirectory(prefix="tulou-tests-") as folder:
        Path(folder).chmod(0o711)
        with LocalServers(folder, durable=False) as running:
            state = State(Path(folder))
            records = [state.read(name) for name in ("postgresql", "redis", "kafka")]
            yield running
        started = [record.process for record in records if record.process is not None]
        assert not [process for process in started if processes.is_running(process)]


@pytest.fixture(scope="session")
def environment(servers: LocalServers) -> dict[str, str]:
    """The variables by which a service finds the servers, and Python the code under test."""
    code = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    return code | servers.environment()


@pytest.fixture(scope="session")
def postgres_template(environment: dict[str, str]) -> Iterator[str]:
    """The name of a database with the roles and schemas of the services, to copy."""
    with template_database(environment) as name:
        yield name


@pytest.fixture
def postgres_database(
    environment: dict[str, str], postgres_template: str
) -> Iterator[PostgresDatabase]:
    """A database of this test alone."""
    with fresh_database(environment, postgres_template) as database:
        yield database


@pytest.fixture(scope="module")
def module_database(
    environment: dict[str, str], postgres_template: str
) -> Iterator[PostgresDatabase]:
    """A database that the tests of one module share."""
    with fresh_database(environment, postgres_template) as database:
        yield database


@pytest.fixture
def redis_url(environment: dict[str, str]) -> str:
    """Redis, emptied unless it is somebody else's."""
    url = environment["CRM_REDIS_URL"]
    if os.environ.get("CRM_REDIS_URL") != url:
        with redis.Redis.from_url(url) as client:
            client.flushall()
    return url


@pytest.fixture(scope="session")
def kafka_bootstrap(environment: dict[str, str]) -> str:
    """HOST:PORT of the broker."""
    return environment["CRM_KAFKA_BOOTSTRAP"]


@pytest.fixture
def kafka_prefix() -> str:
    """A prefix of topics and groups (CRM_KAFKA_TOPIC_PREFIX) that no other test uses."""
    return f"test-{secrets.token_hex(4)}."
