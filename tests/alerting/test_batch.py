"""One batch, one transaction: dead letters, failing rules, limits, lateness."""

import json
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from alerting import batch, dead_letters, decoding, ruleset
from alerting.cli import app
from alerting.dead_letters import masked
from alerting.requeue import requeue
from alerting.rules import LARGE_INFLOW
from alerting.ruleset import RuleInForce
from crm_shared.errors import UsageError
from crm_shared.events.envelope import Event
from tests.alerting.batches import (
    BOUNDS,
    LATER,
    Broken,
    raised,
    record,
    records,
    run,
    with_a_broken_rule,
)
from tests.alerting.bookings import NOON, booking, expected_reminders, transfer_out

POISON = b"\x00 not json"


def test_poison_becomes_a_dead_letter_and_the_rest_goes_on(connection: psycopg.Connection) -> None:
    event = booking(1, customer_id=10, amount="700000.00")
    result = run(connection, records([POISON, event, b"{}"], 1_000))
    assert result.dead == {"undecodable": 1, "incomplete": 1}
    assert raised(connection, [10]) == expected_reminders([event])


def test_the_same_poison_again_is_the_same_dead_letter(connection: psycopg.Connection) -> None:
    run(connection, records([POISON], 2_000))
    assert run(connection, records([POISON], 2_000)).dead == {}


def test_other_poison_at_the_offset_of_a_topic_created_anew_is_kept(
    connection: psycopg.Connection,
) -> None:
    run(connection, records([POISON], 3_000))
    assert run(connection, records([b"other"], 3_000)).dead == {"undecodable": 1}


def test_dead_letters_of_one_offset_in_a_topic_created_anew_are_each_requeued(
    connection: psycopg.Connection,
) -> None:
    events = [booking(number, customer_id=number, amount="700000.00") for number in (81, 82)]
    values: list[Event | bytes] = [*events, POISON]
    for value in values:
        run(connection, records([value], 3_500), now=NOON - timedelta(hours=1))
    letters = [one for one in dead_letters.find(connection) if one.log_offset == 3_500]
    connection.commit()
    result = requeue(connection, letters, LATER, BOUNDS)
    assert (result.worked, result.still_dead, result.raised) == (2, 1, 2)
    assert raised(connection, [81, 82]) == expected_reminders(events)


def test_a_rule_that_raises_fails_alone(connection: psycopg.Connection) -> None:
    rules = with_a_broken_rule(ruleset.load(connection))
    event = booking(2, customer_id=20, amount="700000.00")
    result = run(connection, records([event], 4_000), rules=rules)
    assert result.outcomes["R01.LARGE_OUTFLOW", "error"] == 1
    assert result.dead == {"rule_failed": 1}
    assert set(raised(connection, [20]).values()) == {"R01.LARGE_INFLOW"}


def test_a_windowed_rule_that_failed_judges_again_when_requeued(
    connection: psycopg.Connection,
) -> None:
    rules = ruleset.load(connection)
    broken = replace(
        rules, windowed=(RuleInForce(Broken(windowed=True), 1, rules.windowed[0].parameters),)
    )
    events = [
        transfer_out(100 + number, customer_id=30, occurred_at=NOON + timedelta(hours=number))
        for number in range(5)
    ]
    run(connection, records(events, 5_000), rules=broken)
    assert raised(connection, [30]) == {}
    letters = dead_letters.find(connection, reason="rule_failed")
    letters = [one for one in letters if one.log_offset in range(5_000, 5_005)]
    connection.commit()
    result = requeue(connection, letters, LATER, BOUNDS)
    assert (result.worked, result.raised) == (5, 1)
    assert raised(connection, [30]) == expected_reminders(events)


def test_future_dated_events_are_worked_on_when_their_time_has_come(
    connection: psycopg.Connection,
) -> None:
    event = booking(3, customer_id=40, amount="700000.00")
    run(connection, records([event], 6_000), now=NOON - timedelta(hours=1))
    letters = [
        one for one in dead_letters.find(connection, reason="future_dated")
        if one.log_offset == 6_000
    ]  # fmt: skip
    connection.commit()
    too_early = requeue(connection, letters, NOON - timedelta(minutes=30), BOUNDS)
    assert (too_early.worked, too_early.still_dead) == (0, 1)
    result = requeue(connection, letters, NOON, BOUNDS)
    assert (result.worked, result.raised) == (1, 1)
    assert raised(connection, [40]) == expected_reminders([event])


