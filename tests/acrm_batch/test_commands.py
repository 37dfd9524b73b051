"""What every command has in common: JSON when asked, a bar on a terminal, plain lines elsewhere."""

import os
from datetime import date
from io import StringIO

import pytest
import typer
from rich.console import Console

from acrm_batch.cli import COMMANDS, app
from acrm_batch.progress import Progress
from acrm_batch.steps import Step

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


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_in_json_when_asked(name: str) -> None:
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
