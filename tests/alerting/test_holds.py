"""Dead letters in a row up to the limit are kept; then their partition waits, and no other one."""

import json
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka.structs import TopicPartition
from typer.testing import CliRunner

from alerting.cli import app
from crm_shared import kafka
from crm_shared.events import reminders, transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.network import free_port
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.bookings import Event, booking, closure, expected_reminders, transfer_out
from tests.alerting.running import raised

pytestmark = pytest.mark.kafka

LIMIT = 100
POISON = 150

#: The records of customer 1: one booking, then poison, then what has to wait.
BEFORE = booking(1, amount="900000.00")
BEHIND: list[Event] = [
    *(transfer_out(number) for number in range(2, 10)),
    booking(10, amount="900000.00"),
    closure(11),
]


class Held:
    """A topic with a partition that is full of poison, and what became of it."""

    def __init__(self, broker: KafkaSettings, url: str) -> None:
        self._broker = broker
        self._url = url
        topics.publish(
            broker,
            transactions.TOPIC,
            [BEFORE, *[(BEFORE.key, b"poison")] * POISON, *BEHIND],
        )
        (self.number,) = {one.partition for one in topics.read_all(broker, transactions.TOPIC)}
        self.partition = kafka.topic(broker, transactions.TOPIC), self.number

    def others(self, first: int) -> list[Event]:
        """Events of five customers whose partitions go on, published."""
        producer = kafka.producer(self._broker)
        name = self.partition[0]
        producer.partitions_for(name)
        customers = [
            one
            for one in range(2, 60)
            if kafka.partition_of_key(producer, name, str(one).encode()) != self.number
        ]
        producer.close()
        events: list[Event] = [
            booking(first + one, customer_id=one, amount="900000.00") for one in customers[:5]
        ]
        topics.publish(self._broker, transactions.TOPIC, events)
        return events

    def stands(self) -> tuple[int, int, int, int]:
        """Next offset, records worked on, and letters: open, and in all."""
        with psycopg.connect(self._url) as connection:
            row = connection.execute(
                "select next_offset, processed,"
                " (select count(*) from alerting.dead_letters where state = 'dead'),"
                " (select count(*) from alerting.dead_letters)"
                " from alerting.partitions where (topic, partition) = (%s, %s)",
                self.partition,
            ).fetchone()
        return row or (0, 0, 0, 0)

    def committed(self) -> int | None:
        """What the broker has heard."""
        client = kafka.consumer(self._broker, "alerting")
        offset = client.committed(TopicPartition(*self.partition))
        client.close()
        return None if offset is None else int(offset)


@pytest.fixture
def held(environment_of_run: dict[str, str], kafka_settings: KafkaSettings) -> Held:
    return Held(kafka_settings, environment_of_run["ALERTING_DATABASE_URL"])


def _messages(broker: KafkaSettings) -> list[object]:
    """The ids of all messages about reminders."""
    return [
        reminders.ADAPTER.validate_json(one.value or b"").event_id
        for one in topics.read_all(broker, reminders.TOPIC)
    ]


def _read(environment: dict[str, str], path: str) -> str:
    port = environment["ALERTING_OPERATIONS_PORT"]
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        headers={"Authorization": f"Bearer {environment['ALERTING_OPERATIONS_TOKEN']}"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(answer.read().decode())


def _command(environment: dict[str, str], *words: str) -> str:
    done = CliRunner().invoke(app, list(words), env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def _expect(broker: KafkaSettings, events: Iterable[Event], what: str) -> None:
    wanted = expected_reminders(events)
    wait_until(lambda: raised(broker) == wanted, what, seconds=60)


def test_a_poisoned_partition_waits_for_a_person_and_then_nothing_is_missing_or_double(
    run: RunningCommand,
    environment_of_run: dict[str, str],
    kafka_settings: KafkaSettings,
    held: Held,
    tmp_path: Path,
) -> None:
    ours = environment_of_run | {"ALERTING_OPERATIONS_TOKEN": "sixteen-characters"}
    run.with_environment(ours).start()
    events = [BEFORE, *held.others(100)]
    _expect(kafka_settings, events, "what lies before the poison, and the other partitions")
    wait_until(lambda: "partition_held" in run.text(), "the partition to be held")
    full = (1 + LIMIT, 1 + LIMIT, LIMIT, LIMIT)
    assert held.stands() == full
    wait_until(lambda: held.committed() == 1 + LIMIT, "the broker to hear of it")
    _tells(ours, held)

    second = ours | {"ALERTING_OPERATIONS_PORT": str(free_port())}
    with RunningCommand(["alerting", "run"], second, tmp_path / "second.log") as other:
        wait_until(lambda: "partitions_taken" in other.text(), "a second member", seconds=60)
        run.kill()
        wait_until(lambda: "partition_held" in other.text(), "it to be held again", seconds=60)
        events += held.others(200)
        _expect(kafka_settings, events, "the other partitions to go on")
        assert held.stands() == full
        text = other.text()
        assert text.count("partition_held") <= text.count("partitions_taken"), "told once by each"

        words = ["dead-letters", "settle", "--reason", "undecodable", "--why", "t", "--by", "Chen"]
        _command(second, *words)
        events += BEHIND
        _expect(kafka_settings, events, "what lies behind the poison")
        done = len(BEHIND) + POISON + 1
        assert held.stands()[1:] == (done, POISON - LIMIT, POISON)
        assert len(_messages(kafka_settings)) == len(expected_reminders(events))
        assert "} 0.0" in _gauge(second)
        assert "} 1.0" not in _gauge(second)
        assert other.stop() == 0


def _held(environment: dict[str, str]) -> list[dict[str, Any]]:
    """The partitions that the API calls held."""
    status = json.loads(_read(environment, "/v1/status"))
    return [one for one in status["partitions"] if one["held"]]


def _gauge(environment: dict[str, str]) -> str:
    lines = _read(environment, "/metrics").splitlines()
    return "\n".join(one for one in lines if one.startswith("alerting_partition_held{"))


def _tells(environment: dict[str, str], held: Held) -> None:
    """Metric, API and command say which partition is held, and the process lives."""
    labels = f'{{partition="{held.number}",topic="{held.partition[0]}"}}'
    assert f"alerting_partition_held{labels} 1.0" in _gauge(environment)
    assert _gauge(environment).count("} 1.0") == 1
    # The local broker takes what was written at once for one record until a canary is behind it.
    (one,) = wait_until(lambda: _held(environment), "a lag that is right")
    assert (one["topic"], one["partition"]) == held.partition
    assert (one["next_offset"], one["dead_in_a_row"]) == (1 + LIMIT, LIMIT)
    said = "/".join(map(str, held.partition))
    assert f"{said} is held at offset {1 + LIMIT}: its last {LIMIT} rec" in _command(
        environment, "status"
    )
    assert _read(environment, "/livez") and _read(environment, "/readyz")


def test_a_raised_limit_lets_a_poisoned_partition_go_on(
    run: RunningCommand,
    environment_of_run: dict[str, str],
    kafka_settings: KafkaSettings,
    held: Held,
) -> None:
    run.start()
    wait_until(lambda: "partition_held" in run.text(), "the partition to be held")
    assert run.stop() == 0
    run.with_environment(environment_of_run | {"ALERTING_DEAD_LETTER_LIMIT": str(POISON)}).start()
    _expect(kafka_settings, [BEFORE, *BEHIND], "all")
    assert held.stands()[2:] == (POISON, POISON)
    assert run.stop() == 0
