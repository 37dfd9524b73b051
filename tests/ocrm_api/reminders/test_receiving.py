"""What the intake makes of a batch: once, whoever says it how often; poison stays outside."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from crm_shared import ids
from crm_shared.clock import now
from crm_shared.events.canaries import CanarySent
from crm_shared.events.reminders import ReminderWithdrawn
from crm_shared.kafka_gaps import Gap
from crm_shared.kafka_records import Record
from ocrm_api.reminders import books, receiving, routing
from ocrm_api.reminders.books import DeadLetterLimitError
from ocrm_api.reminders.receiving import DeadLetter
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Bank, raised


def withdrawal(window: str, customer_id: int = 1) -> bytes:
    """A withdrawal of a large inflow."""
    rule, subject = "R01.LARGE_INFLOW", f"customer:{customer_id}"
    return ReminderWithdrawn(
        event_id=uuid4(), occurred_at=now(), producer="tests", customer_id=customer_id,
        reminder_id=ids.reminder_id(rule, subject, window), rule_code=rule, subject=subject,
        window=window, reason="reversed",
    ).to_bytes()  # fmt: skip


def state(of: Bank, reminder_id: UUID) -> dict[str, Any]:
    """Where a reminder is and whose."""
    names = ("status", "branch_id", "lead_branch_id", "owner_id", "version")
    rows = of.execute(
        f"select {', '.join(names)} from ocrm.reminders where reminder_id = %s", reminder_id
    )
    return dict(zip(names, rows[0], strict=True))


def test_raised_twice_is_one_reminder_and_one_event(shared_bank: Bank) -> None:
    event = raised(1)
    first = shared_bank.receive(event.to_bytes(), event.to_bytes())
    second = shared_bank.receive(event.to_bytes())
    assert (first.raised, second.raised) == ([event.reminder_id], [])
    count = shared_bank.execute(
        "select count(*) from ocrm.reminder_events where reminder_id = %s", event.reminder_id
    )
    assert count == [(1,)]


def test_withdrawn_is_withdrawn_whichever_comes_first(shared_bank: Bank) -> None:
    for number, raise_first in enumerate((True, False)):
        window = f"txn:{number}"
        event = raised(1, window=window)
        messages = [event.to_bytes(), withdrawal(window)]
        for message in messages if raise_first else reversed(messages):
            shared_bank.receive(message)
        shared_bank.receive(event.to_bytes())
        assert state(shared_bank, event.reminder_id)["status"] == "withdrawn"


def test_what_is_done_is_not_withdrawn(shared_bank: Bank) -> None:
    event = raised(1, window="txn:done")
    shared_bank.receive(event.to_bytes())
    shared_bank.execute(
        "update ocrm.reminders set status = 'done', done_at = now(), outcome_code = 'other'"
        " where reminder_id = %s", event.reminder_id,
    )  # fmt: skip
    assert shared_bank.receive(withdrawal("txn:done")).withdrawn == []


def test_routes_go_to_the_lead_manager(shared_bank: Bank) -> None:
    routed = state(shared_bank, shared_bank.raise_reminder(2, branch_id="B1"))
    assert (routed["owner_id"], routed["branch_id"], routed["lead_branch_id"]) == ("M2", "B1", "B2")
    without = state(shared_bank, shared_bank.raise_reminder(2, branch_id=None))
    assert (without["owner_id"], without["branch_id"]) == ("M2", "B2")


def test_an_unknown_customer_is_the_virtual_manager_s_of_the_branch(shared_bank: Bank) -> None:
    routed = state(shared_bank, shared_bank.raise_reminder(99, branch_id="B1"))
    assert (routed["owner_id"], routed["lead_branch_id"]) == ("V:B1", "B1")
    nowhere = state(shared_bank, shared_bank.raise_reminder(99, branch_id="B9"))
    assert (nowhere["owner_id"], nowhere["branch_id"]) == (None, "-")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "The message has no value."),
        (b"", "the message: no JSON"),
        (b"\xff\xfe", "the message: no JSON"),
        (b"[]", "the message: it should be an object"),
        (b"{}", "type: missing"),
        (b'{"type": "reminder.raised"}', "event_id: missing; occurred_at: missing"),
        (b'{"type": "else"}', "type: it should be one of reminder.raised, reminder.withdrawn"),
    ],
)
def test_what_cannot_be_decoded_is_a_dead_letter_with_a_reason(
    value: bytes | None, reason: str
) -> None:
    good, dead, canaries = receiving.decode([Record("t", 0, 7, None, value)])
    assert (good, dead[0].record.offset, canaries) == ([], 7, {})
    assert dead[0].reason.startswith(reason)


def test_a_wrong_id_is_a_dead_letter_that_repeats_no_value(shared_bank: Bank) -> None:
    message = json.loads(raised(1).to_bytes()) | {
        "reminder_id": str(uuid4()),
        "amount": "13800000000",
    }
    received = shared_bank.receive(json.dumps(message).encode())
    assert "reminder_id is not the id" in received.dead[0].reason
    assert "13800000000" not in received.dead[0].reason


def test_what_postgresql_refuses_does_not_stop_the_others(shared_bank: Bank) -> None:
    good = raised(1)
    bad = raised(1, facts={"value": "a\x00b"})
    received = shared_bank.receive(bad.to_bytes(), good.to_bytes())
    assert received.raised == [good.reminder_id]
    assert [letter.record.offset for letter in received.dead] == [0]
    assert received.dead[0].reason == (
        "PostgreSQL refuses it (UntranslatableCharacter, code 22P05)."
    )


@pytest.fixture
def connection(shared_bank: Bank) -> Iterator[psycopg.Connection]:
    """A connection of the application's role, rolled back."""
    with psycopg.connect(shared_bank.database.ocrm_app) as opened:
        yield opened
        opened.rollback()


