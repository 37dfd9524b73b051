"""What has been kept long enough goes, in chunks, and never what a window still counts."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from alerting import outbox, retention, ruleset, status
from alerting.retention import RetentionTooShortError
from alerting.settings import AlertingSettings
from crm_shared.events.transactions import TransactionEvent
from tests.alerting.batches import records, run
from tests.alerting.bookings import NOON, booking, reversal, transfer_out

KEPT = timedelta(days=35)

#: By which index each table finds what has to go.
INDEXES = {
    "inbox": "inbox_received",
    "outbox": "outbox_sent",
    "evidence": "evidence_fired",
    "reminders": "reminders_changed",
    "retractions": "retractions_received",
    "storm_counts": "storm_counts_hour",
}

#: Age of arrival and of the event, in days, for transfer 1, 2, ...
_AGES = [(36, 36), (36, 34), (34, 400), (0, 0)]


def _insert_aged(connection: psycopg.Connection) -> None:
    connection.execute("truncate alerting.inbox, alerting.outbox, alerting.evidence")
    connection.execute("truncate alerting.reminders, alerting.retractions, alerting.storm_counts")
    for number, age in ((1, timedelta(days=36)), (2, timedelta(days=34))):
        at = {"customer": number, "age": age}
        connection.execute(
            "insert into alerting.storm_counts (rule_code, hour, raised) values"
            " ('R', now() - %(age)s, 1)", at,
        )  # fmt: skip
        connection.execute(
            "insert into alerting.evidence (event_id, rule_code, reminder_id, customer_id, fact,"
            " fired_at) values (gen_random_uuid(), 'R', gen_random_uuid(), %(customer)s, 'txn:1',"
            " now() - %(age)s)", at,
        )  # fmt: skip
        connection.execute(
            "insert into alerting.retractions (customer_id, fact, event_id, received_at) values"
            " (%(customer)s, 'txn:1', gen_random_uuid(), now() - %(age)s)", at,
        )  # fmt: skip
        connection.execute(
            "insert into alerting.reminders (reminder_id, rule_code, customer_id, subject,"
            " reminder_window, changed_at) values (gen_random_uuid(), 'R', %(customer)s, 's', 'w',"
            " now() - %(age)s)", at,
        )  # fmt: skip
    for number, (arrival, event) in enumerate(_AGES, start=1):
        connection.execute(
            "insert into alerting.inbox (event_id, customer_id, occurred_at, amount, branch_id,"
            " received_at) values (gen_random_uuid(), %s, now() - %s, 1, 'B01', now() - %s)",
            (number, timedelta(days=event), timedelta(days=arrival)),
        )
    for number, sent in ((1, timedelta(days=36)), (2, timedelta(days=34)), (3, None)):
        connection.execute(
            "insert into alerting.outbox (reminder_id, rule_code, rule_version, customer_id,"
            " business_date, message, created_at, sent_at) values (gen_random_uuid(), 'R', 1, %s,"
            " now(), '', now() - interval '40 days', now() - %s::interval)",
            (number, sent),
        )
    connection.commit()


def _customers(connection: psycopg.Connection, table: str) -> list[int]:
    rows = connection.execute(f"select customer_id from alerting.{table} order by 1".encode())
    found = [row[0] for row in rows]
    connection.commit()
    return found


def test_what_is_older_by_arrival_and_by_event_goes_and_nothing_unsent(
    connection: psycopg.Connection,
) -> None:
    _insert_aged(connection)
    assert retention.delete_some(connection, KEPT) == dict.fromkeys(retention._DELETE, 1)
    assert _customers(connection, "inbox") == [2, 3, 4]
    assert _customers(connection, "outbox") == [2, 3]
    for table in ("evidence", "reminders", "retractions"):
        assert _customers(connection, table) == [2]
    assert retention.delete_some(connection, KEPT) == dict.fromkeys(retention._DELETE, 0)


def test_an_old_message_goes_alone_and_not_with_what_the_reminder_has_still_to_tell(
    connection: psycopg.Connection,
) -> None:
    connection.execute("truncate alerting.outbox")
    connection.execute(
        "insert into alerting.outbox (reminder_id, rule_code, customer_id, business_date, message,"
        " sent_at) select %s, 'R', customer_id, now(), '', sent_at from (values"
        " (1, now() - interval '36 days'), (2, now()), (3, null)) as told (customer_id, sent_at)",
        (uuid4(),),
    )
    assert retention.delete_some(connection, KEPT)["outbox"] == 1
    assert _customers(connection, "outbox") == [2, 3]


def _aged(connection: psycopg.Connection, customer: int, days: int) -> None:
    """The reminders of the customer changed so long ago, and what is old is deleted."""
    connection.execute(
        "update alerting.reminders set changed_at = now() - %s where customer_id = %s",
        (timedelta(days=days), customer),
    )
    retention.delete_some(connection, KEPT)


def _transfers(customer: int, minutes: Iterable[int]) -> list[TransactionEvent]:
    return [
        transfer_out(
            customer * 100 + minute,
            customer_id=customer,
            occurred_at=NOON + timedelta(minutes=minute),
        )
        for minute in minutes
    ]


def test_an_old_reminder_with_newer_evidence_can_still_be_withdrawn(
    connection: psycopg.Connection,
) -> None:
    large = booking(1, customer_id=901, amount="700000.00")
    run(connection, records([large]))
    _aged(connection, 901, days=500)
    result = run(connection, records([reversal(large, 2)], 1))
    assert result.withdrawn == {"R01.LARGE_INFLOW": 1}


def test_what_was_withdrawn_long_ago_is_raised_as_the_next_revision(
    connection: psycopg.Connection,
) -> None:
    five = _transfers(902, range(5))
    run(connection, records(five, 10))
    run(connection, records([reversal(five[0], 90_299)], 20))
    _aged(connection, 902, days=399)
    run(connection, records(_transfers(902, [6]), 30))
    rows = connection.execute(
        "select state, revision from alerting.reminders where customer_id = 902"
    ).fetchall()
    assert rows == [("raised", 2)]


@pytest.mark.parametrize(("state", "revision"), [("withdrawn", 1), ("raised", 2)])
def test_what_was_ever_withdrawn_is_remembered_for_400_days_and_no_longer(
    connection: psycopg.Connection, state: str, revision: int
) -> None:
    _insert_aged(connection)
    connection.execute("update alerting.reminders set state = %s, revision = %s", (state, revision))
    _aged(connection, 1, days=399)
    _aged(connection, 2, days=401)
    assert _customers(connection, "reminders") == [1]


def test_a_transaction_deletes_no_more_than_a_chunk(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _insert_aged(connection)
    monkeypatch.setattr(retention, "CHUNK", 2)
    deleted = retention.delete_some(connection, timedelta(days=-1))
    assert deleted == dict.fromkeys(retention._DELETE, 2)
    assert _customers(connection, "outbox") == [3]


@pytest.mark.parametrize("table", list(INDEXES))
def test_what_has_to_go_is_found_by_an_index(connection: psycopg.Connection, table: str) -> None:
    connection.execute("set enable_seqscan = off")
    plan = connection.execute(
        "explain " + retention._DELETE[table],
        {"kept": KEPT, "remembered": retention.REMEMBERED, "chunk": 10},
    ).fetchall()
    text = "\n".join(row[0] for row in plan)
    assert INDEXES[table] in text
    assert "Sort" not in text


def test_a_retention_shorter_than_a_window_and_lateness_is_refused(
    connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    rules = ruleset.load(connection)
    retention.require_longer_than_windows(settings, rules)
    too_short = settings.model_copy(update={"retention_days": 1.0})
    with pytest.raises(
        RetentionTooShortError, match=r"ALERTING_RETENTION_DAYS is 1, .* 1\.00 days"
    ):
        retention.require_longer_than_windows(too_short, rules)


def test_the_status_counts_exactly_while_there_is_little(connection: psycopg.Connection) -> None:
    _insert_aged(connection)
    found = status.counts(connection)
    assert 0 <= found.pop("outbox_oldest_seconds") - 40 * 86_400 < 600
    assert found == {
        "outbox_backlog": 1,
        "dead_letters": 0,
        "reminders_kept": 2,
        "transfers_kept": 4,
        "estimated": [],
        "at_least": [],
    }


def test_the_status_says_which_numbers_are_no_exact_counts(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _insert_aged(connection)
    connection.execute("analyze alerting.inbox")
    monkeypatch.setattr(status, "COUNTED_ROWS", 1)
    monkeypatch.setattr(outbox, "COUNTED_BACKLOG", 1)
    found = status.counts(connection)
    assert found["transfers_kept"] == 4
    assert found["estimated"] == ["reminders_kept", "transfers_kept"]
    assert found["at_least"] == ["outbox_backlog"]