def test_a_partition_goes_no_further_than_the_limit_until_somebody_has_dealt_with_some(
    connection: psycopg.Connection,
) -> None:
    few = replace(BOUNDS, dead_letter_limit=3)
    values: list[bytes | Event] = [booking(4), *[POISON] * 4, booking(8)]
    sent = [record(at, one, 7) for at, one in enumerate(values)]
    stands = "select next_offset, processed, dead_in_a_row from alerting.partitions"
    stands = f"{stands} where partition = 7"
    other = record(0, booking(9), 6)
    assert run(connection, [*sent, other], bounds=few).records == 5
    for _ in range(2):
        assert connection.execute(stands).fetchone() == (4, 4, 3)
        connection.commit()
        assert run(connection, sent[4:], bounds=few).records == 0
    letters = [one for one in dead_letters.find(connection) if one.partition == 7]
    assert [one.log_offset for one in letters] == [1, 2, 3]
    dead_letters.settle(connection, [letters[1].dead_letter_id])
    connection.commit()
    assert run(connection, sent[4:], bounds=few).records == 2
    assert connection.execute(stands).fetchone() == (6, 6, 0)
    connection.commit()


def test_a_record_that_postgresql_refuses_is_found_and_the_others_are_written(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_NUL", b"not looked for")
    events = [
        transfer_out(
            200 + number,
            customer_id=70,
            occurred_at=NOON + timedelta(hours=number),
            branch_id="B\0" if number == 5 else "B01",
        )
        for number in range(11)
    ]
    sent = records(events, 10_000)
    parts = list(batch.in_parts(sent, lambda part, refused: run(connection, part, refused=refused)))
    assert sum(part.records for part in parts) == 11
    letters = dead_letters.find(connection, reason="refused")
    assert [(one.log_offset, one.detail) for one in letters] == [
        (10_005, "PostgreSQL does not take it (UntranslatableCharacter, code 22P05).")
    ]
    connection.commit()
    assert raised(connection, [70]) == expected_reminders([*events[:5], *events[6:]])
    again = requeue(connection, [*letters, *_kept_poison(connection)], LATER, BOUNDS)
    assert (again.worked, again.raised) == (0, 0)


def _kept_poison(connection: psycopg.Connection) -> list[dead_letters.StoredDeadLetter]:
    run(connection, records([POISON], 10_100))
    found = dead_letters.find(connection, reason="undecodable")
    connection.commit()
    return [one for one in found if one.log_offset == 10_100]


def test_a_fault_that_is_not_in_a_record_is_no_dead_letter(connection: psycopg.Connection) -> None:
    def fail(part: object, refused: object) -> None:
        raise psycopg.errors.UndefinedTable

    with pytest.raises(psycopg.errors.UndefinedTable):
        list(batch.in_parts(records([POISON, POISON]), fail))


def test_records_that_come_again_are_judged_and_not_counted_once_more(
    connection: psycopg.Connection,
) -> None:
    events = [booking(one, customer_id=70, business_date="2026-08-01") for one in range(70, 76)]
    # A partition of its own, which begins at its first record.
    values: list[bytes | Event] = [*events, POISON, POISON]
    sent = [record(at, one, 9) for at, one in enumerate(values)]
    counted = """
        select p.processed, p.next_offset, p.dead_in_a_row, d.records, d.control_total
        from alerting.partitions p join alerting.days_worked d using (topic, partition)
        where partition = 9
        """
    run(connection, sent)
    before = connection.execute(counted).fetchall()
    connection.commit()
    few = replace(BOUNDS, dead_letter_limit=2)
    results = [run(connection, part, bounds=few) for part in (sent[:4], sent[4:], sent, sent[7:])]
    assert connection.execute(counted).fetchall() == before
    connection.commit()
    assert [one.records for one in results] == [4, 4, 8, 1]
    assert results[0].outcomes["R01.LARGE_INFLOW", "below"] == 4
    run(connection, [*sent[-1:], record(8, POISON, 9)])
    (after,) = connection.execute(counted).fetchall()
    assert after[:3] == (before[0][0] + 1, 9, before[0][2] + 1)
    connection.commit()


def test_events_behind_the_watermark_are_counted_as_late(connection: psycopg.Connection) -> None:
    events = [
        booking(5, customer_id=50, occurred_at=NOON + timedelta(days=1)),
        booking(6, customer_id=50, occurred_at=NOON, amount="500000.00"),
    ]
    assert run(connection, records(events, 8_000)).late == 1


def test_only_transfers_to_other_banks_enter_the_inbox(connection: psycopg.Connection) -> None:
    events = [booking(7, customer_id=60), transfer_out(8, customer_id=60)]
    run(connection, records(events, 9_000))
    kept = connection.execute(
        "select event_id from alerting.inbox where customer_id = 60"
    ).fetchall()
    assert kept == [(events[1].event_id,)]


def test_dead_letters_hide_personal_data() -> None:
    event = transfer_out(9, counterparty_account="6222021234567890").to_bytes()
    assert b"6222021234567890" not in masked(event)
    assert b"6222021234567890" not in masked(b"broken " + event)
    assert masked(b"broken 12345") == b"broken 12345"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b'{"data": {"Phone": "138", "x":1}}', b'{"data": {"Phone": "***", "x": 1}}'),
        (b'[{"phone": 138}, [{"name": {"first": "a"}}]]', b'[{"phone": "***"}, [{"name": "***"}]]'),
        (b'{"phone": "138", "phone": null}', b'{"phone": "***"}'),
        (b'{"phone": "138", "x": "\\ud800"}', b'{"phone": "***", "x": "\\ud800"}'),
        (b'{"name" : "a\\"b", "x":"c', b'{"name" : "***", "x":"c'),
        (b'{"x": {"name": "cut o', b'{"x": {"name": "***"'),
        (b'{"x": "name",  "phone": null}', b'{"x": "name",  "phone": null}'),
    ],
)
def test_dead_letters_hide_personal_data_at_any_depth_and_nothing_else(
    said: bytes, kept: bytes
) -> None:
    assert masked(said) == kept
    assert masked(b'{"x":' + b"[" * 5_000 + b'{"phone": "138"}').endswith(b'{"phone": "***"}')


