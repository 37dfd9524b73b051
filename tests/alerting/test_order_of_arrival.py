"""Any order, duplication and batching of the same events raises the same reminders."""

from datetime import timedelta
from itertools import count, pairwise
from typing import Any
from uuid import uuid5

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_shared import ids
from crm_shared.events import reminders
from crm_shared.events.transactions import TransactionEvent
from tests.alerting.batches import raised, records, run
from tests.alerting.bookings import (
    NOON,
    Event,
    closure,
    expected_reminders,
    reversal,
    transfer_out,
)

#: Customers that no other example uses: three for each example.
_free_customers = count(1_000_000, 10)

#: Minutes around the window's edge of 24 hours, and the bank's midnight twelve hours after noon.
_MINUTES = st.sampled_from(
    [0, 1, 60, 719, 720, 721, 1380, 1439, 1440, 1441, 1500, 2159, 2160, 2879, 2880, 2881]
)


@st.composite
def _histories(draw: st.DrawFn) -> tuple[list[Event], list[Event], list[int]]:
    """Events, the same in another order with duplicates, and where to cut that into batches."""
    base = next(_free_customers)
    transfers = draw(
        st.lists(st.tuples(st.integers(0, 2), _MINUTES, st.booleans()), min_size=4, max_size=22)
    )
    events: list[Event] = [
        _transfer(base + customer, number, minute, large)
        for number, (customer, minute, large) in enumerate(transfers)
    ]
    backs = draw(st.lists(st.integers(0, len(transfers) - 1), max_size=4, unique=True))
    events += [_reversal(events[number], base * 100 + 90 + number) for number in backs]
    events.append(closure(base, customer_id=base, event_id=uuid5(ids.NAMESPACE, f"c{base}")))
    again = draw(st.lists(st.sampled_from(events), max_size=8))
    arrival = draw(st.permutations(events + again))
    cuts = draw(st.lists(st.integers(1, len(arrival)), max_size=5))
    return events, list(arrival), sorted({0, *cuts, len(arrival)})


def _reversal(of: Event, number: int) -> Event:
    assert isinstance(of, TransactionEvent)
    return reversal(of, number, event_id=uuid5(ids.NAMESPACE, f"reversal-{of.event_id}"))


def _transfer(customer: int, number: int, minute: int, large: bool) -> Event:
    changes: dict[str, Any] = {
        "customer_id": customer,
        "event_id": uuid5(ids.NAMESPACE, f"{customer}-{number}"),
        "occurred_at": NOON + timedelta(minutes=minute),
        "amount": "500000.00" if large else "10.00",
    }
    return transfer_out(customer * 100 + number, **changes)


@given(history=_histories())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_result_does_not_depend_on_the_order_of_arrival(
    connection: psycopg.Connection, history: tuple[list[Event], list[Event], list[int]]
) -> None:
    events, arrival, cuts = history
    for first, last in pairwise(cuts):
        run(connection, records(arrival[first:last], first))
    assert raised(connection, {one.customer_id for one in events}) == expected_reminders(events)


def test_a_late_transfer_raises_what_it_makes_true_and_says_that_it_was_late(
    connection: psycopg.Connection,
) -> None:
    events = [
        transfer_out(number, customer_id=500, occurred_at=NOON + timedelta(hours=number))
        for number in range(1, 6)
    ]
    run(connection, records([*events[1:]]))
    assert raised(connection, [500]) == {}
    run(connection, records([events[0]], 4))
    assert raised(connection, [500]) == expected_reminders(events)
    row = connection.execute(
        "select convert_from(message, 'UTF8')::jsonb -> 'late' from alerting.outbox"
        " where customer_id = 500"
    ).fetchone()
    assert row == (True,)


def test_a_customer_hears_of_what_came_by_one_topic_in_its_order(
    connection: psycopg.Connection,
) -> None:
    customer = next(_free_customers)
    large = [_transfer(customer, number, 0, large=True) for number in range(4)]
    closed = [
        closure(
            customer + number, customer_id=customer, event_id=uuid5(ids.NAMESPACE, f"o{number}")
        )
        for number in range(4)
    ]
    run(connection, records(large[:1], 1))
    backs = [_reversal(large[0], customer * 100 + 90)]
    told = [closed[0], large[1], closed[1], *backs, large[2], closed[2], large[3], closed[3]]
    run(connection, records([*told, large[2], closed[0]], 2))
    rows = connection.execute(
        "select message from alerting.outbox where customer_id = %s order by seq", (customer,)
    ).fetchall()
    messages = [reminders.ADAPTER.validate_json(message) for (message,) in rows]
    causes = [one.correlation_id for one in messages]
    assert causes == [str(one.event_id) for one in [large[0], *told]]
