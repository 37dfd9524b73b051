"""The events that alerting is measured on meet its rules at the rates that they promise."""

from collections import Counter

import psycopg

from alerting.contract import ADAPTER
from crm_shared.events.from_bank import TOPICS
from deploy.bench import stream
from tests.alerting.batches import records, run


def test_a_thousand_events_raise_and_withdraw_what_they_promise(
    connection: psycopg.Connection,
) -> None:
    events = [event for _, event in stream.events(1000)]
    result = run(connection, records(events, 0))
    assert result.dead == {}
    assert result.raised == {
        "R01.LARGE_OUTFLOW": 1,
        "R01.ACCOUNT_CLOSED": 1,
        "R01.LARGE_CARD_SPEND": 1,
        "R03.ARREARS": 1,
    }
    kept = connection.execute("select count(*) from alerting.inbox").fetchone()
    assert kept == (102,)


def test_every_event_goes_to_the_topic_of_its_kind() -> None:
    told = list(stream.events(1000))
    assert {topic for topic, _ in told} == set(TOPICS)
    assert all(ADAPTER.validate_json(event.to_bytes()) == event for _, event in told)
    assert len({event.event_id for _, event in told}) == 1000


def test_transfers_are_spread_over_all_customers_in_a_long_stream_too() -> None:
    transfers = [number for number in range(2_000_000) if 102 <= number % 1000 < 202]
    counted = Counter(stream.customer(number, stream.CUSTOMERS) for number in transfers)
    assert max(counted.values()) < 5
