"""The command line: what works, and one sentence with an exit code for what cannot."""

import errno
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bank_simulator import extracts
from bank_simulator.cli import app

PERIOD = ["--from", "2026-04-01", "--to", "2026-07-01"]


def run(*arguments: str) -> tuple[int, str]:
    """The exit code and everything that was printed, on one line."""
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, " ".join(result.output.split())


def test_answers_counts_what_was_planted(bank: Path) -> None:
    code, text = run("answers", "--out", str(bank), "--json")
    assert code == 0
    assert json.loads(text)["counts"]["over_contact"]["one_contact_above_the_cap"] == 1


def test_answers_prints_a_line_per_answer(bank: Path) -> None:
    code, text = run("answers", "--out", str(bank))
    assert code == 0
    assert "movements" in text


def test_answers_of_nothing_are_not_ready(tmp_path: Path) -> None:
    code, text = run("answers", "--out", str(tmp_path))
    assert code == 75
    assert "name the folder of a bank" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--customers", "10", *PERIOD], "out of range"),
        (["--customers", "99999999", *PERIOD], "out of range"),
        (["--customers", "800", "--from", "2026-07-01", "--to", "2026-04-01"], "exchange"),
        (["--customers", "800", "--from", "2026-06-01", "--to", "2026-07-01"], "too short"),
        (["--customers", "800", "--from", "2001-06-01", "--to", "2026-07-01"], "too long"),
        (["--customers", "800", *PERIOD, "--seed", "-1"], "--seed -1 is out of range"),
        (["--customers", "800", "--from", "yesterday", "--to", "2026-07-01"], "not a date"),
    ],
)
def test_what_cannot_be_generated_is_said(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    code, text = run("generate", *arguments, "--out", str(tmp_path / "bank"))
    assert code == 2
    assert sentence in text
    assert not (tmp_path / "bank").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    code, text = run("generate", "--customers", "800", *PERIOD, "--out", str(tmp_path))
    assert code == 2
    assert "is not empty" in text
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, text = run(
        "generate", "--customers", "800", *PERIOD, "--out", str(tmp_path / "file" / "x")
    )
    assert code == 1
    assert "cannot be written" in text


@pytest.mark.usefixtures("permissions_hold")
def test_no_permission_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    code, text = run("generate", "--customers", "800", *PERIOD, "--out", str(tmp_path / "bank"))
    assert code == 1
    assert "no permission" in text


def test_a_full_disk_is_said_and_leaves_no_workshop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(extracts.Delivery, "_store", full)
    code, text = run("generate", "--customers", "800", *PERIOD, "--out", str(tmp_path / "bank"))
    assert code == 1
    assert "is full" in text
    assert not (tmp_path / "bank" / ".workshop").exists()


def test_replaying_a_day_that_is_not_there_is_not_ready(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    code, text = run("replay", "--landing", str(bank), "--date", "2020-01-01")
    assert code == 75
    assert "has not arrived" in text


def test_replaying_without_a_broker_named_is_said(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRM_KAFKA_BOOTSTRAP", raising=False)
    code, text = run("replay", "--landing", str(bank), "--date", "2026-07-01")
    assert code == 2
    assert "CRM_KAFKA_BOOTSTRAP" in text


def test_importing_from_no_folder_is_said(tmp_path: Path) -> None:
    code, text = run("import", "berka", str(tmp_path / "none"), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "holds the .asc files" in text
