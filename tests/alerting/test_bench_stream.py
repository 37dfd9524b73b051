"""The events that alerting is measured on meet its rules at the rates that they promise."""

from collections import Counter

import psycopg
import pytest

from alerting.contract import ADAPTER
from crm_shared.clock import bank_date
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


@pytest.mark.parametrize("customers", [10_000, stream.CUSTOMERS, 5_000_000])
def test_nobody_but_twenty_makes_more_than_a_transfer_in_a_morning(customers: int) -> None:
    transfers = [number for number in range(10 * customers) if 102 <= number % 1000 < 202][:500_000]
    counted = Counter(stream.customer(number, customers) for number in transfers)
    assert max(counted.values()) == 1


def test_few_customers_take_more_mornings_than_many() -> None:
    days = [
        {bank_date(event.occurred_at) for _, event in stream.events(20_000, customers)}
        for customers in (1_000, 2_000)
    ]
    assert [len(one) for one in days] == [2, 1]
