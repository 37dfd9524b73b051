"""The broker of the fault tests: Apache Kafka where it is asked for, else that of all tests."""

from collections.abc import Iterator

import pytest

from deploy.local.ports import LOOPBACK
from tests.faults import broker


@pytest.fixture(scope="session")
def kafka_bootstrap(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """HOST:PORT of the broker of tests that do nothing to it."""
    if not broker.APACHE_KAFKA:
        yield environment["CRM_KAFKA_BOOTSTRAP"]
        return
    with broker.broker(tmp_path_factory.mktemp("kafka")) as opened:
        yield f"{LOOPBACK}:{opened.network.port}"