def test_too_many_dead_letters_are_kept_and_stop_the_intake(
    connection: psycopg.Connection,
) -> None:
    letters = [DeadLetter(Record("t", 0, number, None, b"x"), "no\x00") for number in range(3)]
    assert books.keep_dead_letters(connection, letters) == 3
    assert books.keep_dead_letters(connection, letters) == 3
    books.check_dead_letters(3, limit=3)
    more = [DeadLetter(Record("t", 1, 0, None, None), "no")]
    with pytest.raises(DeadLetterLimitError, match="ocrm dead-letters --settle"):
        books.check_dead_letters(books.keep_dead_letters(connection, more), limit=3)
    shown = books.unsettled(connection)
    assert len(shown) == 4
    assert books.settle(connection, by="Chen") == shown
    assert books.unsettled(connection) == books.settle(connection, by="Li") == []
    kept = connection.execute(
        "select subject_id, details ->> 'by' from ocrm.audit_log"
        " where action = 'dead_letter.settled' order by audit_id"
    ).fetchall()
    assert kept == [(f"{one['topic']}/{one['partition']}/{one['offset']}", "Chen") for one in shown]
    assert books.keep_dead_letters(connection, more) == 0


def test_records_that_were_missing_are_counted_with_the_offsets(
    connection: psycopg.Connection,
) -> None:
    def kept() -> list[tuple[int, int, bool | None]]:
        return connection.execute(
            "select next_offset, missing, missing_at = now() from ocrm.intake_offsets"
            " where topic = 't'"
        ).fetchall()

    books.keep_offsets(connection, [Record("t", 0, one, None, b"") for one in (0, 1)], {})
    assert kept() == [(2, 0, None)]
    books.keep_offsets(connection, [Record("t", 0, 5, None, b"")], {})
    assert kept() == [(6, 0, None)], "offsets that nobody deleted are no loss"
    books.keep_offsets(connection, [Record("t", 0, 9, None, b"")], {}, [Gap("t", 0, 6, 8)])
    assert kept() == [(10, 3, True)]
    books.keep_offsets(connection, [Record("t", 0, 0, None, b"")], {})
    assert kept() == [(1, 3, True)]


