"""`alerting status` names each partition of the topics and who works on it."""

from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from alerting import cli_work, status
from alerting.cli import app
from crm_shared import kafka
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from tests.alerting.bookings import booking

pytestmark = pytest.mark.kafka


def test_a_partition_is_told_with_its_owner_and_also_while_it_has_none(
    alerting_url: str,
    connection: psycopg.Connection,
    kafka_bootstrap: str,
    kafka_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix, partitions=2)
    kafka.ensure_topics(broker, [transactions.TOPIC])
    topics.publish(
        broker, transactions.TOPIC, [booking(number, customer_id=number) for number in range(1, 41)]
    )
    topic = kafka.topic(broker, transactions.TOPIC)
    connection.execute(
        "insert into alerting.partitions (topic, partition, epoch, owner) values (%s, 1, 1, %s)",
        (topic, "machine-1:4711"),
    )
    connection.commit()
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    monkeypatch.setenv("CRM_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("CRM_KAFKA_TOPIC_PREFIX", kafka_prefix)
    done = CliRunner().invoke(app, ["status"], catch_exceptions=False)
    head, nobodys, owned, *_ = done.output.splitlines()
    assert head.endswith("owner")
    assert nobodys.startswith(f"{topic}/0 ")
    assert nobodys.endswith("nobody yet")
    assert owned.startswith(f"{topic}/1 ")
    assert owned.endswith("machine-1:4711")
    assert all(int(line.removeprefix(topic).split()[1]) > 0 for line in (nobodys, owned))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "-"), (0.0, "0 s"), (119.0, "119 s"), (720.0, "12 min"), (12_477_168.5, "144 d")],
)
def test_how_far_behind_is_told_in_a_unit_that_fits(seconds: float | None, told: str) -> None:
    assert cli_work._duration(seconds) == told


def _partition(**values: Any) -> dict[str, Any]:
    """One that is worked on and has nothing to do."""
    return {
        "owner": "a:1", "lag_records": 0, "events_per_second": 0.0, "behind_seconds": 0.0,
        "canary_seconds": 12.0, "held": False,
    } | values  # fmt: skip


def test_a_lag_that_did_not_move_is_told_where_somebody_should_move_it() -> None:
    still = _partition(lag_records=7)
    assert (status.resting([still, still, _partition()]) or "").startswith("2 partitions with")
    for moving in ({"events_per_second": 0.1}, {"owner": None}, {"held": True}):
        assert status.resting([still | moving]) is None


def test_old_days_are_told_only_where_young_canaries_prove_that_what_waits_came_just_now() -> None:
    moves = {"events_per_second": 900.0}
    resent = _partition(lag_records=90_000, behind_seconds=200_000.0) | moves
    said = status.old([resent, resent | {"lag_records": 1}, _partition()]) or ""
    assert said.startswith("2 partitions: events of old days are worked on")
    assert "so what still waits, 90,001 records, came within the last 3 minutes" in said
    for other in (
        {"behind_seconds": 100_000.0},
        {"canary_seconds": 181.0},
        {"canary_seconds": None},
        {"events_per_second": 0.0},
        {"held": True},
    ):
        assert status.old([resent | other]) is None
