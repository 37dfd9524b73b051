"""Crashes, strangers and silence around local servers."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from deploy.local import processes
from deploy.local.errors import RoleUnusable, ServerDoesNotAnswer
from deploy.local.ports import LOOPBACK
from deploy.local.servers import LocalServers
from deploy.local.state import State

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
NAMES = ("postgresql", "redis", "kafka")


@contextmanager
def listener(port: int = 0) -> Iterator[int]:
    """A stranger who accepts connections and never answers."""
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind((LOOPBACK, port))
        stranger.listen()
        yield stranger.getsockname()[1]


def pids(folder: Path) -> dict[str, int]:
    records = {name: State(folder).read(name) for name in NAMES}
    return {name: record.process.pid for name, record in records.items() if record.process}


def test_kill_9_of_every_server_loses_nothing_committed(folder: Path) -> None:
    servers = LocalServers(folder, durable=True, environment={})
    servers.up()
    with psycopg.connect(servers.environment()["CRM_POSTGRES_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id")
    for pid in pids(folder).values():
        os.kill(pid, signal.SIGKILL)

    assert servers.up() == list(NAMES)

    with psycopg.connect(servers.environment()["CRM_POSTGRES_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_a_stranger_with_the_recorded_pid_is_left_alone(folder: Path) -> None:
    servers = LocalServers(folder, durable=False, environment={})
    servers.up()
    servers.down()
    state = State(folder)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        for name in NAMES:
            record = state.read(name)
            identity = servers_identity(stranger.pid, record.port)
            state.write(name, replace(record, process=identity))
        assert servers.down() == []
        assert servers.up() == list(NAMES)
        assert stranger.poll() is None
        stranger.kill()


def servers_identity(pid: int, port: int | None) -> processes.ProcessIdentity:
    started = psutil.Process(pid).create_time()
    return processes.ProcessIdentity(pid, started, ("redis-server", "--port", str(port)))


def test_a_process_that_has_no_command_line_yet_is_the_one_that_was_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = processes.start(["sleep", "60"], folder / "log")
    with monkeypatch.context() as cold:
        cold.setattr(psutil.Process, "cmdline", lambda self: [])
        assert processes.is_running(started)
    assert processes.stop(started)
    assert not processes.is_running(started)


def test_a_lock_of_postgresql_that_names_a_stranger_does_not_block(folder: Path) -> None:
    servers = LocalServers(folder, durable=False, environment={})
    servers.up()
    servers.down()
    home = State(folder).read("postgresql").home or str(folder / "postgresql")
    lock = Path(home) / "data" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n")

    assert "postgresql" in servers.up()


def test_a_port_taken_meanwhile_is_replaced_and_said(folder: Path) -> None:
    said: list[str] = []
    servers = LocalServers(folder, durable=False, environment={}, report=said.append)
    servers.up()
    servers.down()
    port = State(folder).read("redis").port
    assert port is not None

    with listener(port):
        servers.up()

    assert said == [
        f"Port {port} of Redis is taken by another program: "
        f"using {State(folder).read('redis').port}."
    ]
    assert servers.status()[1].state == "running"


def test_servers_of_the_environment_are_used_and_never_touched(
    running: LocalServers, folder: Path
) -> None:
    guest = LocalServers(folder, environment=running.environment())

    assert guest.up() == []
    assert [line.state for line in guest.status()] == ["external"] * 3
    assert guest.environment() == running.environment()
    assert guest.down() == []
    assert [line.state for line in running.status()] == ["running"] * 3


def test_roles_of_an_external_server_are_derived_from_its_superuser(
    running: LocalServers, folder: Path
) -> None:
    url = running.environment()["CRM_POSTGRES_URL"]
    guest = LocalServers(folder, durable=False, environment={"CRM_POSTGRES_URL": url})

    assert guest.up() == ["redis", "kafka"]
    place = url.rpartition("@")[2]
    wrong = {
        "CRM_POSTGRES_URL": url,
        "OCRM_DATABASE_URL": f"postgresql://ocrm_app:wrong@{place}",
    }
    with pytest.raises(RoleUnusable, match=r"password.*Set OCRM_DATABASE_URL"):
        LocalServers(folder, durable=False, environment=wrong).up()


@pytest.mark.parametrize(
    ("variable", "scheme"),
    [
        ("CRM_POSTGRES_URL", "postgresql://user:secret@{}/crm"),
        ("CRM_REDIS_URL", "redis://{}/0"),
        ("CRM_KAFKA_BOOTSTRAP", "{}"),
    ],
)
def test_an_external_server_that_never_answers_is_said_in_time(
    folder: Path, variable: str, scheme: str
) -> None:
    with listener() as port:
        url = scheme.format(f"{LOOPBACK}:{port}")
        servers = LocalServers(folder, durable=False, environment={variable: url})
        begin = time.monotonic()
        with pytest.raises(ServerDoesNotAnswer, match=f"{variable} does not answer") as refusal:
            servers.up()

    assert time.monotonic() - begin < 20
    assert "secret" not in str(refusal.value)


def test_a_killed_program_leaves_no_server(folder: Path) -> None:
    program = (
        "import os, sys\n"
        "from deploy.local.servers import LocalServers\n"
        "with LocalServers(sys.argv[1], durable=False, environment={}):\n"
        "    print(open(sys.argv[1] + '/servers.json').read(), flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL
    started = processes_of(done.stdout)
    assert len(started) == 3

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(map(processes.is_running, started)):
        time.sleep(0.1)
    assert not any(map(processes.is_running, started))


def processes_of(text: str) -> list[processes.ProcessIdentity]:
    content = json.loads(text)
    return [processes.ProcessIdentity.from_json(content[name]["process"]) for name in NAMES]
