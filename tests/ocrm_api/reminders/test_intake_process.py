"""The intake as a real process: killed, cut off, poisoned, and asked to stop."""

import signal
import subprocess
import threading
import time
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from crm_shared import kafka, postgres
from crm_shared.events import reminders as topic
from crm_shared.kafka_records import Record
from crm_shared.testing import topics
from crm_shared.testing.network import TcpProxy
from ocrm_api.reminders import intake as intake_module
from ocrm_api.reminders import telling
from ocrm_api.reminders.intake import Intake, lag_of
from ocrm_api.settings import Settings
from tests.ocrm_api.conftest import raised
from tests.ocrm_api.reminders.conftest import OCRM, Line

pytestmark = pytest.mark.kafka


def messages(count: int) -> tuple[list[bytes], set[str]]:
    """Messages, every third twice and every tenth followed by poison, and the ids of the facts."""
    values, facts = [], set()
    for number in range(count):
        event = raised(1 + number % 9, branch_id=f"B{1 + number % 3}", window=f"txn:{number}")
        facts.add(str(event.reminder_id))
        values += [event.to_bytes()] * (2 if number % 3 == 0 else 1)
        values += [b"poison"] if number % 10 == 0 else []
    return values, facts


def at_least(line: Line, count: int) -> bool:
    """Whether so many reminders are there."""
    return line.taken_in() >= count


@pytest.mark.faults
@pytest.mark.slow
def test_killed_at_any_time_it_loses_and_doubles_nothing(line: Line) -> None:
    values, facts = messages(3000)
    patient = {"OCRM_DEAD_LETTER_LIMIT": "1000"}
    half = len(values) // 2
    line.publish(values[:half])
    for turn in range(4):
        process = line.start(**patient)
        enough = min(line.taken_in() + 1, 1500)
        line.wait(partial(at_least, line, enough))
        time.sleep(0.05 * turn)
        process.send_signal(signal.SIGKILL)
        process.wait()
        line.publish(values[half + turn * 100 : half + (turn + 1) * 100])
    line.publish(values[half + 400 :])
    last = line.start(**patient)
    line.wait(lambda: line.taken_in() >= len(facts))
    rows = line.bank.execute("select reminder_id::text from ocrm.reminders")
    assert {row[0] for row in rows} == facts
    line.wait(
        lambda: line.bank.execute("select count(*) from ocrm.intake_dead_letters")[0][0] == 300
    )
    told = line.bank.execute(
        "select count(*), count(distinct reminder_id), max(sequence) from ocrm.reminder_events"
        " where kind = 'raised'"
    )
    assert told == [(3000, 3000, 3000)]
    last.terminate()
    assert last.wait(20) == 0


@pytest.mark.faults
def test_cut_off_from_postgresql_it_waits_and_goes_on(line: Line) -> None:
    values, facts = messages(50)
    process = line.start()
    line.wait(lambda: line.bank.execute("select count(*) from ocrm.intake_status") == [(1,)])
    line.bank.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'ocrm-intake'"
    )
    line.publish(values)
    line.wait(lambda: line.taken_in() == len(facts))
    assert "put_off" in line.log.read_text()
    process.terminate()
    assert process.wait(20) == 0
    assert line.bank.execute("select count(*) from ocrm.intake_status") == [(0,)]


def test_what_sticks_at_the_first_record_lags(line: Line) -> None:
    line.publish([raised(1).to_bytes()] * 5)
    client = kafka.consumer(line.settings, "stuck")
    client.subscribe([kafka.topic(line.settings, topic.TOPIC)])
    taken: list[Record] = []

    def has_all() -> bool:
        taken.extend(kafka.records_of(client.poll(timeout_ms=200)))
        return len(taken) == 5

    line.wait(has_all)
    assert sum(lag_of(client).values()) == 0
    kafka.rewind(client, taken)
    assert sum(lag_of(client).values()) == 5
    client.close()


