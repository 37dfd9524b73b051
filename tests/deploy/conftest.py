"""Folders for sets of servers that a test starts and breaks itself."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.servers import LocalServers


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty data folder; whatever was started in it is gone after the test."""
    with tempfile.TemporaryDirectory(prefix="tulou-local-") as name:
        Path(name).chmod(0o711)
        yield Path(name)
        LocalServers(name, environment={}).remove()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """A set of servers for tests that only look."""
    name = tmp_path_factory.mktemp("local")
    with LocalServers(name, durable=False, environment={}) as servers:
        yield servers
