"""A rule that raises too much is stored on and not told, until a person has looked."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from alerting import batch, drafts, outbox, ownership, ruleset, storms
from alerting.cli import app
from alerting.ruleset import Ruleset
from alerting.settings import AlertingSettings
from alerting.storms import NoStormError
from crm_shared.testing.waiting import wait_until
from tests.alerting.batches import BOUNDS, LATER, TOPIC, records, run
from tests.alerting.bookings import NOON, booking, closure, reversal, transfer_out

INFLOW = "R01.LARGE_INFLOW"
FREQUENT = "R01.FREQUENT_TRANSFERS_OUT"
AMOUNTS = {"movement.individual_min_amount": "500", "movement.business_min_amount": "500"}


@pytest.fixture
def few(connection: psycopg.Connection) -> Iterator[Ruleset]:
    """Rules of which large inflow may raise three in an hour; on tables without reminders."""
    connection.execute(
        "truncate alerting.storms, alerting.storm_counts, alerting.outbox, alerting.evidence,"
        " alerting.reminders, alerting.retractions"
    )
    connection.commit()
    inflow = (INFLOW, 1, AMOUNTS | {"storm.max_per_hour": "3"})
    yield ruleset.ruleset_of([inflow, ("R01.ACCOUNT_CLOSED", 1, {})])


def _raise(
    connection: psycopg.Connection, rules: Ruleset, numbers: range, hour: int = 0
) -> tuple[str, ...]:
    at = NOON + timedelta(hours=hour)
    events = [booking(number, occurred_at=at, amount="600.00") for number in numbers]
    return run(connection, records(events, numbers[0]), rules=rules).storms


def _claimed(connection: psycopg.Connection) -> list[UUID]:
    with connection.transaction():
        messages = outbox.claim(connection, 1_000)
        outbox.mark_sent(connection, [one.seq for one in messages])
    return [UUID(json.loads(one.value)["reminder_id"]) for one in messages]


def _standing(connection: psycopg.Connection) -> int:
    row = connection.execute(
        "select count(*) from alerting.reminders where state = 'raised'"
    ).fetchone()
    connection.commit()
    return int(row[0]) if row else 0


def test_more_than_an_hour_may_have_is_stored_and_held(
    connection: psycopg.Connection, few: Ruleset
) -> None:
    assert _raise(connection, few, range(1, 4)) == ()
    assert len(_claimed(connection)) == 3
    assert _raise(connection, few, range(4, 6)) == (INFLOW,)
    assert _raise(connection, few, range(6, 8)) == ()
    assert _standing(connection) == 7
    run(connection, records([closure(70)], 100), rules=few)
    assert len(_claimed(connection)) == 1
    (storm,) = storms.lasting(connection)
    assert (storm.rule_code, storm.raised, storm.held) == (INFLOW, 5, 4)
    assert "3 are allowed (storm.max_per_hour): 4 messages are held" in storm.sentence


def test_the_hours_are_those_of_the_events(connection: psycopg.Connection, few: Ruleset) -> None:
    for hour in range(5):
        assert _raise(connection, few, range(hour * 3 + 10, hour * 3 + 13), hour) == ()
    assert _raise(connection, few, range(100, 101), 2) == (INFLOW,)


def test_what_was_held_is_sent_once_the_storm_is_over(
    connection: psycopg.Connection, few: Ruleset
) -> None:
    _raise(connection, few, range(1, 6))
    assert _claimed(connection) == []
    assert storms.end(connection, INFLOW, by="Chen", reason="real", withdraw=False) == 0
    assert len(_claimed(connection)) == 5
    with pytest.raises(NoStormError, match="has no storm"):
        storms.end(connection, INFLOW, by="Chen", reason="real", withdraw=False)


def test_an_hour_that_was_looked_at_has_another_storm_only_with_as_many_again(
    connection: psycopg.Connection, few: Ruleset
) -> None:
    _raise(connection, few, range(1, 5))
    storms.end(connection, INFLOW, by="Chen", reason="real", withdraw=False)
    assert _raise(connection, few, range(5, 7)) == ()
    assert _raise(connection, few, range(7, 8)) == (INFLOW,)


def test_what_nobody_was_told_of_can_be_withdrawn_and_raised_again(
    connection: psycopg.Connection, few: Ruleset
) -> None:
    _raise(connection, few, range(1, 3))
    told = _claimed(connection)
    _raise(connection, few, range(3, 6))
    assert storms.end(connection, INFLOW, by="Chen", reason="wrong", withdraw=True) == 3
    assert (_claimed(connection), _standing(connection)) == ([], 2)
    higher = ruleset.ruleset_of([(INFLOW, 2, AMOUNTS | {"storm.max_per_hour": "99"})])
    _raise(connection, higher, range(1, 6))
    again = _claimed(connection)
    assert len(again) == 3
    assert not set(told) & set(again)
    assert _standing(connection) == 5


def test_who_was_told_of_a_reminder_hears_that_it_fell_while_a_storm_lasts(
    connection: psycopg.Connection, few: Ruleset
) -> None:
    _raise(connection, few, range(1, 3))
    told = _claimed(connection)
    _raise(connection, few, range(3, 8))
    bookings = [booking(number, occurred_at=NOON, amount="600.00") for number in (1, 3)]
    back = [reversal(one, 80 + number) for number, one in enumerate(bookings)]
    assert run(connection, records(back, 50), rules=few).withdrawn == {INFLOW: 2}
    withdrawn = _claimed(connection)
    assert len(withdrawn) == 1
    assert set(withdrawn) < set(told)
    assert outbox.backlog(connection) == 0
    storms.end(connection, INFLOW, by="Chen", reason="real", withdraw=False)
    after = _claimed(connection)
    assert len(after) == 6
    assert after[-1] in after[:-1], "the withdrawal comes behind what it withdraws"


def test_a_storm_ends_part_by_part_however_much_it_holds(
    connection: psycopg.Connection, few: Ruleset
) -> None:
    _raise(connection, few, range(1, 6))
    connection.execute(
        "insert into alerting.outbox (reminder_id, rule_code, rule_version, customer_id,"
        " business_date, message, held) select gen_random_uuid(), %s, 1, 1, now(), '', true"
        " from generate_series(1, 5100)",
        (INFLOW,),
    )
    connection.commit()
    storms.end(connection, INFLOW, by="Chen", reason="real", withdraw=False)
    assert outbox.backlog(connection) == 5_105
    assert storms.lasting(connection) == []


def test_evidence_that_comes_while_a_storm_is_withdrawn_is_withdrawn_or_raises_anew(
    connection: psycopg.Connection, few: Ruleset, alerting_url: str
) -> None:
    del few
    values = {"frequent_transfers.min_count": "2", "frequent_transfers.window_hours": "24"}
    rules = ruleset.ruleset_of([(FREQUENT, 1, values | {"storm.max_per_hour": "1"})])
    sent = [transfer_out(one, customer_id=one // 10) for one in (500, 501, 510, 511)]
    assert run(connection, records(sent), rules=rules).storms == (FREQUENT,)
    more = records([transfer_out(502, customer_id=50)], 10)
    with psycopg.connect(alerting_url) as other, ThreadPoolExecutor(1) as pool:
        progress = ownership.lock(connection, {(TOPIC, 0)})
        decoded = batch.decode_all(more, progress, LATER, BOUNDS)
        batch.write(connection, decoded, rules)
        ended = pool.submit(storms.end, other, FREQUENT, by="Chen", reason="wrong", withdraw=True)
        waits = "select from pg_locks where not granted and relation = %s::regclass"
        wait_until(
            lambda: connection.execute(waits, ("alerting.partitions",)).fetchone() is not None,
            "the end of the storm to wait for the batch",
        )
        connection.commit()
        assert ended.result(60) == 2
    row = connection.execute(
        "select count(*) from alerting.evidence join alerting.reminders using (reminder_id)"
        " where state = 'withdrawn'"
    ).fetchone()
    assert row == (0,)


def test_a_storm_that_a_requeue_begins_is_told(
    connection: psycopg.Connection, few: Ruleset, alerting_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    low = AMOUNTS | {"storm.max_per_hour": "1"}
    connection.execute(
        "insert into alerting.rules (code, version, parameters, effective_from)"
        " values (%s, 77, %s, now())",
        (INFLOW, Jsonb(low)),
    )
    connection.commit()
    events = [booking(number, occurred_at=NOON, amount="600.00") for number in range(91, 94)]
    run(connection, records(events), rules=few, now=NOON - timedelta(days=1))
    try:
        said = _said("dead-letters", "requeue", "--all", "--by", "Chen")
        assert "A storm of R01.LARGE_INFLOW has begun" in said
    finally:
        # The next test begins with the rules that the database was set up with.
        connection.execute("alter table alerting.rules disable trigger rules_are_kept")
        connection.execute("delete from alerting.rules where version = 77")
        connection.execute("alter table alerting.rules enable trigger rules_are_kept")
        connection.commit()


def test_a_withdrawn_window_is_judged_anew_when_its_transfers_come_again(
    connection: psycopg.Connection, few: Ruleset
) -> None:
    del few
    connection.execute("truncate alerting.inbox")
    connection.commit()
    values = {"frequent_transfers.min_count": "2", "frequent_transfers.window_hours": "24"}
    rules = ruleset.ruleset_of([(FREQUENT, 1, values | {"storm.max_per_hour": "1"})])
    sent = [transfer_out(number, customer_id=number // 10) for number in (10, 11, 20, 21, 30, 31)]
    assert run(connection, records(sent), rules=rules).storms == (FREQUENT,)
    before = _standing(connection)
    assert before == 3
    assert storms.end(connection, FREQUENT, by="Chen", reason="wrong", withdraw=True) == before
    assert _standing(connection) == 0
    more = ruleset.ruleset_of([(FREQUENT, 2, values | {"storm.max_per_hour": "99"})])
    run(connection, records(sent, 10), rules=more)
    assert _standing(connection) == before
    assert len(_claimed(connection)) == before


def test_the_commands_tell_and_end_a_storm(
    connection: psycopg.Connection,
    few: Ruleset,
    alerting_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    _raise(connection, few, range(1, 6))
    assert "R01.LARGE_INFLOW raised 5 reminders for the hour" in _said("storms")
    (one,) = json.loads(_said("storms", "--json"))
    assert (one["rule_code"], one["raised"], one["held"]) == (INFLOW, 5, 5)
    ended = _said("storms", "end", INFLOW, "--by", "Chen", "--reason", "wrong", "--withdraw")
    assert "5 reminders withdrawn" in ended
    assert "0 storms last" in _said("storms")


def test_a_draft_that_only_allows_more_needs_no_backtest(
    connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    changes = {"storm.max_per_hour": "9000"}
    number = drafts.draft(
        connection, INFLOW, changes, maker="Lin", reason="busy", settings=settings
    )
    drafts.approve(connection, number, checker="Chen", at=None, settings=settings)
    (rule,) = (one for one in ruleset.load(connection).rules if one.rule.code == INFLOW)
    assert rule.parameters.max_per_hour == 9_000


def _said(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output
