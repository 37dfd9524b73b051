"""Three days of a simulated bank, with all that goes wrong on the way, meet their answers."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import psycopg
import pytest

from alerting import migrate
from alerting.rules import RULES
from bank_simulator import replay
from bank_simulator.generate import generate
from bank_simulator.plan import Plan
from bank_simulator.replay import Faults
from crm_shared import ids
from crm_shared.events import reminders
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from tests.alerting.batches import standing_after
from tests.databases import PostgresDatabase

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PLAN = Plan(customers=800, first=date(2026, 3, 15), last=date(2026, 7, 1), seed=11)
DAYS = tuple(PLAN.last - timedelta(days=back) for back in (2, 1, 0))

#: What comes twice, in disorder, late, and what is no event.
FAULTS = Faults(duplicates=25, disorder=3600, late=10, poison=8)

_WORK = """
select (select coalesce(sum(processed), 0) from alerting.partitions),
       (select count(*) from alerting.outbox where sent_at is null),
       (select count(*) from alerting.dead_letters)
"""


@pytest.fixture
def url(postgres_database: PostgresDatabase) -> str:
    migrate.upgrade(postgres_database.alerting_owner)
    return postgres_database.alerting_owner


@pytest.fixture(params=["one by one", "in batches"])
def batches(request: pytest.FixtureRequest) -> str:
    """How the service takes the records."""
    return str(request.param)


@pytest.fixture
def service(
    kafka_bootstrap: str, kafka_prefix: str, url: str, tmp_path: Path, batches: str
) -> Iterator[RunningCommand]:
    """`alerting run` at work."""
    environment = {
        "CRM_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "CRM_KAFKA_TOPIC_PREFIX": kafka_prefix,
        "CRM_KAFKA_CONSUMER_SESSION_TIMEOUT_MS": "2000",
        "ALERTING_DATABASE_URL": url,
        "ALERTING_OPERATIONS_PORT": "0",
    }
    if batches == "one by one":
        environment["ALERTING_MAX_BATCH_RECORDS"] = "1"
    command = RunningCommand(["alerting", "run"], environment, tmp_path / "alerting.log")
    command.start()
    yield command
    if command.running():
        command.kill()


def _work(url: str) -> tuple[int, ...]:
    with psycopg.connect(url) as connection:
        return tuple(connection.execute(_WORK).fetchone() or ())


def _planted(bank: Path) -> dict[str, set[tuple[str, str]]]:
    """(subject, window) of what must stand after the three days, by rule."""
    found = duckdb.execute(
        'select rule_code, subject, "window", expected, business_date'
        f" from '{bank}/answers/movements.parquet'"
    ).fetchall()
    assert {row[4] for row in found} == set(DAYS)
    planted: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for rule, subject, window, expected, _ in found:
        if expected:
            planted[rule].add((subject, window))
    return planted


@pytest.mark.usefixtures("service")
def test_three_days_with_every_fault_meet_the_planted_truth_rule_by_rule(
    kafka_bootstrap: str, kafka_prefix: str, url: str, tmp_path: Path, batches: str
) -> None:
    bank = tmp_path / "bank"
    generate(PLAN, bank)
    settings = KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix)
    sent = sum(replay.replay(settings, bank, day, faults=FAULTS).messages for day in DAYS)
    done = (sent, 0, FAULTS.poison * len(DAYS))
    wait_until(lambda: _work(url) == done, "every message to be worked on", seconds=120)
    told = [
        reminders.ADAPTER.validate_json(one.value or b"")
        for one in topics.read_all(settings, reminders.TOPIC)
    ]
    keys = {one.reminder_id: (one.subject, one.window) for one in told}
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for reminder_id, rule in standing_after(told).items():
        found[rule].add(keys[reminder_id])
    planted = _planted(bank)
    assert planted.keys() == RULES.keys()
    for rule, expected in planted.items():
        assert (expected - found[rule], found[rule] - expected) == (set(), set()), rule
    assert len({one.event_id for one in told}) == len(told)
    assert all(one.reminder_id == ids.reminder_id(one.rule_code, *keys[one.reminder_id])
               for one in told)  # fmt: skip
    # What is taken back within a batch is never told, so nothing of it is withdrawn.
    withdrawn = [one for one in told if isinstance(one, reminders.ReminderWithdrawn)]
    assert withdrawn or batches == "in batches"
