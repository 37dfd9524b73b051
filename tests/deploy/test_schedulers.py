"""What starts the batch at night and the check of the day: the DAG, crontabs, systemd units."""

import ast
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import alerting.cli
from acrm_batch.cli import COMMANDS

DEPLOY = Path(__file__).parents[2] / "deploy"
DAG = DEPLOY / "airflow" / "dags" / "acrm_nightly.py"
CRONTAB = DEPLOY / "cron" / "acrm.crontab"
CHECK = DEPLOY / "cron" / "alerting.crontab"
UNITS = sorted((DEPLOY / "systemd").iterdir())


def called() -> dict[str, list[str]]:
    """The commands of the batch that each file calls."""
    calls = [
        node.args[0].value
        for node in ast.walk(ast.parse(DAG.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "acrm"
        and isinstance(node.args[0], ast.Constant)
    ]  # fmt: skip
    found = {DAG.name: [str(call) for call in calls]}
    for path in (CRONTAB, *UNITS):
        found[path.name] = re.findall(r"\bacrm ([a-z-]+) --", path.read_text())
    return found


def test_everything_that_is_called_is_a_command() -> None:
    found = called()
    assert found[DAG.name] == ["wait-inputs", "run", "prune"]
    assert {one for calls in found.values() for one in calls} <= set(COMMANDS)
    assert found[CRONTAB.name] == ["catch-up", "catch-up", "catch-up", "prune"]


def test_the_dag_is_python() -> None:
    compile(DAG.read_text(), str(DAG), "exec")


def test_the_day_before_is_checked_by_cron_and_by_systemd() -> None:
    known = typer.main.get_command(alerting.cli.app)
    assert isinstance(known, TyperGroup)
    for path in (CHECK, DEPLOY / "systemd" / "alerting-completeness.service"):
        (command,) = re.findall(r"\balerting ([a-z-]+) --", path.read_text())
        assert command in known.list_commands(typer.Context(known))


@pytest.mark.parametrize(("crontab", "number"), [(CRONTAB, 4), (CHECK, 1)])
def test_a_line_of_a_crontab_has_five_times_a_user_and_a_shell_command(
    crontab: Path, number: int
) -> None:
    lines = [line for line in crontab.read_text().splitlines() if line and line[0] not in "#"]
    jobs = [line for line in lines if "=" not in line.split()[0]]
    assert len(jobs) == number
    for line in jobs:
        *times, user, command = line.split(maxsplit=6)
        assert all(re.fullmatch(r"[\d*/,-]+", one) for one in times) and user == "crm"
        assert "%" not in command.replace("\\%", ""), "cron takes % for the end of the line"
        subprocess.run(["bash", "-n", "-c", command.replace("\\%", "%")], check=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for path in UNITS:
        # The program is not installed where the tests run.
        text = re.sub(r"/opt/tulou/bin/(acrm|alerting)", "/bin/true", path.read_text())
        (tmp_path / path.name).write_text(text)
    files = shlex.join(str(tmp_path / path.name) for path in UNITS)
    done = subprocess.run(
        ["bash", "-c", f"systemd-analyze verify {files}"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    told = [line for line in done.stderr.splitlines() if "acrm" in line or "alerting" in line]
    assert (done.returncode, told) == (0, [])


def test_systemd_looks_as_late_as_cron_does_and_then_says_what_is_missing() -> None:
    assert "\n5        8 * * *" in CRONTAB.read_text()
    timer = (DEPLOY / "systemd" / "acrm-late.timer").read_text()
    assert "OnCalendar=*-*-* 08:05:00 Asia/Shanghai" in timer
    assert "SuccessExitStatus" not in (DEPLOY / "systemd" / "acrm-late.service").read_text()


def test_every_timer_has_its_service() -> None:
    names = {path.name for path in UNITS}
    assert {name.replace(".timer", ".service") for name in names} <= names
