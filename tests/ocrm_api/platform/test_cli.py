"""The command `ocrm` as a whole: every command is found, and none loads what it does not need."""

import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from ocrm_api.cli import COMMANDS, app

_LOADED = """
import sys
from typer.testing import CliRunner
from ocrm_api.cli import app
assert CliRunner().invoke(app, [*sys.argv[1:], "--help"]).exit_code == 0
print(*sorted({"fastapi", "uvicorn", "kafka", "alembic"} & sys.modules.keys()))
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_says_what_it_does(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert (result.exit_code, f"Usage: root {name}" in result.output) == (0, True), result.output
    assert name in CliRunner().invoke(app, ["--help"]).output


def test_a_command_that_is_none_is_refused() -> None:
    assert CliRunner().invoke(app, ["migrat"]).exit_code == 2


def test_every_command_of_a_module_is_listed() -> None:
    for module in set(COMMANDS.values()):
        own = import_module(f"ocrm_api.{module}").app.registered_commands
        listed = [name for name, of in COMMANDS.items() if of == module]
        assert len(own) == len(listed) or len(listed) == 1


@pytest.mark.parametrize(
    "words", [["parameters"], ["notifications", "list"], ["notifications", "prefer"]]
)
def test_a_small_command_loads_neither_the_interface_nor_kafka(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
