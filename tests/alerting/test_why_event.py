"""One event and every rule: what it fired, what it did not, and why it was not judged."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from alerting import ledger_search
from alerting.cli import app
from alerting.decoding import decode
from alerting.events import Booking, Event
from alerting.rules import RULES
from crm_shared.errors import UsageError
from crm_shared.kafka_records import Record
from tests.alerting.batches import LATER, record, records, run
from tests.alerting.bookings import NOON, booking, reversal, transfer_out

pytest.importorskip("bank_simulator.replay")

DAY = date(2026, 7, 1)
INFLOW, LOBBY = "R01.LARGE_INFLOW", "R05.LOBBY_ARRIVAL"
FREQUENT = "R01.FREQUENT_TRANSFERS_OUT"
Say = Callable[..., str]


@pytest.fixture
def say(alerting_url: str, landing: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """The command; what it says of an event."""
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    monkeypatch.setenv("CRM_LANDING_DIR", str(landing))

    def asked(*words: object) -> str:
        line = ["why", *map(str, words), "--by", "Lin", "--purpose", "operations"]
        done = CliRunner().invoke(app, line, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return asked


def _fired(connection: psycopg.Connection, code: str) -> tuple[UUID, UUID, int]:
    row = connection.execute(
        "select min(event_id::text)::uuid, reminder_id, min(customer_id) from alerting.evidence"
        " where rule_code = %s and customer_id > 990_999 group by reminder_id"
        " having count(*) = 1 order by 2 limit 1",
        (code,),
    ).fetchone()
    assert row is not None
    connection.commit()
    return row[0], row[1], row[2]


def _rules(said: str) -> dict[str, Any]:
    return {one["rule_code"]: one for one in json.loads(said)["rules"]}


@pytest.mark.parametrize("code", sorted(RULES))
def test_an_event_that_fired_says_so_of_every_rule(
    day: psycopg.Connection, say: Say, code: str
) -> None:
    event_id, reminder_id, customer_id = _fired(day, code)
    said = say(event_id, "--json")
    one = _rules(said)[code]
    assert set(_rules(said)) == set(RULES)
    assert (one["outcome"], one["version"], one["state"]) == ("fired", 1, "raised")
    assert one["reminder_id"] == str(reminder_id)
    assert json.loads(said)["customer_id"] == customer_id
    told = say(event_id)
    assert f"ocrm reminders explain {reminder_id}" in told
    assert "MISSING" not in told


def test_the_event_is_found_on_its_day_in_the_files(landing: Path, sent: list[Record]) -> None:
    kinds: dict[type[Any], Event] = {}
    for one in sent:
        event = decode(one, LATER)
        if isinstance(event, Event):
            kinds.setdefault(type(event), event)
    found = {kind: ledger_search.find(landing, one.event_id, None) for kind, one in kinds.items()}
    assert {kind.__name__ for kind, place in found.items() if place is None} == {"Ticket"}
    for kind, place in found.items():
        if place is not None:
            assert (place.kind, place.day) == (kind, DAY)
            assert place.customer_id in (None, kinds[kind].customer_id)
            earlier = DAY - timedelta(days=1)
            assert ledger_search.find(landing, kinds[kind].event_id, earlier) is None


def test_what_fired_nothing_says_value_and_threshold_of_each_rule_that_looks_at_it(
    day: psycopg.Connection, say: Say, sent: list[Record]
) -> None:
    known = {row[0] for row in day.execute("select event_id from alerting.evidence")}
    day.commit()
    small = next(
        one
        for record in sent
        if isinstance(one := decode(record, LATER), Booking)
        and (one.direction, one.txn_type) == ("credit", "transfer_in")
        and one.amount < 5_000
        and one.event_id not in known
    )
    told = say(small.event_id, "--on", DAY)
    assert f"told by the delivered files of {DAY}" in told
    assert f"below: value {small.amount}, threshold 5" in told
    assert "looks at ticket.changed only" in told
    assert "looks at card.booked only" in told
    assert f"records of transaction.booked of {DAY} that were worked on" in told
    assert f"`alerting completeness --date {DAY}` counts" in told
    assert "dead letters of this event: none" in told


def test_an_event_of_which_only_the_evidence_is_kept_says_what_fired(
    day: psycopg.Connection, say: Say
) -> None:
    event_id, reminder_id, _ = _fired(day, LOBBY)
    told = say(event_id)
    assert "neither delivered files nor inbox have it" in told
    assert "fired at 2" in told
    assert f"version 1; raised: reminder {reminder_id}; this event raised it" in told
    assert _rules(say(event_id, "--json"))[INFLOW]["outcome"] == "not_kept"


def test_a_transfer_that_windows_count_is_judged_in_them_without_the_files(
    connection: psycopg.Connection, say: Say
) -> None:
    out = [
        transfer_out(
            990_100 + number, customer_id=990_100, occurred_at=NOON + timedelta(minutes=number)
        )
        for number in range(2)
    ]
    run(connection, records(out, 960_000))
    told = say(out[1].event_id)
    assert "told by the inbox" in told
    assert f"{FREQUENT:<28}below: value 2, threshold 5, version 1" in told
    assert "Windows count it since" in told
    assert "do not judge it again" in told


def test_a_reversal_and_what_it_reverses_name_each_other(
    connection: psycopg.Connection, say: Say
) -> None:
    first = transfer_out(990_200, customer_id=990_200)
    back = reversal(first, 990_201)
    run(connection, records([first, back], 961_000))
    told = say(back.event_id)
    assert "It is a reversal or a correction: it takes back txn:990200" in told
    with pytest.raises(UsageError, match="Nothing is known of an event"):
        say(first.event_id)


def test_whether_it_came_late_is_what_its_reminder_says_or_what_all_of_its_day_did(
    connection: psycopg.Connection, say: Say
) -> None:
    later = NOON + timedelta(hours=3)
    first = booking(990_400, customer_id=990_400, occurred_at=later, amount="600000.00")
    late = booking(990_401, customer_id=990_401, amount="600000.00")
    other: dict[str, Any] = {
        "business_date": "2026-05-05",
        "occurred_at": NOON - timedelta(days=57),
    }
    silent = transfer_out(990_402, customer_id=990_402, **other)
    for number, event in enumerate((first, late)):
        run(connection, [record(number, event, partition=5)])
    assert "It came in time, as the message of its reminder says" in say(first.event_id)
    assert "It came late, as the message of its reminder says" in say(late.event_id)
    run(connection, [record(0, silent, partition=6)])
    assert "It came in time, if it came: of the 1 records" in say(silent.event_id)


def test_a_dead_letter_says_why_no_rule_judged_it_and_what_to_do(
    connection: psycopg.Connection, say: Say
) -> None:
    later = LATER + timedelta(days=9)
    ahead = booking(990_300, customer_id=990_300, occurred_at=later, amount="600000.00")
    half = booking(990_301, customer_id=990_301).to_bytes()[:-30]
    deep = booking(990_302, customer_id=990_302).to_bytes()[:-1] + b',"x":' + b"[" * 5_000
    run(connection, [record(962_000, ahead), record(962_001, half), record(962_002, deep)])
    told = say(ahead.event_id)
    assert "told by dead letter" in told
    assert "not judged: it is dead letter" in told
    assert "(future_dated: " in told
    assert "judged now: fires: value 600000.00" in told
    assert "alerting dead-letters requeue" in told
    assert "looks at ticket.changed only" in told
    for number in (990_301, 990_302):
        broken = say(booking(number, customer_id=number).event_id)
        assert broken.count("not judged: it is dead letter") == len(RULES)
        assert "(undecodable: " in broken


def test_a_dead_letter_that_was_settled_says_so(connection: psycopg.Connection, say: Say) -> None:
    ahead = booking(990_350, customer_id=990_350, occurred_at=LATER + timedelta(days=9))
    run(connection, [record(963_000, ahead)])
    connection.execute(
        "update alerting.dead_letters set state = 'settled' where log_offset = 963000"
    )
    connection.commit()
    told = say(ahead.event_id)
    assert "somebody settled it" in told
    assert "dead-letters requeue" not in told


def test_asked_for_a_reminder_it_names_its_event(connection: psycopg.Connection, say: Say) -> None:
    large = booking(990_360, customer_id=990_360, amount="900000.00")
    run(connection, [record(963_500, large)])
    [(reminder_id,)] = connection.execute(
        "select reminder_id from alerting.evidence where event_id = %s", (large.event_id,)
    ).fetchall()
    connection.commit()
    with pytest.raises(UsageError, match=f"is a reminder; .* its event: {large.event_id}"):
        say(reminder_id)


def test_an_event_that_is_nowhere_says_what_to_do(connection: psycopg.Connection, say: Say) -> None:
    asked = uuid4()
    with pytest.raises(UsageError, match=r"Nothing is known .* `alerting completeness --date"):
        say(asked)
    row = connection.execute(
        "select said_by, action, purpose from alerting.audit_log where subject_id = %s",
        (str(asked),),
    ).fetchone()
    assert row == ("Lin", "event.explain", "operations")
    with pytest.raises(UsageError, match="leave the number out"):
        say(asked, 17)
    with pytest.raises(UsageError, match="say the customer and the day"):
        say(INFLOW)
