"""The server as a real process: two workers, and an end that an open stream does not hold up."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.ocrm_api.conftest import PASSWORD, Bank

OCRM = Path(sys.executable).with_name("ocrm")


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["1", "2"])
def server(
    request: pytest.FixtureRequest, own_bank: Bank, environment: dict[str, str], tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`ocrm serve` with one worker, and with two."""
    port = free_port()
    with (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [OCRM, "serve", "--port", str(port), "--workers", request.param],
            env=environment | own_bank.database.environment() | {"OCRM_DEMO": "1"},
            stdout=log, stderr=log,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            assert httpx.get(f"{address}/readyz").status_code == 200
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline, (tmp_path / "serve.log").read_text()
            time.sleep(0.2)
    yield process, address
    if process.poll() is None:
        process.kill()
    process.wait()


def test_sigterm_ends_it_soon_with_a_stream_open(
    server: tuple[subprocess.Popen[bytes], str],
) -> None:
    process, address = server
    login = {"login": "m1", "password": PASSWORD}
    token = httpx.post(f"{address}/v1/session", json=login).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with (
        httpx.Client(timeout=30) as client,
        client.stream("GET", f"{address}/v1/reminders/stream", headers=headers) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "event: ready"
        asked_at = time.monotonic()
        process.terminate()
        assert process.wait(20) in (0, -15)
        assert time.monotonic() - asked_at < 8
