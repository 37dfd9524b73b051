"""Sets of parameters: what is taken over, and one sentence for what cannot be planted."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bank_simulator import parameters
from bank_simulator.cli import app
from bank_simulator.parameters import DEFAULTS, FIXED
from crm_shared.errors import UsageError
from tests.bank_simulator.world import HERE, World


def test_the_answers_name_their_parameters(world: World, bank: Path) -> None:
    values = dict(world.plan.parameters.values)
    assert values.keys() == DEFAULTS.keys()
    written = json.loads((bank / "answers" / "answers.json").read_text(encoding="utf-8"))
    assert written["parameter_set"] == "default"
    assert written["scope"]["tiers"] == "the customers that are listed"


def test_a_set_keeps_the_defaults_of_what_it_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "late.yml"
    path.write_text("due.loan_days: 45\ntier.gold_aum: 600000\n", encoding="utf-8")
    found = parameters.load(path)
    assert found.name == "late"
    assert found.values == DEFAULTS | {"due.loan_days": "45", "tier.gold_aum": "600000.00"}


def test_the_second_set_changes_everything_that_can_change() -> None:
    second = parameters.load(HERE / "second_parameters.yml")
    same = {code for code, value in second.values.items() if value == DEFAULTS[code]}
    assert same == FIXED


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no parameters"),
        ("- 3", "has no parameters"),
        ("due.loan_days: [", "not YAML"),
        ("due.lone_days: 3", "due.lone_days, which docs/rules does not know"),
        ("due.loan_days: soon", "write a number like 30"),
        ("due.loan_days: 7.5", "write a number like 30"),
        ("due.loan_days: .inf", "write a number like 30"),
        ("due.loan_days: .nan", "write a number like 30"),
        ("tier.gold_aum: 500000.001", "write a number like 500000.00"),
        ("due.loan_days: 900", "give 8 to 60"),
        ("frequent_transfers.min_count: 6", "leave it at 5"),
        ("coverage.averaging_days: 27", "is odd"),
        ("coverage.averaging_days: 20", "would be key customers"),
        ("tier.affluent: 100000\ntier.wealth: 199999", "tier.wealth"),
    ],
)
def test_what_cannot_be_planted_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "set.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=sentence):
        parameters.load(path)


def test_a_missing_set_is_said_on_the_command_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [
        "generate", "--customers", "800", "--from", "2026-03-01", "--to", "2026-07-01",
        "--out", str(tmp_path / "bank"), "--parameters", str(tmp_path / "nothing.yml"),
    ])  # fmt: skip
    assert result.exit_code == 2
    assert "cannot be read (No such file or directory)" in " ".join(result.output.split())
    assert not (tmp_path / "bank").exists()
