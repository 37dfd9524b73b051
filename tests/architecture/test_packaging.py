"""What is installed is what is declared: pinned by hash, from no named index."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = (
    ROOT / "shared",
    *sorted(path.parent for path in ROOT.glob("services/*/pyproject.toml")),
)
COMMANDS = {
    "acrm-batch": "acrm",
    "alerting": "alerting",
    "bank-simulator": "bank-simulator",
    "ocrm-api": "ocrm",
}


def test_every_pin_has_a_hash_and_none_names_an_index() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^(\S+==\S+)", lock, flags=re.MULTILINE)
    assert len(pins) > 50
    assert lock.count(" \\\n    --hash=sha256:") >= len(pins)
    assert not re.search(r"https?://|--index-url|--find-links|file:", lock)


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_every_package_declares_its_own_dependencies_from_the_lock(project: Path) -> None:
    declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    pinned = set(
        re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    names = {
        re.split(r"[\[<>=~! ]", requirement)[0].lower() for requirement in declared["dependencies"]
    }
    assert names - {"crm-shared"} <= pinned
    assert declared["license"] == "Apache-2.0"


def test_every_service_has_one_command_of_its_own() -> None:
    scripts = {
        project.name: tomllib.loads((project / "pyproject.toml").read_text())["project"]["scripts"]
        for project in PROJECTS
        if project.name != "shared"
    }
    assert {name: list(commands) for name, commands in scripts.items()} == {
        name: [command] for name, command in COMMANDS.items()
    }


def test_the_top_level_is_what_the_architecture_says() -> None:
    services = {path.name for path in (ROOT / "services").iterdir() if path.is_dir()}
    assert services == set(COMMANDS)
    for name in ("shared", "deploy", "tests", "docs", "docker-compose.yml", "Makefile", "LICENSE",
                 "README.md", "README.zh-CN.md", "CHANGELOG.md", ".ci/run"):  # fmt: skip
        assert (ROOT / name).exists(), f"{name} is missing"
