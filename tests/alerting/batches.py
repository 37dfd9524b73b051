"""Running batches against a database the way the consumer does, without a broker."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg

from alerting import batch, ownership, ruleset
from alerting.batch import BatchResult, Bounds
from alerting.decoding import Refused
from alerting.events import Booking, Judged
from alerting.rules import FREQUENT_TRANSFERS_OUT
from alerting.rules.protocol import Answer, Parameters
from alerting.ruleset import RuleInForce, Ruleset
from alerting.scopes import Found
from alerting.windows import Timeline, Transfer
from crm_shared.events import reminders
from crm_shared.events.envelope import Event
from crm_shared.events.reminders import ReminderRaised, ReminderWithdrawn
from crm_shared.kafka_records import Record

TOPIC = "test.transactions"
BOUNDS = Bounds(timedelta(minutes=5), timedelta(minutes=5), dead_letter_limit=100)
LATER = datetime(2026, 11, 1, tzinfo=UTC)


class Broken:
    """A rule with a fault."""

    code = "R01.LARGE_OUTFLOW"
    parameter_codes: tuple[str, ...] = ()

    def __init__(self, windowed: bool) -> None:
        self.window = FREQUENT_TRANSFERS_OUT.window if windowed else None
        self.judges: type[Judged] = Transfer if windowed else Booking

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        raise ZeroDivisionError


def with_a_broken_rule(rules: Ruleset) -> Ruleset:
    """These rules, of which that of large outflows fails on every booking."""
    broken = RuleInForce(Broken(windowed=False), 1, Parameters({}))
    others = (one for one in rules.stateless if one.rule.code != Broken.code)
    return Ruleset((broken, *others), rules.windowed)


def record(offset: int, value: bytes | Event | None, partition: int = 0) -> Record:
    """A record of the transaction topic."""
    if isinstance(value, Event):
        return Record(TOPIC, partition, offset, value.key, value.to_bytes())
    return Record(TOPIC, partition, offset, None, value)


def records(events: Iterable[bytes | Event | None], first: int = 0) -> list[Record]:
    """Records in a row of partition 0."""
    return [record(first + number, event) for number, event in enumerate(events)]


def run(
    connection: psycopg.Connection,
    batch_records: Sequence[Record],
    *,
    rules: Ruleset | None = None,
    now: datetime = LATER,
    bounds: Bounds = BOUNDS,
    refused: Refused | None = None,
) -> BatchResult:
    """Take the partitions and make one batch durable."""
    partitions = {(one.topic, one.partition) for one in batch_records}
    taken = ownership.take(connection, partitions, "test")
    connection.commit()
    with connection.transaction():
        progress = ownership.lock_own(connection, {one: it.epoch for one, it in taken.items()})
        decoded = batch.decode_all(batch_records, progress, now, bounds, refused)
        result = batch.write(connection, decoded, rules or ruleset.load(connection))
        ownership.advance(connection, progress)
    return result


def not_asked(
    branches: Collection[tuple[str, date]], customers: Collection[tuple[int, date]]
) -> Found:
    """Where every parameter is everybody's, nobody's legal entity or tier is looked up."""
    raise AssertionError(f"{len(branches)} branches and {len(customers)} customers are asked for")


def raised(connection: psycopg.Connection, customers: Iterable[int]) -> dict[UUID, str]:
    """Rule code by id of the reminders of these customers that stand, by what the outbox tells."""
    rows = connection.execute(
        "select message from alerting.outbox where customer_id = any (%s) order by seq",
        (list(customers),),
    ).fetchall()
    standing = connection.execute(
        "select reminder_id, rule_code from alerting.reminders"
        " where state = 'raised' and customer_id = any (%s)",
        (list(customers),),
    ).fetchall()
    connection.commit()
    told = standing_after(reminders.ADAPTER.validate_json(message) for (message,) in rows)
    assert told == dict(standing)
    return told


def standing_after(
    messages: Iterable[ReminderRaised | ReminderWithdrawn],
) -> dict[UUID, str]:
    """What stands after these messages, none of which may say what was known: a reminder that
    stands is raised again only where a correction changes what it says, as its next revision."""
    standing: dict[UUID, str] = {}
    revisions: dict[UUID, int] = {}
    for one in messages:
        if isinstance(one, ReminderRaised):
            assert one.revision == revisions.get(one.reminder_id, 0) + 1, "raised twice"
            revisions[one.reminder_id] = one.revision
            standing[one.reminder_id] = one.rule_code
        else:
            assert standing.pop(one.reminder_id) == one.rule_code
    return standing
