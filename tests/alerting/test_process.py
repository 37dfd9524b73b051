"""The real process on the real servers: start, work, orderly end, and starts that cannot be."""

import signal
import socket
import urllib.error
import urllib.request
from datetime import date, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest

from crm_shared.events import reminders, transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.network import TcpProxy, free_port
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.bookings import (
    NOON,
    Event,
    booking,
    expected_reminders,
    transfer_out,
)
from tests.alerting.publications import publish
from tests.alerting.running import EVENTS, raised
from tests.databases import PostgresDatabase

pytestmark = pytest.mark.kafka


def _probe(environment: dict[str, str], path: str) -> int:
    url = f"http://127.0.0.1:{environment['ALERTING_OPERATIONS_PORT']}{path}"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def _canaries(environment: dict[str, str]) -> tuple[int, int] | None:
    """Partitions that have worked on no canary, and dead letters."""
    with psycopg.connect(environment["ALERTING_DATABASE_URL"]) as connection:
        return connection.execute(
            "select (select count(*) from alerting.partitions where canary_at is null),"
            " (select count(*) from alerting.dead_letters)"
        ).fetchone()


def _owners(environment: dict[str, str]) -> set[str]:
    with psycopg.connect(environment["ALERTING_DATABASE_URL"]) as connection:
        return {row[0] for row in connection.execute("select owner from alerting.partitions")}


def test_events_become_reminders_on_the_topic(
    run: RunningCommand, environment_of_run: dict[str, str], kafka_settings: KafkaSettings
) -> None:
    run.start()
    topics.publish(kafka_settings, transactions.TOPIC, EVENTS)
    wait_until(lambda: len(raised(kafka_settings)) == 2, "two reminders")
    assert raised(kafka_settings) == expected_reminders(EVENTS)
    wait_until(lambda: _canaries(environment_of_run) == (0, 0), "a canary in every partition")
    told = topics.read_all(kafka_settings, reminders.TOPIC, canaries=True)
    assert {one.partition for one in told if one.key == b"canary"} >= {
        one.partition for one in topics.read_all(kafka_settings, reminders.TOPIC)
    }
    assert _probe(environment_of_run, "/readyz") == 200
    assert _probe(environment_of_run, "/livez") == 200
    assert _probe(environment_of_run, "/metrics") == 200
    assert _owners(environment_of_run) == {f"{socket.gethostname()}:{run.pid}"}
    run.send(signal.SIGTERM)
    assert run.wait(15) == 0
    assert '"stopped"' in run.text()


def test_changed_parameters_are_in_force_within_seconds(
    run: RunningCommand,
    environment_of_run: dict[str, str],
    kafka_settings: KafkaSettings,
    postgres_database: PostgresDatabase,
) -> None:
    run.start()
    wait_until(lambda: _probe(environment_of_run, "/readyz") == 200, "readiness")
    with psycopg.connect(postgres_database.alerting_owner) as connection:
        connection.execute(
            "insert into alerting.rules (code, version, parameters, effective_from)"
            ' select code, 2, parameters || \'{"movement.individual_min_amount": "5"}\', now()'
            " from alerting.rules where code = 'R01.LARGE_INFLOW'"
        )
    wait_until(lambda: "rules_changed" in run.text(), "the new rules")
    topics.publish(kafka_settings, transactions.TOPIC, [booking(2, amount="10.00")])
    wait_until(lambda: len(raised(kafka_settings)) == 1, "a reminder by the new threshold")
    message = topics.read_all(kafka_settings, reminders.TOPIC)[0].value or b""
    assert b'"rule_version":2' in message


def test_parameters_of_a_tier_are_taken_over_and_wait_for_what_cannot_be_read(
    run: RunningCommand,
    environment_of_run: dict[str, str],
    kafka_settings: KafkaSettings,
    postgres_database: PostgresDatabase,
) -> None:
    publish(postgres_database, date(2026, 5, 31), {"B01": "A"}, {1: "gold", 2: "profit"})
    with psycopg.connect(postgres_database.acrm_owner) as owner:
        owner.execute("revoke select on acrm.customer_tiers from alerting_owner")
    run.start()
    wait_until(lambda: _probe(environment_of_run, "/readyz") == 200, "it works")
    overrides = '[{"tier": "gold", "parameters": {"movement.individual_min_amount": "1000.00"}}]'
    with psycopg.connect(environment_of_run["ALERTING_DATABASE_URL"]) as connection:
        connection.execute(
            "insert into alerting.rules (code, version, parameters, effective_from)"
            " select code, 2, parameters || jsonb_build_object('overrides', %s::jsonb), now()"
            " from alerting.rules where code = 'R01.LARGE_INFLOW'",
            (overrides,),
        )
    wait_until(lambda: "rules_changed" in run.text(), "the version is taken over")
    events = [booking(one, customer_id=one, amount="1000.00") for one in (1, 2)]
    topics.publish(kafka_settings, transactions.TOPIC, events)
    wait_until(lambda: "run `acrm migrate`" in run.text(), "it says what it waits for")
    assert raised(kafka_settings) == {}
    with psycopg.connect(postgres_database.acrm_owner) as owner:
        owner.execute("grant select on acrm.customer_tiers to alerting_owner")
    wait_until(lambda: len(raised(kafka_settings)) == 1, "the reminder of the gold customer")
    with psycopg.connect(environment_of_run["ALERTING_DATABASE_URL"]) as connection:
        rows = connection.execute("select customer_id, scope from alerting.evidence").fetchall()
    assert rows == [(1, "/gold")]


