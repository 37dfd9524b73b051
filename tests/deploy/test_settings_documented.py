"""Every setting of a service stands in .env.example, and nothing else does."""

import importlib
import re
from pathlib import Path

import pytest
import yaml
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from alerting.settings import AlertingSettings
from crm_shared.settings import KafkaConsumerSettings, KafkaSettings, LogSettings
from ocrm_api.settings import MigrationSettings, NotifySettings, RedisSettings, Settings
from tests.deploy.test_compose import OURS, documented

ROOT = Path(__file__).parents[2]
#: What has to be filled in, filled in.
FILLED = re.compile(r"\$\{[A-Z_]+:\?[^}]*\}")
#: A variable of the compose file that .env does not set: what stands behind `:-` remains.
UNSET = re.compile(r"\$\{[A-Z_]+(?::-([^}]*)|:\+[^}]*)\}")
OF_THE_INTAKE = (Settings, RedisSettings, KafkaSettings, KafkaConsumerSettings, LogSettings)
MODULES = ("crm_shared", "ocrm_api", "acrm_batch", "alerting")


def variables(settings: type[BaseSettings]) -> set[str]:
    prefix = settings.model_config.get("env_prefix", "")
    names = set()
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            names |= {str(choice) for choice in alias.choices}
        else:
            names.add(str(alias) if alias else f"{prefix}{name}".upper())
    return names


def environment(service: str) -> dict[str, str]:
    text = (ROOT / "docker-compose.yml").read_text()
    given: dict[str, str] = yaml.safe_load(text)["services"][service]["environment"]
    return given


def declared() -> set[str]:
    names: set[str] = set()
    for module in MODULES:
        for value in vars(importlib.import_module(f"{module}.settings")).values():
            if isinstance(value, type) and issubclass(value, BaseSettings):
                names |= variables(value)
    return names


def elsewhere() -> set[str]:
    """Variables that are read by the compose file, the local servers and the demo."""
    places = [ROOT / "docker-compose.yml", *(ROOT / "deploy").rglob("*.py")]
    text = "\n".join(path.read_text() for path in places)
    local = re.findall(r'name: ClassVar\[str\]|^    name = "([a-z]+)"', text, flags=re.MULTILINE)
    ports = {f"CRM_LOCAL_{name.upper()}_PORT" for name in local if name}
    return set(OURS.findall(text)) | ports


def test_every_setting_is_documented() -> None:
    assert declared() - documented() == set()


@pytest.mark.parametrize(
    ("service", "settings"),
    [
        ("ocrm-api", (Settings, RedisSettings, LogSettings)),
        ("ocrm-intake", OF_THE_INTAKE),
        ("ocrm-notify", (Settings, NotifySettings, LogSettings)),
        ("ocrm-migrate", (MigrationSettings, LogSettings)),
        ("alerting", (AlertingSettings, KafkaSettings, KafkaConsumerSettings, LogSettings)),
    ],
)
def test_a_service_of_the_compose_file_is_given_every_setting_of_its_own(
    service: str, settings: tuple[type[BaseSettings], ...]
) -> None:
    wanted = set().union(*map(variables, settings))
    assert wanted - environment(service).keys() == set()


@pytest.mark.parametrize(
    ("service", "settings"),
    [
        ("alerting", AlertingSettings),
        ("alerting", KafkaConsumerSettings),
        ("alerting", LogSettings),
        ("ocrm-intake", Settings),
        ("ocrm-migrate", MigrationSettings),
    ],
)
def test_what_is_not_set_in_dot_env_keeps_its_default_under_compose(
    service: str, settings: type[BaseSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = environment(service)
    for name, value in given.items():
        monkeypatch.setenv(name, UNSET.sub(r"\1", FILLED.sub("0" * 32, value)))
    taken = settings()
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        if UNSET.search(given[f"{prefix}{name}".upper()]) and not field.is_required():
            assert getattr(taken, name) == field.default, name


def test_nothing_is_documented_that_nobody_reads() -> None:
    assert documented() - declared() - elsewhere() == set()