def canary(sent_at: datetime) -> bytes:
    """What alerting sends to see that reminders get here."""
    return CanarySent(event_id=uuid4(), occurred_at=sent_at, producer="alerting").to_bytes()


def test_a_canary_is_noted_by_its_partition_and_told_to_nobody(
    shared_bank: Bank, connection: psycopg.Connection
) -> None:
    def kept() -> datetime | None:
        rows = connection.execute("select canary_at from ocrm.intake_offsets where topic = 't'")
        return next((row[0] for row in rows), None)

    sent = now() - timedelta(minutes=2)
    both = [canary(sent), canary(sent - timedelta(minutes=1))]
    received = shared_bank.receive(*both)
    assert (received.told(), received.dead) == ([], [])
    assert received.canaries == {("crm.reminders.v1", 0): sent}
    books.keep_offsets(connection, [Record("t", 0, 0, None, b"")], {"t": uuid4()})
    for told, known in ((sent, sent), (sent - timedelta(1), sent)):
        books.keep_canaries(connection, {("t", 0): told, ("t", 1): told})
        assert kept() == known
    books.keep_canaries(connection, {("t", 0): sent + timedelta(1)})
    assert [(kept(),)] == connection.execute("select now()").fetchall(), "its clock was ahead"
    books.follow(connection, {"t": uuid4()})
    assert kept() is None, "its partition may be gone"


def reroute_closed(of: Bank) -> routing.Closed:
    """A part of the closed ones."""
    with psycopg.connect(of.database.ocrm_app) as opened:
        return routing.reroute_closed(opened, routing.current(opened, None))


def reroute(of: Bank) -> list[list[UUID]]:
    """What an intake does after a publication: what moved in each transaction."""
    parts: list[list[UUID]] = []
    place = routing.BEGINNING
    while True:
        with psycopg.connect(of.database.ocrm_app) as opened:
            part = routing.reroute(opened, routing.current(opened, None), place)
        parts += [list(part.moved)] if part.moved else []
        if part.after is None:
            break
        place = part.after
    while reroute_closed(of) == "more":
        pass
    return parts


def test_a_publication_takes_open_reminders_to_the_new_lead(own_bank: Bank) -> None:
    open_one = own_bank.raise_reminder(1, branch_id="B2")
    whole = own_bank.raise_reminder(1, "R01.FREQUENT_TRANSFERS_OUT", "B1")
    unrouted = own_bank.raise_reminder(11, branch_id="B9")
    row = {"customer_id": 1, "lead_branch_id": "B3", "is_key_customer": False, "branch_id": "B3",
           "role": "lead", "manager_id": "M3", "rule": "loan", "deposit_balance": 1,
           "loan_balance": 1}  # fmt: skip
    bank.publish(
        own_bank.database.acrm_owner,
        date(2026, 7, 1),
        {"coverage": [row, row | {"customer_id": 11}]},
    )
    assert {one for part in reroute(own_bank) for one in part} == {open_one, whole, unrouted}
    moved = state(own_bank, open_one)
    assert (moved["owner_id"], moved["lead_branch_id"], moved["branch_id"]) == ("M3", "B3", "B2")
    assert state(own_bank, whole)["branch_id"] == "B3"
    assert state(own_bank, unrouted)["owner_id"] == "M3"
    assert reroute(own_bank) == []


