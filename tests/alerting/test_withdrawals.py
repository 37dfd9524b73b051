"""Reversals withdraw what rests on them alone, whichever of the two comes first."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from alerting import dead_letters, ruleset
from alerting.requeue import requeue
from alerting.rules import FREQUENT_TRANSFERS_OUT
from alerting.rules.frequent_transfers_out import MIN_COUNT, window_of
from alerting.rules.protocol import Parameters
from alerting.ruleset import RuleInForce
from alerting.windows import Transfer
from crm_shared import ids
from crm_shared.events import reminders
from crm_shared.events.reminders import ReminderRaised, ReminderWithdrawn
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent
from tests.alerting.batches import BOUNDS, LATER, raised, records, run
from tests.alerting.bookings import (
    NOON,
    booking,
    closure,
    expected_reminders,
    reversal,
    transfer_out,
)


def _told(
    connection: psycopg.Connection, customer: int
) -> list[ReminderRaised | ReminderWithdrawn]:
    rows = connection.execute(
        "select message from alerting.outbox where customer_id = %s order by seq", (customer,)
    ).fetchall()
    connection.commit()
    return [reminders.ADAPTER.validate_json(message) for (message,) in rows]


def _five(customer: int) -> list[TransactionEvent]:
    return [
        transfer_out(
            customer * 100 + number,
            customer_id=customer,
            occurred_at=NOON + timedelta(minutes=number),
        )
        for number in range(5)
    ]


def test_a_reversed_booking_withdraws_its_reminder(connection: psycopg.Connection) -> None:
    large = booking(1, customer_id=1, amount="700000.00")
    run(connection, records([large], 0))
    assert raised(connection, [1]) == expected_reminders([large])
    back = reversal(large, 2)
    result = run(connection, records([back, back], 1))
    assert (result.raised, result.withdrawn) == ({}, {"R01.LARGE_INFLOW": 1})
    assert raised(connection, [1]) == {}
    told = _told(connection, 1)[-1]
    assert isinstance(told, ReminderWithdrawn)
    assert (told.occurred_at, told.window) == (back.occurred_at, "txn:1")
    assert told.correlation_id == str(back.event_id)


def test_a_reversal_that_comes_first_leaves_nothing_to_raise(
    connection: psycopg.Connection,
) -> None:
    large = booking(10, customer_id=2, amount="700000.00")
    run(connection, records([reversal(large, 11)], 100))
    run(connection, records([large, large], 101))
    assert _told(connection, 2) == []


def test_a_booking_and_its_reversal_in_one_batch_tell_nothing(
    connection: psycopg.Connection,
) -> None:
    large = transfer_out(20, customer_id=3, amount="700000.00")
    run(connection, records([large, reversal(large, 21)], 200))
    assert _told(connection, 3) == []


def test_a_reversed_transfer_leaves_the_windows_it_was_counted_in(
    connection: psycopg.Connection,
) -> None:
    five = _five(4)
    run(connection, records(five, 300))
    run(connection, records([reversal(five[1], 490)], 310))
    assert raised(connection, [4]) == {}


def test_a_reminder_that_still_has_other_evidence_stands(connection: psycopg.Connection) -> None:
    six = [*_five(5), transfer_out(590, customer_id=5, occurred_at=NOON)]
    run(connection, records(six, 400))
    result = run(connection, records([reversal(six[0], 591)], 410))
    assert result.withdrawn == {}
    assert raised(connection, [5]) == expected_reminders(six[1:])


def test_a_withdrawn_reminder_that_holds_again_has_the_next_revision(
    connection: psycopg.Connection,
) -> None:
    five = _five(6)
    run(connection, records([*five, reversal(five[0], 690)], 500))
    again = transfer_out(691, customer_id=6, occurred_at=NOON + timedelta(minutes=2))
    run(connection, records([five[0], again], 510))
    run(connection, records([reversal(again, 692)], 520))
    told = _told(connection, 6)
    assert [(type(one), one.revision) for one in told] == [
        (ReminderRaised, 1),
        (ReminderWithdrawn, 1),
    ]
    last = transfer_out(693, customer_id=6, occurred_at=NOON + timedelta(minutes=3))
    run(connection, records([last], 530))
    told = _told(connection, 6)
    assert (type(told[-1]), told[-1].revision) == (ReminderRaised, 2)
    assert len({one.event_id for one in told}) == 3
    assert len({one.reminder_id for one in told}) == 1


def test_a_reversal_of_another_customers_booking_takes_nothing_back(
    connection: psycopg.Connection,
) -> None:
    large = booking(70, customer_id=7, amount="700000.00")
    run(connection, records([large, reversal(large, 71, customer_id=8)], 600))
    assert raised(connection, [7]) == expected_reminders([large])


@pytest.mark.parametrize("whose", ["of another customer", "of another window", "of the window"])
def test_only_a_window_that_lost_something_withdraws_what_another_version_raised(
    connection: psycopg.Connection, whose: str
) -> None:
    customer = 20 + len(whose)
    rules = ruleset.load(connection)
    given = rules.windowed[0].parameters
    ten = replace(given, values={**given.values, MIN_COUNT: Decimal(10)})
    stricter = replace(rules, windowed=(replace(rules.windowed[0], version=2, parameters=ten),))
    five, first = _five(customer), customer * 100
    days = timedelta(days=9 if whose == "of another window" else 0)
    lost = transfer_out(
        first + 50,
        customer_id=customer + (whose == "of another customer"),
        occurred_at=NOON + days,
    )
    run(connection, records([*five, lost], first))
    stands = raised(connection, [customer])
    assert len(stands) == 1
    late = transfer_out(first + 51, customer_id=customer, occurred_at=NOON - timedelta(minutes=1))
    run(connection, records([late, reversal(lost, first + 52)], first + 6), rules=stricter)
    assert raised(connection, [customer]) == ({} if whose == "of the window" else stands)


class _BrokenWindow:
    """The rule of frequent transfers with a fault."""

    code = FREQUENT_TRANSFERS_OUT.code
    parameter_codes = FREQUENT_TRANSFERS_OUT.parameter_codes
    judges = Transfer
    window = staticmethod(window_of)

    def evaluate(self, *_: object) -> object:
        raise ZeroDivisionError


def test_a_window_that_could_not_be_judged_is_when_the_reversal_is_requeued(
    connection: psycopg.Connection,
) -> None:
    rules = ruleset.load(connection)
    windowed: Parameters = rules.windowed[0].parameters
    broken = replace(rules, windowed=(RuleInForce(_BrokenWindow(), 1, windowed),))  # type: ignore[arg-type]
    five = _five(9)
    run(connection, records(five, 700))
    run(connection, records([reversal(five[0], 990)], 710), rules=broken)
    assert raised(connection, [9]) == expected_reminders(five)
    letters = [one for one in dead_letters.find(connection) if one.log_offset == 710]
    connection.commit()
    result = requeue(connection, letters, LATER, BOUNDS)
    assert (result.worked, result.raised, result.withdrawn) == (1, 0, 1)
    assert raised(connection, [9]) == {}


def _correction(of: AccountClosedEvent, number: int, **changes: Any) -> AccountClosedEvent:
    """Of the same account, an hour later, by an event of another number."""
    named = {"event_id": ids.event_id("corrected-closure", str(number))}
    at = {"occurred_at": NOON + timedelta(hours=1), "corrects_event_id": of.event_id}
    return closure(of.account_id, customer_id=of.customer_id, **(named | at | changes))


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("first_comes_first", [True, False])
def test_a_closing_that_is_taken_back_leaves_no_reminder(
    connection: psycopg.Connection, *, together: bool, first_comes_first: bool
) -> None:
    customer = 60 + 2 * together + first_comes_first
    closed = closure(customer, customer_id=customer)
    both = [closed, _correction(closed, customer, stays_open=True)]
    sent = records(both if first_comes_first else both[::-1], 10_000 + 10 * customer)
    for batch in [sent] if together else [sent[:1], sent[1:]]:
        run(connection, batch)
    assert raised(connection, [customer]) == expected_reminders(both) == {}
    told = [type(one) for one in _told(connection, customer)]
    heard = first_comes_first and not together
    assert told == ([ReminderRaised, ReminderWithdrawn] if heard else [])


def test_a_corrected_closing_tells_what_is_right_and_one_of_another_day_is_another_reminder(
    connection: psycopg.Connection,
) -> None:
    closed = closure(70, customer_id=70)
    amount = _correction(closed, 70, closing_balance="99.00")
    run(connection, records([closed], 11_000))
    run(connection, records([amount], 11_001))
    told = _told(connection, 70)
    assert [type(one) for one in told] == [ReminderRaised, ReminderRaised]
    assert [one.revision for one in told] == [1, 2]
    assert isinstance(told[1], ReminderRaised)
    assert told[1].amount == Decimal("99.00")
    day = {"occurred_at": NOON + timedelta(days=1), "business_date": "2026-07-02"}
    another = _correction(amount, 71, **day)
    result = run(connection, records([another], 11_002))
    assert (result.raised, result.withdrawn) == (
        {"R01.ACCOUNT_CLOSED": 1}, {"R01.ACCOUNT_CLOSED": 1},
    )  # fmt: skip
    assert raised(connection, [70]) == expected_reminders([closed, amount, another])
    assert raised(connection, [70]).keys() != expected_reminders([closed]).keys()
