"""A day is complete if all that the core booked was worked on, and what is missing is named."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from alerting import completeness, days_checked, dead_letters, ledger, migrate, requeue, ruleset
from alerting.cli import app
from alerting.completeness import Line
from alerting.ledger import BOOKED_KINDS
from alerting.places import Places
from crm_shared.errors import NotReadyError
from crm_shared.events.canaries import CanarySent
from crm_shared.events.from_bank import TOPICS
from crm_shared.kafka_records import Record
from crm_shared.landing import Manifest, day_folder
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from tests.alerting.batches import BOUNDS, LATER, run, with_a_broken_rule
from tests.databases import PostgresDatabase

replay = pytest.importorskip("bank_simulator.replay")

pytestmark = pytest.mark.kafka

DAY = date(2026, 7, 1)
PART = 500

Message = tuple[str, bytes, bytes]


@pytest.fixture(scope="module")
def sent(landing: Path) -> list[Message]:
    """What the core bank sends of the day: topic, key, value."""
    return [(one.topic, one.key.encode(), one.body.encode())
            for one in replay.messages(landing, DAY)]  # fmt: skip


@pytest.fixture
def kafka_settings(kafka_bootstrap: str, kafka_prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix)


@pytest.fixture
def url(
    postgres_database: PostgresDatabase,
    kafka_settings: KafkaSettings,
    landing: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """A migrated database; the command finds it, the broker and the delivered files."""
    migrate.upgrade(postgres_database.alerting_owner)
    monkeypatch.setenv("ALERTING_DATABASE_URL", postgres_database.alerting_owner)
    monkeypatch.setenv("CRM_LANDING_DIR", str(landing))
    monkeypatch.setenv("CRM_KAFKA_BOOTSTRAP", kafka_settings.bootstrap)
    monkeypatch.setenv("CRM_KAFKA_TOPIC_PREFIX", kafka_settings.topic_prefix)
    return postgres_database.alerting_owner


def _publish(settings: KafkaSettings, messages: list[Message]) -> None:
    """Publish them, and in every topic a canary, which nobody may count."""
    canary = CanarySent(event_id=uuid4(), occurred_at=LATER, producer="alerting")
    for name in TOPICS:
        ours = [(key, value) for topic, key, value in messages if topic == name]
        ours.append((canary.key, canary.to_bytes()))
        topics.publish(settings, name, ours)


def _work(url: str, settings: KafkaSettings, *, broken: bool = False) -> None:
    """Work on all that the topics have, with a rule that fails on every booking where `broken`."""
    with psycopg.connect(url) as connection:
        rules = ruleset.load(connection)
        rules = with_a_broken_rule(rules) if broken else rules
        for name in TOPICS:
            found = topics.read_all(settings, name, canaries=True)
            for first in range(0, len(found), PART):
                run(connection, found[first : first + PART], rules=rules)


def _said(*words: str, code: int) -> str:
    done = CliRunner().invoke(app, ["completeness", *words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def _report(*, code: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_said("--date", str(DAY), "--json", code=code))
    return found | {"kinds": {one["kind"]: one for one in found["kinds"]}}


def _checked(url: str) -> tuple[date | None, int]:
    with psycopg.connect(url) as connection:
        found = days_checked.standing(connection)
    return found.newest, found.incomplete


def test_a_day_of_which_everything_was_worked_on_once_is_proven_by_control_totals(
    url: str, kafka_settings: KafkaSettings, sent: list[Message], landing: Path
) -> None:
    _publish(kafka_settings, sent)
    _work(url, kafka_settings)
    found = _report(code=0)
    assert found["complete"]
    for kind in BOOKED_KINDS:
        one = found["kinds"][kind]
        assert one["proven"], one
        assert (
            one["booked"] == one["worked"] == len(list(ledger.event_ids(landing, DAY, kind) or ()))
        )
        assert one["booked"] > 0
    tickets = found["kinds"]["ticket.changed"]
    assert (tickets["booked"], tickets["complete"]) == (None, None)
    assert tickets["worked"] > 0
    told = _said("--date", str(DAY), code=0)
    assert "complete: number and control total agree" in told
    assert f"{tickets['worked']:>11}" in told
    assert "R01.LARGE_INFLOW" in told
    assert told.splitlines()[-1] == f"{DAY} is complete."


def test_what_comes_twice_or_is_unknown_hides_nothing(
    url: str, kafka_settings: KafkaSettings, sent: list[Message]
) -> None:
    bookings = [one for one in sent if b"transaction.booked" in one[2]]
    strange = json.loads(bookings[0][2]) | {"event_id": "00000000-0000-4000-8000-000000000001"}
    extra = (bookings[0][0], b"1", json.dumps(strange).encode())
    _publish(kafka_settings, [*sent[:-1], *bookings[:7], extra, sent[-1]])
    _work(url, kafka_settings)
    one = _report(code=0)["kinds"]["transaction.booked"]
    assert (one["proven"], one["missing"], one["repeats"], one["unknown"]) == (False, 0, 7, 1)
    assert one["worked"] == one["booked"] + 8
    assert "every event found, 7 repeats, 1 unknown" in _said("--date", str(DAY), code=0)


def test_what_is_missing_is_named_with_its_place_and_what_to_do(
    url: str, kafka_settings: KafkaSettings, sent: list[Message]
) -> None:
    bookings = [one for one in sent if b"transaction.booked" in one[2]]
    others = [one for one in sent if one not in bookings]
    never, broken, waits = bookings[:3]
    bad = (broken[0], broken[1], broken[2].replace(b'"CNY"', b'"yuan"'))
    _publish(kafka_settings, [*others, *bookings[3:], bad])
    _work(url, kafka_settings)
    _publish(kafka_settings, [waits])
    found = _report(code=3)
    one = found["kinds"]["transaction.booked"]
    assert one["missing"] == 3
    waiting, dead, gone = one["to_do"]
    assert "1 waits in the topic, the first at " in waiting
    assert f"alerting dead-letters requeue {found['dead_letters'][0]}" in dead
    assert json.loads(never[2])["event_id"] in gone
    assert _checked(url) == (DAY, 1)
    assert _said("--date", str(DAY), code=3).splitlines()[-1] == f"{DAY} is NOT COMPLETE."
    _publish(kafka_settings, [never, broken])
    _work(url, kafka_settings)
    assert _report(code=0)["kinds"]["transaction.booked"]["missing"] == 0
    assert _checked(url) == (DAY, 0)


def test_a_dead_letter_that_is_not_utf8_is_not_taken_for_worked_on(
    url: str, kafka_settings: KafkaSettings, sent: list[Message]
) -> None:
    bookings = [one for one in sent if b"transaction.booked" in one[2]]
    others = [one for one in sent if one not in bookings]
    topic, key, value = bookings[0]
    in_gbk = value.replace(b'"channel":"', '"channel":"柜台'.encode("gbk"))
    # Without a type, so that whoever looks for one has to go all the way down.
    deep = (topic, key, b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}")
    _publish(kafka_settings, [*others, *bookings[1:], (topic, key, in_gbk), deep])
    _work(url, kafka_settings)
    found = _report(code=3)
    one = found["kinds"]["transaction.booked"]
    number, _ = found["dead_letters_of_no_day"]
    assert (one["missing"], one["complete"]) == (1, False)
    (dead,) = one["to_do"]
    assert f"alerting dead-letters requeue {number}" in dead


def test_a_dead_letter_that_was_requeued_counts_as_worked_on(
    url: str, kafka_settings: KafkaSettings, sent: list[Message]
) -> None:
    _publish(kafka_settings, sent)
    with psycopg.connect(url) as connection:
        early: Record | None = None
        for name in TOPICS:
            found = topics.read_all(kafka_settings, name, canaries=True)
            if early is None:
                early = found.pop(0)
                run(connection, [early], now=datetime(2026, 1, 1, tzinfo=UTC))
            run(connection, found)
        letters = dead_letters.find(connection, state="dead")
        connection.commit()
        assert [one.reason for one in letters] == ["future_dated"]
        assert not _report(code=3)["complete"]
        requeue.requeue(connection, letters, LATER, BOUNDS)
        connection.commit()
    assert all(one["proven"] for one in _report(code=0)["kinds"].values() if one["booked"])


def test_a_day_is_not_complete_before_what_a_rule_failed_on_is_dealt_with(
    url: str, kafka_settings: KafkaSettings, sent: list[Message]
) -> None:
    topic, key, value = next(one for one in sent if b"transaction.booked" in one[2])
    changes = {"event_id": str(uuid4()), "business_date": "2026-06-30"}
    of_another_day = json.dumps(json.loads(value) | changes).encode()
    _publish(kafka_settings, [*sent, (topic, key, of_another_day)])
    _work(url, kafka_settings, broken=True)
    found = _report(code=3)
    assert all(one["complete"] for one in found["kinds"].values() if one["booked"])
    (failed,) = found["dead_letters_of_rules"]
    bookings = found["kinds"]["transaction.booked"]["booked"]
    assert (failed["rule"], len(failed["dead_letters"])) == ("R01.LARGE_OUTFLOW", bookings)
    assert (found["complete"], found["dead_letters"]) == (False, [])
    assert _checked(url) == (DAY, 1)
    told = _said("--date", str(DAY), code=3)
    assert "R01.LARGE_OUTFLOW failed on events of that day" in told
    assert told.splitlines()[-1] == f"{DAY} is NOT COMPLETE."
    settled, *others = failed["dead_letters"]
    with psycopg.connect(url) as connection:
        letters = dead_letters.find(connection, state="dead", ids=others)
        connection.commit()
        requeue.requeue(connection, letters, LATER, BOUNDS)
        connection.commit()
        assert _report(code=3)["dead_letters_of_rules"] == [failed | {"dead_letters": [settled]}]
        dead_letters.settle(connection, [settled])
        connection.commit()
        assert dead_letters.count(connection, state="dead") == 1, "that of another day"
    assert _report(code=0)["dead_letters_of_rules"] == []
    assert _checked(url) == (DAY, 0)


def test_a_delivery_without_any_events_proves_nothing(url: str, tmp_path: Path) -> None:
    day_folder(tmp_path, DAY).mkdir()
    Manifest(business_date=DAY, source="test", tables={}).write(tmp_path)
    told = _said("--date", str(DAY), "--landing", str(tmp_path), code=3)
    assert told.count("not in the delivered files: counted only") == 7


def test_a_day_that_was_not_delivered_is_not_ready(url: str) -> None:
    with pytest.raises(NotReadyError, match="has not arrived"):
        _said("--date", "2026-07-02", code=75)
    assert _checked(url) == (None, 0)


@pytest.mark.parametrize(
    ("worked", "said"),
    [(7, "At least 3 were not worked on, and"), (12, "Some may be missing, and")],
)
def test_what_the_topic_no_longer_holds_is_not_known_and_never_called_complete(
    worked: int, said: str
) -> None:
    line = Line("transaction.booked", booked=10, worked=worked, late=0)
    completeness._compare(line, {uuid4()}, Places(whole=False), DAY)
    assert (line.missing, line.complete) == (None, None)
    assert line.to_do[0].startswith(said)