def test_only_a_new_owner_has_the_hours_of_waiting_anew(own_bank: Bank) -> None:
    kept, given_away = own_bank.raise_reminder(1, branch_id="B2"), own_bank.raise_reminder(4)
    own_bank.execute(
        "update ocrm.reminders set waiting_since = '2026-06-29T09:00+08',"
        " escalated_at = '2026-06-29T17:00+08', escalated_to = 'H1'"
    )
    row = {"lead_branch_id": "B3", "branch_id": "B3", "role": "lead", "rule": "loan",
           "is_key_customer": False, "deposit_balance": 1, "loan_balance": 1}  # fmt: skip
    led = [
        row | {"customer_id": 1, "manager_id": "M1"},
        row | {"customer_id": 4, "manager_id": "M3"},
    ]
    bank.publish(own_bank.database.acrm_owner, date(2026, 7, 1), {"coverage": led})
    assert {one for part in reroute(own_bank) for one in part} == {kept, given_away}
    waiting = own_bank.execute(
        "select reminder_id, owner_id, lead_branch_id, escalated_to, escalated_at is not null,"
        " waiting_since = '2026-06-29T09:00+08' from ocrm.reminders"
    )
    assert set(waiting) == {
        (kept, "M1", "B3", "H1", True, True),
        (given_away, "M3", "B3", None, False, False),
    }


def test_open_reminders_are_routed_anew_in_parts(
    own_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "REROUTED_AT_ONCE", 2)
    done = own_bank.raise_reminder(1, "R01.FREQUENT_TRANSFERS_OUT")
    own_bank.execute(
        "update ocrm.reminders set status = 'done', done_at = now(), outcome_code = 'other'"
    )
    raised_ones = {own_bank.raise_reminder(customer) for customer in (1, 4, 1, 5, 1, 4, 6)}
    row = {"lead_branch_id": "B3", "branch_id": "B3", "role": "lead", "manager_id": "M3",
           "rule": "loan", "is_key_customer": False, "deposit_balance": 1,
           "loan_balance": 1}  # fmt: skip
    led = [row | {"customer_id": customer} for customer in (1, 4, 5, 6)]
    bank.publish(own_bank.database.acrm_owner, date(2026, 7, 1), {"coverage": led})
    parts = reroute(own_bank)
    assert [len(part) for part in parts] == [2, 2, 2, 1]
    assert {one for part in parts for one in part} == raised_ones
    closed = state(own_bank, done)
    assert (closed["branch_id"], closed["lead_branch_id"]) == ("B3", "B3")
    assert (closed["owner_id"], closed["version"]) == ("M1", 1)


def test_a_part_of_the_routes_is_found_by_an_index(own_bank: Bank) -> None:
    own_bank.raise_reminder(1)
    own_bank.execute(
        "insert into ocrm.reminders select (jsonb_populate_record(r, jsonb_build_object("
        " 'reminder_id', gen_random_uuid(), 'customer_id', number))).*"
        " from ocrm.reminders r, generate_series(1, 20000) number"
    )
    own_bank.execute("analyze ocrm.reminders")
    with psycopg.connect(own_bank.database.ocrm_app) as opened:
        parameters = routing.current(opened, None).parameters()
        parameters |= routing.BEGINNING._asdict() | {"limit": routing.REROUTED_AT_ONCE}
        opened.execute(routing.IN_ORDER)
        plan = opened.execute("explain " + routing._REROUTE_LIVE, parameters).fetchall()
    assert any("reminders_live" in line for (line,) in plan), plan


def test_what_is_past_its_time_is_removed_in_parts(
    own_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "TIDIED_AT_ONCE", 2)
    for _ in range(5):
        own_bank.raise_reminder(1)
    own_bank.execute("update ocrm.reminder_events set occurred_at = now() - interval '4 days'")
    trimmed = []
    for _ in range(3):
        with psycopg.connect(own_bank.database.ocrm_app) as opened:
            routing.current(opened, None)
            more = books.tidy(opened, stream_retention_hours=72)
        state = own_bank.execute("select trimmed_until from ocrm.reminder_stream")[0][0]
        trimmed.append((more, state))
    assert trimmed == [(True, 2), (True, 4), (False, 5)]
    assert own_bank.execute("select count(*) from ocrm.reminder_events") == [(0,)]


def test_before_a_publication_reminders_wait_for_their_route(own_bank: Bank) -> None:
    own_bank.execute("drop schema acrm cascade")
    waiting = state(own_bank, own_bank.raise_reminder(1))
    assert (waiting["owner_id"], waiting["branch_id"], waiting["status"]) == (None, "-", "new")
