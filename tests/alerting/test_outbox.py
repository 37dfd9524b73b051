"""What was sent before is sent once more where the topic has lost it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alerting import outbox
from tests.alerting.batches import records, run
from tests.alerting.bookings import NOON, booking


def test_what_was_sent_at_an_instant_or_later_is_sent_again_in_its_order(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_SENT_AT_ONCE", 2)
    run(connection, records([booking(one, amount="900000.00") for one in range(1, 8)]))
    messages = [one.seq for one in outbox.claim(connection, 100)]
    outbox.mark_sent(connection, messages)
    began = datetime(2026, 11, 1, tzinfo=UTC)
    connection.execute(
        "update alerting.outbox set sent_at = %s where seq = any (%s)",
        (began - timedelta(seconds=1), messages[:2]),
    )
    run(connection, records([booking(8, amount="900000.00", occurred_at=NOON)], 7))
    new = {one.seq for one in outbox.claim(connection, 100)}
    connection.commit()
    assert outbox.send_again(connection, began) == 5
    again = [one.seq for one in outbox.claim(connection, 100)]
    assert again == [*messages[2:], *sorted(new)]


def test_what_a_relay_is_about_to_mark_as_sent_is_sent_again_too(
    connection: psycopg.Connection, alerting_url: str
) -> None:
    run(connection, records([booking(1, amount="900000.00")]))
    connection.commit()
    messages = outbox.claim(connection, 100)
    with psycopg.connect(alerting_url) as other, ThreadPoolExecutor() as threads:
        sending = threads.submit(outbox.send_again, other, datetime(2026, 11, 1, tzinfo=UTC))
        with pytest.raises(TimeoutError):
            sending.result(0.5)
        outbox.mark_sent(connection, [one.seq for one in messages])
        connection.commit()
        assert sending.result(30) == len(messages) > 0
    assert outbox.claim(connection, 100) == messages


def test_what_is_sent_again_is_found_by_the_index_of_when_it_was_sent(
    connection: psycopg.Connection,
) -> None:
    connection.execute("set enable_seqscan = off; set enable_sort = off")
    part = {"since": NOON, "begun": NOON, "limit": 1}
    plan = connection.execute("explain " + outbox._SEND_AGAIN, part).fetchall()
    assert "outbox_sent" in str(plan)