def test_too_much_poison_stops_it_until_it_is_settled(line: Line) -> None:
    patient = {"OCRM_DEAD_LETTER_LIMIT": "2"}
    line.publish([b"poison"] * 5)
    for _ in range(2):
        assert line.start(**patient).wait(60) == 3
    assert "ocrm dead-letters --settle" in line.log.read_text()
    settled = subprocess.run(
        [OCRM, "dead-letters", "--settle", "--by", "Chen"],
        env=line.environment, check=True, capture_output=True,
    )  # fmt: skip
    assert len(settled.stdout.splitlines()) == 5
    line.publish([raised(1).to_bytes()])
    line.start(**patient)
    line.wait(partial(at_least, line, 1))


def test_a_new_group_reads_everything_once_more_and_changes_nothing(line: Line) -> None:
    values, facts = messages(30)
    line.publish(values)
    first = line.start()
    line.wait(lambda: line.taken_in() == len(facts))
    line.wait(lambda: line.bank.execute("select count(*) from ocrm.intake_dead_letters")[0][0] == 3)
    first.kill()
    first.wait()
    kept = [
        "select reminder_id, status, version from ocrm.reminders order by reminder_id",
        "select sequence, reminder_id, kind from ocrm.reminder_events order by sequence",
        "select count(*) from ocrm.notification_items",
        "select count(*) from ocrm.intake_dead_letters",
    ]
    before = [line.bank.execute(one) for one in kept]
    second = line.start(OCRM_INTAKE_GROUP="ocrm-intake-2")
    read = f"select records from ocrm.intake_status where worker like '%:{second.pid}'"
    line.wait(lambda: line.bank.execute(read) == [(len(values),)])
    assert [line.bank.execute(one) for one in kept] == before
    assert "records_missing" not in line.log.read_text()


@pytest.mark.parametrize("running", [True, False])
def test_where_postgresql_is_set_back_the_intake_goes_back_with_it(
    line: Line, *, running: bool
) -> None:
    values, facts = messages(60)
    half = len(values) // 2
    offsets = "select sum(next_offset) from ocrm.intake_offsets"
    line.publish(values[:half])
    process = line.start()
    line.wait(lambda: line.bank.execute(offsets) == [(half,)])
    line.bank.execute(
        "create schema backup;"
        " create table backup.reminders as select * from ocrm.reminders;"
        " create table backup.offsets as select * from ocrm.intake_offsets"
    )
    line.publish(values[half:])
    line.wait(lambda: line.bank.execute(offsets) == [(len(values),)])
    if not running:
        process.terminate()
        assert process.wait(20) == 0
    line.bank.execute(
        "delete from ocrm.reminders; insert into ocrm.reminders select * from backup.reminders;"
        " delete from ocrm.intake_offsets;"
        " insert into ocrm.intake_offsets select * from backup.offsets"
    )
    if not running:
        line.start()
    line.wait(lambda: line.bank.execute(offsets) == [(len(values),)])
    found = {one for (one,) in line.bank.execute("select reminder_id::text from ocrm.reminders")}
    assert found == facts
    log = line.log.read_text()
    assert ("set_back" in log, "behind_the_broker" in log) == (running, True)
    assert "records_missing" not in log


@pytest.mark.parametrize("running", [True, False])
def test_a_topic_made_again_is_taken_in_from_its_first_record(line: Line, *, running: bool) -> None:
    values, facts = messages(60)
    first, offsets = 10, "select sum(next_offset) from ocrm.intake_offsets"
    line.publish(values[:first])
    process = line.start()
    line.wait(lambda: line.bank.execute(offsets) == [(first,)])
    if not running:
        process.terminate()
        assert process.wait(20) == 0
    topics.recreate(line.settings, topic.TOPIC)
    line.publish(values[first:])
    if not running:
        line.start()
    line.wait(lambda: "topic_recreated" in line.log.read_text())
    line.wait(lambda: line.bank.execute(offsets) == [(len(values) - first,)])
    found = {one for (one,) in line.bank.execute("select reminder_id::text from ocrm.reminders")}
    assert found == facts


