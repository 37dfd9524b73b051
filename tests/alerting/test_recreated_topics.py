"""A topic that was deleted and made again is worked on from its first record."""

import json
from collections.abc import Sequence

import psycopg
import pytest

from crm_shared.events import reminders, transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.bookings import Event, booking, expected_reminders
from tests.alerting.running import raised

pytestmark = pytest.mark.kafka

OLD: Sequence[Event] = [booking(one, amount="900000.00") for one in range(1, 7)]


def _new(number: int) -> list[Event]:
    """What the topic has when it was made again; the first was in the old one, too."""
    return [OLD[0], *(booking(100 + one, amount="900000.00") for one in range(1, number))]


def _is_begun(url: str) -> bool:
    """Whether the records of the new topic have been made durable."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select count(*) from alerting.partitions where recreated_at is not null"
            " and next_offset > 0"
        ).fetchone()
    return row == (1,)


@pytest.mark.parametrize("number", [2, 10], ids=["fewer records", "more records"])
@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
def test_a_topic_made_again_is_worked_on_from_its_first_record(
    run: RunningCommand,
    environment_of_run: dict[str, str],
    kafka_settings: KafkaSettings,
    number: int,
    running: bool,
) -> None:
    run.with_environment(environment_of_run | {"ALERTING_CANARY_SECONDS": "0"})
    topics.publish(kafka_settings, transactions.TOPIC, OLD)
    run.start()
    wait_until(lambda: raised(kafka_settings) == expected_reminders(OLD), "the old reminders")
    if not running:
        assert run.stop() == 0
    topics.recreate(kafka_settings, transactions.TOPIC)
    new = _new(number)
    topics.publish(kafka_settings, transactions.TOPIC, new)
    if not running:
        run.start()
    everything = expected_reminders([*OLD, *new])
    url = environment_of_run["ALERTING_DATABASE_URL"]
    wait_until(lambda: _is_begun(url), "the new topic to be worked on", seconds=60)
    wait_until(lambda: raised(kafka_settings) == everything, "the reminders of both")
    said = [json.loads(line) for line in run.text().splitlines() if "topic_recreated" in line]
    assert len({(one["partition"], one["new_id"]) for one in said}) == kafka_settings.partitions
    assert run.stop() == 0
    assert len(topics.read_all(kafka_settings, reminders.TOPIC)) == len(everything)