def test_what_a_dead_letter_says_is_told_to_who_asks_and_that_is_kept(
    connection: psycopg.Connection, alerting_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (letter,) = _kept_poison(connection)
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    asked = ["dead-letters", "list", "--reason", "undecodable", "--json"]
    assert "payload" not in CliRunner().invoke(app, asked, catch_exceptions=False).output
    by = ["--by", "Chen", "--purpose", "operations"]
    told = json.loads(CliRunner().invoke(app, [*asked, *by], catch_exceptions=False).output)
    (said,) = (one["payload"] for one in told if one["dead_letter_id"] == letter.dead_letter_id)
    assert said.encode() == POISON
    row = connection.execute("select said_by, action, details from alerting.audit_log").fetchone()
    numbers = [one["dead_letter_id"] for one in told]
    assert row == ("Chen", "dead_letters.read", {"dead_letters": numbers})
    with pytest.raises(UsageError, match="--json alone"):
        CliRunner().invoke(app, ["dead-letters", "list", *by], catch_exceptions=False)


def test_every_rule_of_the_table_is_the_one_of_the_documents(
    connection: psycopg.Connection,
) -> None:
    rules = ruleset.load(connection)
    assert rules.parameters() == {
        "movement.individual_min_amount": "500000.00",
        "movement.business_min_amount": "5000000.00",
        "frequent_transfers.min_count": "5",
        "frequent_transfers.window_hours": "24",
        "card_spend.min_amount": "50000.00",
        "movement.currency": "CNY",
        "storm.max_per_hour": "5000",
    } | {
        f"storm.max_per_hour@{code}": "50000"
        for code in ("R03.ARREARS", "R03.OVERDUE", "R03.CARD_OVERDUE", "R05.LOBBY_ARRIVAL")
    }
    assert LARGE_INFLOW in [one.rule for one in rules.stateless]
