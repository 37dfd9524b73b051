"""`why` judges an event by the version that judged it, also where the rule changed in between."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from alerting import drafts, judged_again, judged_by, ledger_states, why
from alerting.decoding import decode
from alerting.events import Booking, DataChange, UnpaidStatement
from alerting.judged_again import JudgedEvent
from alerting.rules.movements import moves_funds
from crm_shared.clock import now
from crm_shared.kafka_records import Record
from tests.alerting.batches import LATER, TOPIC, not_asked, run

replay = pytest.importorskip("bank_simulator.replay")

DAY = date(2026, 7, 1)
INFLOW = "R01.LARGE_INFLOW"


def _records(landing: Path, day: date) -> list[Record]:
    return [
        Record(TOPIC, 0, number, message.key.encode(), message.body.encode())
        for number, message in enumerate(replay.messages(landing, day))
    ]


@pytest.fixture(scope="module")
def small(landing: Path) -> Sequence[tuple[Record, Booking]]:
    """Inflows of individuals, each of another customer, that the first version finds too small."""
    found: dict[int, tuple[Record, Booking]] = {}
    for record in _records(landing, DAY):
        event = decode(record, LATER)
        if (
            isinstance(event, Booking)
            and (event.direction, event.reverses_txn_id) == ("credit", None)
            and event.customer_type == "individual"
            and 500 < event.amount < 5_000
            and moves_funds(event)
        ):
            found.setdefault(event.customer_id, (record, event))
    assert len(found) > 3
    return list(found.values())


def _publish(connection: psycopg.Connection, version: int, least: str) -> None:
    """A version for individuals that holds from now on."""
    values = {"movement.individual_min_amount": least, "movement.business_min_amount": "5000000.00"}
    with connection.transaction():
        connection.execute(
            "insert into alerting.rules (code, version, parameters, effective_from)"
            " values (%s, %s, %s, now())",
            (INFLOW, version, Jsonb(values)),
        )


def _asked(
    connection: psycopg.Connection, landing: Path, event: Booking
) -> tuple[JudgedEvent, str]:
    again = judged_again.judge(
        INFLOW,
        drafts.versions(connection, INFLOW),
        event.customer_id,
        DAY,
        landing,
        find=not_asked,
        worked=judged_by.worked(connection, event.customer_id),
    )
    found = why.explain(connection, INFLOW, event.customer_id, DAY, again)
    (one,) = (one for one in found.judged if one.event_id == event.event_id)
    return one, found.sentence(one)


@pytest.fixture
def changed(
    connection: psycopg.Connection, small: Sequence[tuple[Record, Booking]]
) -> psycopg.Connection:
    """One was judged by a version that let it fire, one by a version for which it was too small;
    then each of the two versions followed upon the other."""
    if connection.execute("select 1 from alerting.rules where version = 4").fetchone():
        return connection
    run(connection, [small[0][0]])
    _publish(connection, 2, "500.00")
    run(connection, [small[1][0]])
    _publish(connection, 3, "900000.00")
    _publish(connection, 4, "800000.00")
    return connection


def test_what_fired_is_judged_by_the_version_that_fired(
    changed: psycopg.Connection, landing: Path, small: Sequence[tuple[Record, Booking]]
) -> None:
    one, said = _asked(changed, landing, small[1][1])
    assert (one.outcome, one.version, one.otherwise) == ("fired", 2, [])
    assert "threshold 500.00" in said
    assert "version 2; raised: reminder" in said
    run(changed, [small[1][0]])
    assert _asked(changed, landing, small[1][1]) == (one, said)


def test_what_raised_nothing_may_have_been_judged_by_any_version_since(
    changed: psycopg.Connection, landing: Path, small: Sequence[tuple[Record, Booking]]
) -> None:
    one, said = _asked(changed, landing, small[0][1])
    assert (one.outcome, one.version) == ("below", 1)
    assert (one.otherwise[0].version, one.otherwise[0].outcome) == (2, "fired")
    assert "by version 2, in force since" in said
    assert "which of them judged it is not kept" in said
    assert "MISSING" not in said


def test_a_late_event_is_judged_by_the_version_of_the_day_on_which_it_comes(
    changed: psycopg.Connection, landing: Path, small: Sequence[tuple[Record, Booking]]
) -> None:
    _publish(changed, 5, "500.00")
    run(changed, [small[2][0]])
    one, said = _asked(changed, landing, small[2][1])
    assert (one.outcome, one.version) == ("fired", 5)
    assert "version 5; raised: reminder" in said
    _publish(changed, 6, "500000.00")
    assert _asked(changed, landing, small[2][1]) == (one, said)


def test_what_fired_before_versions_were_kept_goes_by_the_time_at_which_it_fired(
    changed: psycopg.Connection, landing: Path, small: Sequence[tuple[Record, Booking]]
) -> None:
    event = small[1][1]
    changed.execute(
        "update alerting.evidence set rule_version = null where event_id = %s", (event.event_id,)
    )
    one, _ = _asked(changed, landing, event)
    assert (one.outcome, one.version) == ("fired", 2)
    changed.rollback()


def test_a_transfer_may_have_been_judged_by_any_version_since_it_came() -> None:
    def version(number: int, days: int) -> drafts.Version:
        values = {"frequent_transfers.min_count": "5", "frequent_transfers.window_hours": "24"}
        return drafts.Version(number, values, came + timedelta(days=days), None, None, None)

    came, event = now() - timedelta(days=9), UUID(int=1)
    known = [version(1, -99), version(2, -1), version(3, 1), version(4, 99)]
    dated = judged_by.dated("R01.FREQUENT_TRANSFERS_OUT", known)
    happened = came - timedelta(days=30)

    def numbers(kept: judged_by.KeptOfCustomer) -> list[int]:
        by = judged_by.judged_by(dated, (event, happened), kept, now())
        return [one.rule.version for one in by.versions]

    assert numbers(judged_by.KeptOfCustomer(now(), came={event: came})) == [2, 3]
    assert numbers(judged_by.KeptOfCustomer(now())) == [1, 2, 3]


@pytest.mark.parametrize("day", [DAY, DAY - timedelta(days=1)])
@pytest.mark.parametrize(
    ("kind", "read"),
    [(DataChange, ledger_states.data_changes), (UnpaidStatement, ledger_states.unpaid_statements)],
)
def test_what_states_show_to_have_happened_is_what_the_core_told(
    landing: Path, day: date, kind: type[Any], read: Any
) -> None:
    events = [decode(one, LATER) for one in _records(landing, day)]
    found = list(read(landing, day, day))
    assert {repr(one) for one in found} == {repr(one) for one in events if type(one) is kind}
    assert found
    assert list(read(landing, day, day, found[0].customer_id)) != []
    assert list(read(landing, day, day, 99)) == []