@pytest.mark.slow
def test_a_database_that_swallows_everything_is_noticed_and_nothing_is_lost(
    run: RunningCommand,
    environment_of_run: dict[str, str],
    kafka_settings: KafkaSettings,
) -> None:
    real = urlsplit(environment_of_run["ALERTING_DATABASE_URL"])
    with TcpProxy(real.hostname or "", real.port or 5432) as proxy:
        login = real.netloc.rpartition("@")[0]
        environment_of_run["ALERTING_DATABASE_URL"] = real._replace(
            netloc=f"{login}@127.0.0.1:{proxy.port}"
        ).geturl()
        environment_of_run["ALERTING_STATEMENT_TIMEOUT_SECONDS"] = "1"
        run.with_environment(environment_of_run).start()
        wait_until(lambda: _probe(environment_of_run, "/readyz") == 200, "readiness")
        proxy.black_hole()
        topics.publish(kafka_settings, transactions.TOPIC, EVENTS)
        wait_until(lambda: _probe(environment_of_run, "/readyz") == 503, "not ready", seconds=40)
        assert _probe(environment_of_run, "/livez") == 200
        proxy.black_hole(False)
        wait_until(lambda: len(raised(kafka_settings)) == 2, "two reminders", seconds=60)
        assert raised(kafka_settings) == expected_reminders(EVENTS)
        assert run.stop() == 0


def test_without_a_database_it_says_so_and_asks_to_be_started_later(
    run: RunningCommand, environment_of_run: dict[str, str]
) -> None:
    url = f"postgresql://alerting_owner@127.0.0.1:{free_port()}/crm"
    run.with_environment(environment_of_run | {"ALERTING_DATABASE_URL": url}).start()
    assert run.wait(40) == 75
    assert "PostgreSQL at 127.0.0.1" in run.text().splitlines()[-1]


@pytest.mark.slow
def test_without_a_broker_it_says_so_and_asks_to_be_started_later(
    run: RunningCommand, environment_of_run: dict[str, str]
) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    run.with_environment(environment_of_run | {"CRM_KAFKA_BOOTSTRAP": nowhere}).start()
    assert run.wait(60) == 75
    assert f"No Kafka broker answers at {nowhere}" in run.text().splitlines()[-1]


def test_an_unmigrated_schema_is_refused(
    run: RunningCommand, environment_of_run: dict[str, str], postgres_database: PostgresDatabase
) -> None:
    with psycopg.connect(postgres_database.alerting_owner) as connection:
        connection.execute("update alerting.alembic_version set version_num = 'other'")
    run.start()
    assert run.wait(40) == 75
    assert "run `alerting migrate`" in run.text().splitlines()[-1]


def test_a_port_in_use_is_one_sentence(
    run: RunningCommand, environment_of_run: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run.with_environment(environment_of_run | {"ALERTING_OPERATIONS_PORT": port}).start()
        assert run.wait(40) == 75
    assert f"Port {port} on 127.0.0.1 cannot be listened on" in run.text().splitlines()[-1]


def test_a_record_that_postgresql_refuses_is_one_dead_letter_and_the_rest_goes_on(
    run: RunningCommand, kafka_settings: KafkaSettings, postgres_database: PostgresDatabase
) -> None:
    with psycopg.connect(postgres_database.alerting_owner) as connection:
        connection.execute("alter table alerting.inbox alter column branch_id type varchar(3)")
    events: list[Event] = [
        transfer_out(number, branch_id="B0001" if number == 5 else "B01", occurred_at=at)
        for number, at in enumerate([NOON + timedelta(minutes=one) for one in range(8)], 1)
    ]
    topics.publish(kafka_settings, transactions.TOPIC, events)
    run.start()
    wait_until(lambda: len(raised(kafka_settings)) == 1, "the reminder of the others")
    assert raised(kafka_settings) == expected_reminders(events[:4] + events[5:])
    with psycopg.connect(postgres_database.alerting_owner) as connection:
        letters = connection.execute("select reason, detail from alerting.dead_letters").fetchall()
    assert letters == [
        ("refused", "PostgreSQL does not take it (StringDataRightTruncation, code 22001).")
    ]
    assert run.stop() == 0


def test_what_has_been_kept_long_enough_is_deleted(
    run: RunningCommand, environment_of_run: dict[str, str], postgres_database: PostgresDatabase
) -> None:
    with psycopg.connect(postgres_database.alerting_owner) as connection:
        connection.execute(
            "insert into alerting.inbox (event_id, customer_id, occurred_at, amount, branch_id,"
            " received_at) select gen_random_uuid(), n, now() - interval '3 days', 1, 'B01',"
            " now() - n * interval '1 hour' from generate_series(1, 71) as n"
        )
    run.with_environment(environment_of_run | {"ALERTING_RETENTION_DAYS": "2"}).start()
    wait_until(lambda: _probe(environment_of_run, "/readyz") == 200, "readiness")
    with psycopg.connect(postgres_database.alerting_owner, autocommit=True) as connection:
        oldest = "select max(customer_id) from alerting.inbox"
        wait_until(lambda: connection.execute(oldest).fetchone() == (47,), "old rows to go")
    assert run.stop() == 0


def test_a_retention_shorter_than_the_windows_is_refused_at_the_start(
    run: RunningCommand, environment_of_run: dict[str, str]
) -> None:
    run.with_environment(environment_of_run | {"ALERTING_RETENTION_DAYS": "1"}).start()
    assert run.wait(40) == 1
    assert "ALERTING_RETENTION_DAYS is 1, and the longest window" in run.text().splitlines()[-1]