def test_offsets_that_the_topic_never_had_records_at_are_no_loss(line: Line) -> None:
    stop, redis_url = threading.Event(), line.environment["CRM_REDIS_URL"]
    settings = Settings(database_url=SecretStr(line.bank.database.ocrm_app), demo=True)
    intake = Intake(settings, line.settings, redis_url, stop)
    name = kafka.topic(line.settings, topic.TOPIC)
    intake._go_back()  # it has heard of the topic
    for offset in (0, 5):
        value = raised(1, window=f"txn:{offset}").to_bytes()
        intake._handle([Record(name, 0, offset, b"1", value)])
    stop.set()
    intake.run()
    kept = "select next_offset, missing, missing_at from ocrm.intake_offsets"
    assert line.bank.execute(kept) == [(6, 0, None)]


@pytest.mark.faults
def test_a_postgresql_that_never_answers_is_given_up(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_GRACE_SECONDS", 0.0)
    real = urlsplit(line.bank.database.ocrm_app)
    with TcpProxy(real.hostname or "", real.port or 5432) as proxy:
        login = real.netloc.rpartition("@")[0]
        url = real._replace(netloc=f"{login}@127.0.0.1:{proxy.port}").geturl()
        settings = Settings(database_url=SecretStr(url), demo=True)
        stop, redis_url = threading.Event(), line.environment["CRM_REDIS_URL"]
        intake = Intake(settings, line.settings, redis_url, stop, transaction_seconds=1.0)
        thread = threading.Thread(target=intake.run, daemon=True)
        thread.start()
        line.publish([raised(1).to_bytes()])
        line.wait(partial(at_least, line, 1))
        proxy.black_hole()
        line.publish([raised(1).to_bytes()])
        time.sleep(4)
        proxy.black_hole(on=False)
        line.wait(partial(at_least, line, 2))
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.faults
def test_an_intake_that_sleeps_within_a_transaction_lets_go_and_goes_on(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept, tell = threading.Event(), telling.tell
    connected = (
        "select 1 from pg_stat_activity where application_name = 'ocrm-intake'"
        " and datname = current_database()"
    )

    def sleeping(connection: Any, happened: Any) -> None:
        tell(connection, happened)
        if happened and not slept.is_set():
            line.wait(lambda: not line.bank.execute(connected))
            slept.set()

    monkeypatch.setattr(intake_module, "IDLE_SECONDS", 1)
    monkeypatch.setattr(telling, "tell", sleeping)
    stop, redis_url = threading.Event(), line.environment["CRM_REDIS_URL"]
    settings = Settings(database_url=SecretStr(line.bank.database.ocrm_app), demo=True)
    intake = Intake(settings, line.settings, redis_url, stop)
    thread = threading.Thread(target=intake.run, daemon=True)
    thread.start()
    line.publish([raised(1).to_bytes()])
    line.wait(partial(at_least, line, 1))
    stop.set()
    thread.join(20)
    assert (slept.is_set(), thread.is_alive(), line.taken_in()) == (True, False, 1)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("OCRM_DATABASE_URL", "postgresql://x@127.0.0.1:9/x", "PostgreSQL at 127.0.0.1:9/x"),
        pytest.param(
            "CRM_KAFKA_BOOTSTRAP", "127.0.0.1:9", "No Kafka broker answers", marks=pytest.mark.slow
        ),
    ],
)
def test_a_server_that_does_not_answer_is_named(
    line: Line, variable: str, value: str, sentence: str
) -> None:
    process = line.start(**{variable: value})
    assert process.wait(60) == 75
    assert sentence in line.log.read_text()


def test_without_migrations_it_says_what_to_run(line: Line) -> None:
    line.bank.execute("drop table ocrm.alembic_version")
    assert line.start().wait(60) == 75
    assert "run `ocrm migrate` first" in line.log.read_text()
