"""docker-compose.yml and .env.example, as far as they can be judged without an engine."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperGroup

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"ocrm-migrate", "acrm-migrate", "alerting-migrate", "acrm"}
COMMANDS = {"ocrm": "ocrm_api.cli", "acrm": "acrm_batch.cli", "alerting": "alerting.cli"}
OURS = re.compile(r"\b(?:CRM|OCRM|ACRM|ALERTING)_[A-Z_]+\b")


def documented() -> set[str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {
        found.group(1) for line in lines if (found := re.fullmatch(r"(?:# )?([A-Z_]+)=.*", line))
    }


def required() -> set[str]:
    """What .env.example leaves to be filled in."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {line.rstrip("=") for line in lines if re.fullmatch(r"[A-Z_]+=", line)}


def test_the_system_is_the_one_of_the_architecture() -> None:
    assert set(SERVICES) == {
        "postgresql",
        "redis",
        "kafka",
        "ocrm-api",
        "ocrm-intake",
        "ocrm-notify",
        "alerting",
    } | (ONE_SHOT)
    assert SERVICES["postgresql"]["image"].startswith("postgres:18")
    assert SERVICES["redis"]["image"].startswith("redis:8")
    assert SERVICES["kafka"]["image"].startswith("apache/kafka:4.")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_does_not_run_as_root(name: str) -> None:
    assert SERVICES[name]["user"] not in ("", "0", "root")
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_a_service_that_stays_has_a_health_check_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_a_task_runs_once(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_become_true(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert wait == {"condition": wanted}


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_of_ours_is_built_from_a_service_folder(name: str) -> None:
    build = SERVICES[name].get("build")
    if build is None:
        assert not SERVICES[name]["image"].startswith("tulou/")
        return
    assert (ROOT / build["dockerfile"]).is_file()
    assert (ROOT / "services" / build["args"]["SERVICE"] / "pyproject.toml").is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_volumes_and_mounted_files_exist(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("./"):
            assert (ROOT / source).exists()
        elif not source.startswith("$"):
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", ["acrm", "alerting"])
def test_who_reads_the_delivered_files_finds_them_and_cannot_change_them(name: str) -> None:
    (mounted,) = [one for one in SERVICES[name]["volumes"] if "CRM_LANDING_DIR" in one]
    assert (
        mounted
        == f"${{CRM_LANDING_DIR:-./landing}}:{SERVICES[name]['environment']['CRM_LANDING_DIR']}:ro"
    )


@pytest.mark.parametrize("name", sorted(name for name in SERVICES if "build" in SERVICES[name]))
def test_a_service_is_started_by_a_command_that_exists(name: str) -> None:
    program, command = [*SERVICES[name].get("entrypoint", []), *SERVICES[name]["command"]][:2]
    known = typer.main.get_command(importlib.import_module(COMMANDS[program]).app)

    listed = known.list_commands(typer.Context(known)) if isinstance(known, TyperGroup) else []
    assert command in [*listed, "--help"]


def test_every_variable_of_the_compose_file_is_documented() -> None:
    named = set(OURS.findall((ROOT / "docker-compose.yml").read_text()))

    assert named - documented() == set()


def test_what_the_compose_file_demands_is_what_has_to_be_filled_in() -> None:
    demanded = re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "docker-compose.yml").read_text())

    assert set(demanded) == required()


def test_no_password_or_key_has_a_value_in_the_repository() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if name.endswith(("PASSWORD", "KEY")) or name == "REDISCLI_AUTH":
                assert str(value).startswith("${")


def test_the_image_runs_as_an_ordinary_user_and_installs_by_hash() -> None:
    text = (ROOT / "deploy" / "docker" / "service.Dockerfile").read_text()

    assert "\nUSER 10001\n" in text
    assert "--require-hashes" in text
    assert "--no-index" in text
