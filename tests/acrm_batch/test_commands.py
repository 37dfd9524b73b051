"""What every command has in common: JSON when asked, a bar on a terminal, plain lines elsewhere."""

import json
import os
import re
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from acrm_batch.cli import COMMANDS, app
from acrm_batch.progress import Progress
from acrm_batch.steps import Step
from tests.acrm_batch.conftest import SECOND, Start
from tests.acrm_batch.processes import environment

DATA = Path(__file__).parents[2] / "docs" / "data.md"

DAY = date(2026, 2, 3)

MADE = Step("mart_customers", DAY, "made", "never made", seconds=1.5, rows=1234)
SKIPPED = Step("tag_customers", DAY, "skipped", "nothing changed")
FAILED = Step("pub_coverage", DAY, "failed", "There is [no] room.")


def show(console: Console) -> None:
    """A run of three steps."""
    with Progress(console) as progress:
        progress.phase("making the models")
        progress.expect(3)
        for step in (MADE, SKIPPED, FAILED):
            progress.step(step)


def asked(folder: Path) -> dict[str, list[str]]:
    """A call of each command, in an order in which each finds what it needs."""
    day = ["--date", str(SECOND)]
    return {
        "migrate": [], "wait-inputs": day, "bizdate": [],
        "plan": day, "run": [*day, "--no-events"], "publish": [*day, "--no-events"],
        "backfill": ["--from", str(SECOND), "--to", str(SECOND)],
        "catch-up": ["--to", str(SECOND), "--no-events"],
        "audit": [*day, "--select", "ind_balances"], "status": [],
        "coverage": [*day, "--dry-run"], "report": [*day, "--out", str(folder / "report.html")],
        "lint": [], "lineage": ["LOAN_CNT"], "dictionary": ["IN_BANK/LOAN"],
        "sql": ["select count(*) as customers from customers"],
        "explain": ["1", "VALUE/AUM/WEALTH"], "prune": ["--keep-days", "1000"],
    }  # fmt: skip


def documented() -> dict[str, tuple[bool, set[str]]]:
    """Of each command, whether `--json` prints a list, and the keys that docs/data.md names."""
    found = {}
    for line in DATA.read_text(encoding="utf-8").splitlines():
        if row := re.fullmatch(r"\| ((?:`[a-z-]+`(?:, )?)+) \| (one|list) \| (.*) \|", line):
            for name in re.findall(r"`([a-z-]+)`", row[1]):
                found[name] = (row[2] == "list", set(re.findall(r"`(\w+)`", row[3])))
    return found


def test_what_every_command_prints_as_json_has_the_documented_keys(
    made: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all commands but those that train, which take the history of a bank of years."""
    told = documented()
    calls = asked(tmp_path)
    assert told.keys() == set(COMMANDS)
    assert set(COMMANDS) - calls.keys() == {"train", "train-lifetime"}
    for name, value in environment(made.crm).items():
        monkeypatch.setenv(name, value)
    for name, arguments in calls.items():
        done = CliRunner().invoke(app, [name, *arguments, "--json"])
        assert done.exit_code == 0, (name, done.stderr)
        document = json.loads(done.stdout)
        is_list, keys = told[name]
        assert isinstance(document, list) is is_list, name
        rows = document if is_list else [document]
        assert rows or name == "lint", name
        for row in rows:
            assert set(row) == keys, name


@pytest.mark.parametrize("name", ["train", "train-lifetime"])
def test_commands_that_train_answer_in_json_when_asked(name: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    command = group.get_command(typer.Context(group), name)
    assert command is not None
    assert "--json" in {option for one in command.params for option in one.opts}


def test_a_terminal_has_a_bar_that_counts_the_steps() -> None:
    shown = StringIO()
    show(Console(file=shown, force_terminal=True, width=100, _environ={"TERM": "xterm"}))
    assert "━" in shown.getvalue()
    assert "3/3" in shown.getvalue()
    assert "mart_customers" in shown.getvalue()


def test_a_pipe_has_a_plain_line_for_every_step_that_did_something() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        show(Console(file=file))
    with os.fdopen(reading) as file:
        lines = file.read().splitlines()
    assert lines == [
        "2026-02-03 mart_customers                   made      1,234 rows   1.50 s",
        "2026-02-03 pub_coverage                     failed There is [no] room.",
    ]
