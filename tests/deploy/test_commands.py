"""make up, down and status as a person meets them: sentences and exit codes."""

import os
import subprocess
import sys
from pathlib import Path

from deploy.local.accounts import Account

ROOT = Path(__file__).parents[2]


def run(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-m", "deploy.local", *command.split()],
        cwd=ROOT,
        env={"PATH": os.defpath, "CRM_LOCAL_DIR": str(folder)} | variables,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_life_of_local_servers_by_command(folder: Path) -> None:
    assert run("status", folder).returncode == 3

    up = run("--no-fsync up", folder)
    assert up.returncode == 0, up.stderr
    assert up.stdout.count("running") == 3
    assert "topics in memory" in up.stdout
    assert "Everything runs already." in run("up", folder).stdout
    assert run("status", folder).returncode == 0
    assert "OCRM_DATABASE_URL='postgresql://ocrm_app:" in run("env", folder).stdout

    assert run("down", folder).stdout == "Stopped: kafka, redis, postgresql.\n"
    assert run("down", folder).stdout == "Nothing was running.\n"
    assert run("env", folder).returncode == 69
    assert run("remove", folder).returncode == 0
    assert list(folder.iterdir()) == []


def test_a_server_of_the_environment_that_is_absent_is_one_sentence(folder: Path) -> None:
    done = run("up", folder, CRM_KAFKA_BOOTSTRAP="127.0.0.1:1")

    assert done.returncode == 69
    assert done.stderr.startswith("Kafka (Tansu) at CRM_KAFKA_BOOTSTRAP does not answer")
    assert len(done.stderr.splitlines()) == 1


def test_a_port_that_is_no_port_is_one_sentence(folder: Path) -> None:
    done = run("--no-fsync up", folder, CRM_LOCAL_POSTGRESQL_PORT="postgres")

    assert done.returncode == 75
    assert done.stderr == (
        "CRM_LOCAL_POSTGRESQL_PORT is 'postgres': give a port from 1 to 65535, or unset it.\n"
    )


def test_an_account_reaches_a_file_only_through_open_folders(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "file").touch(mode=0o644)
    stranger = Account("stranger", 54321, 54321)

    inner.chmod(0o755)
    assert stranger.may(inner / "file", 4)
    assert not stranger.may(inner / "file", 2)
    inner.chmod(0o700)
    assert not stranger.may(inner / "file", 4)
    assert not stranger.may(inner / "missing", 4)
