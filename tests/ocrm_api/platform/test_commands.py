"""The command line: migrations, demo users, dead letters."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from crm_shared.reminder_rules import RULES
from crm_shared.testing.waiting import wait_until
from ocrm_api import demo_users, health, migrate
from ocrm_api.settings import Settings
from tests.databases import PostgresDatabase
from tests.ocrm_api.conftest import Api, Bank, make_app, running

OCRM = Path(sys.executable).with_name("ocrm")


def run(
    database: PostgresDatabase, environment: dict[str, str], *arguments: str, demo: str = "1"
) -> subprocess.CompletedProcess[str]:
    """Run the command on a database."""
    return subprocess.run(
        [OCRM, *arguments],
        env=environment | database.environment() | {"OCRM_DEMO": demo},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_migrating_twice_changes_nothing(
    postgres_database: PostgresDatabase, environment: dict[str, str]
) -> None:
    for _ in range(2):
        result = run(postgres_database, environment, "migrate")
        assert (result.returncode, result.stdout) == (
            0,
            f"Schema ocrm is at version {migrate.head()}.\n",
        )


def test_an_index_whose_making_is_broken_off_is_named_and_made_anew(
    own_bank: Bank, environment: dict[str, str]
) -> None:
    for statement in (
        "drop table ocrm.rule_outcomes, ocrm.notification_items, ocrm.notifications,"
        " ocrm.notification_preferences, ocrm.closed_routes",
        "drop index ocrm.reminders_raised, ocrm.intake_dead_letters_record",
        'alter table ocrm.intake_dead_letters add primary key (topic, partition, "offset")',
        "alter table ocrm.intake_offsets drop column topic_id, drop column missing,"
        " drop column missing_at, drop column canary_at",
        "update ocrm.alembic_version set version_num = '0007'",
    ):
        own_bank.execute(statement)
    making = "from pg_stat_activity where query like 'create index concurrently reminders_raised%%'"
    with (
        ThreadPoolExecutor(1) as aside,
        psycopg.connect(own_bank.database.superuser) as writer,
    ):
        writer.execute("lock table ocrm.reminders in row exclusive mode")
        migrating = aside.submit(run, own_bank.database, environment, "migrate")
        wait_until(
            lambda: own_bank.execute(f"select pid {making} and wait_event_type = 'Lock'"),
            "the index to wait for who writes",
            seconds=60,
        )
        own_bank.execute(f"select pg_cancel_backend(pid) {making}")
        broken_off = migrating.result(60)
    assert broken_off.returncode == 1
    assert "it left an index half made (reminders_raised)" in broken_off.stderr
    assert run(own_bank.database, environment, "migrate").returncode == 0
    found = own_bank.execute(
        "select pg_get_indexdef(indexrelid), indisvalid from pg_index"
        " where indexrelid = 'ocrm.reminders_raised'::regclass"
    )
    assert (found[0][0].endswith("(lead_branch_id, raised_at)"), found[0][1]) == (True, True)


def test_a_migration_without_rights_says_so(
    postgres_database: PostgresDatabase, environment: dict[str, str]
) -> None:
    wrong = environment | {"OCRM_MIGRATION_URL": postgres_database.ocrm_app}
    result = subprocess.run(
        [OCRM, "migrate"], env=wrong, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "it changed nothing" in result.stderr


def test_a_missing_setting_is_named(environment: dict[str, str]) -> None:
    env = {name: value for name, value in environment.items() if name != "OCRM_DATABASE_URL"}
    result = subprocess.run([OCRM, "serve"], env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "OCRM_DATABASE_URL is not set" in result.stderr


async def test_demo_users_are_one_of_each_kind_and_can_log_in(own_api: Api, own_bank: Bank) -> None:
    own_bank.raise_reminder(1)
    settings: Settings = own_api.app.state.settings
    demo_users.create(settings)
    users = {user["login"]: user for user in demo_users.create(settings)}
    assert {login: user["employee_id"] for login, user in users.items()} == {
        "manager": "M1", "lead-head": "H1", "assist-head": "H2", "operations": "OP",
    }  # fmt: skip
    for user in users.values():
        answer = await own_api.http.post(
            "/v1/session", json={"login": user["login"], "password": user["password"]}
        )
        assert answer.status_code == 201


async def test_a_new_password_ends_the_sessions_of_the_old_one(own_api: Api) -> None:
    settings: Settings = own_api.app.state.settings
    tokens = []
    for _ in range(2):
        made = {user["login"]: user for user in demo_users.create(settings, ["M1", "M2"])}
        given = {"login": "m1", "password": made["m1"]["password"]}
        answer = await own_api.http.post("/v1/session", json=given)
        tokens.append(answer.json()["token"])
    codes = [
        (await own_api.http.get("/v1/me", headers={"Authorization": f"Bearer {one}"})).status_code
        for one in tokens
    ]
    assert codes == [401, 200]


def test_a_parameter_is_set_once_for_a_day_and_audited(
    own_bank: Bank, environment: dict[str, str]
) -> None:
    given = ("set-parameter", "reminder.expiry_days", "9", "--from", "2020-01-01")
    entity = ("--legal-entity", "L1", "--rule", "R02.LOAN_MATURES")
    assert run(own_bank.database, environment, *given, *entity).returncode == 0
    listed = run(own_bank.database, environment, "parameters").stdout.splitlines()
    expiry = next(one for one in map(json.loads, listed) if one["code"] == "reminder.expiry_days")
    value = {"legal_entity_id": "L1", "rule_code": "R02.LOAN_MATURES", "value": 9}
    assert (expiry["name"], expiry["values"]) == ("提醒失效天数", [value])
    assert own_bank.execute("select details ->> 'value' from ocrm.audit_log") == [("9",)]
    of_an_hour = {"R05.LOBBY_ARRIVAL"}
    rules = [code for code, rule in RULES.items() if rule.priority == 1 and code not in of_an_hour]
    pressing = {"value": 8, "rules": rules}
    of = {one["code"]: one for one in map(json.loads, listed)}
    assert pressing in of["reminder.escalation_hours"]["defaults"]
    assert of["reminder.snooze_max_days"]["defaults"] == [{"value": 30, "rules": ["*"]}]
    assert (expiry["unit"], expiry["unit_en"]) == ("天", "days")
    for wrong, sentence in (
        ((*given, *entity), "choose another day"),
        (("set-parameter", "nothing", "9", "--from", "2020-01-01"), "take one of"),
        (("set-parameter", "reminder.expiry_days", "99999", "--from", "2020-01-01"), "0 to 3650"),
        ((*given, "--rule", "R99.NOTHING"), "is no rule"),
        ((*given, "--legal-entity", "L9"), "L9 is no legal entity; take one of L1, L2,"),
    ):
        refused = run(own_bank.database, environment, *wrong)
        assert (refused.returncode, sentence in refused.stderr) == (2, True), refused.stderr


def test_demo_users_are_for_demos_only(own_bank: Bank, environment: dict[str, str]) -> None:
    key = {"OCRM_SIGNING_KEY": "k" * 32}
    refused = run(own_bank.database, environment | key, "create-demo-users", demo="0")
    assert (refused.returncode, "OCRM_DEMO=1" in refused.stderr) == (2, True)
    named = run(own_bank.database, environment, "create-demo-users", "M2")
    assert json.loads(named.stdout)[0]["branch_ids"] == ["B2"]
    unknown = run(own_bank.database, environment, "create-demo-users", "E9")
    assert (unknown.returncode, "E9 holds no role" in unknown.stderr) == (2, True)


async def test_readiness_names_what_is_missing(
    own_api: Api, own_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.0)
    assert (await own_api.get(None, "/readyz"))["checks"]["publication"] == "2026-06-30"
    own_bank.execute("update ocrm.alembic_version set version_num = '0001'")
    answer = await own_api.call(None, "GET", "/readyz")
    assert answer.status_code == 503
    assert "run `ocrm migrate`" in answer.json()["checks"]["migrations"]
    own_api.app.state.stopping.set()
    assert (await own_api.call(None, "GET", "/readyz")).json()["status"] == "stopping"


async def test_readiness_asks_the_database_once_a_second(own_api: Api, own_bank: Bank) -> None:
    assert (await own_api.call(None, "GET", "/readyz")).status_code == 200
    own_bank.execute("update ocrm.alembic_version set version_num = '0001'")
    assert (await own_api.call(None, "GET", "/readyz")).status_code == 200
    await asyncio.sleep(health.CHECK_SECONDS)
    assert (await own_api.call(None, "GET", "/readyz")).status_code == 503


@pytest.mark.faults
async def test_without_postgresql_the_answer_is_a_problem(own_bank: Bank, redis_url: str) -> None:
    app = make_app(own_bank, redis_url, database_url="postgresql://x@127.0.0.1:9/x")
    own_bank.tokens["M1"] = "any"
    async with running(app, own_bank) as api:
        answer = await api.call("M1", "GET", "/v1/customers")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert (await api.call(None, "GET", "/livez")).status_code == 200
        ready = await api.call(None, "GET", "/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"].startswith("PostgreSQL does not answer")
