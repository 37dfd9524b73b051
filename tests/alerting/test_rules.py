"""Each rule against the words of docs/rules.md, with thresholds hit exactly."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerting.contract import event_of
from alerting.events import Event
from alerting.rules import ACCOUNT_CLOSED, FREQUENT_TRANSFERS_OUT, LARGE_INFLOW, LARGE_OUTFLOW
from alerting.rules.frequent_transfers_out import transfer_to_other_bank
from alerting.rules.protocol import Below, Fired, NotApplicable, Parameters
from alerting.windows import EMPTY, Timeline
from crm_shared.reminder_rules import RULES
from tests.alerting import bookings
from tests.alerting.bookings import NOON

AMOUNTS = {
    "movement.individual_min_amount": Decimal("500000.00"),
    "movement.business_min_amount": Decimal("5000000.00"),
}
MOVEMENT = Parameters(AMOUNTS)
FREQUENT = Parameters(
    {"frequent_transfers.min_count": Decimal(5), "frequent_transfers.window_hours": Decimal(24)}
)
NONE = Parameters({})


def booking(number: int, **changes: Any) -> Event:
    return event_of(bookings.booking(number, **changes))


def transfer_out(number: int, **changes: Any) -> Event:
    return event_of(bookings.transfer_out(number, **changes))


def closure(number: int) -> Event:
    return event_of(bookings.closure(number))


def test_credit_at_the_threshold_is_a_large_inflow() -> None:
    outcome = LARGE_INFLOW.evaluate(booking(7, amount="500000.00"), EMPTY, MOVEMENT)
    assert isinstance(outcome, Fired)
    assert (outcome.subject, outcome.window) == ("customer:1", "txn:7")
    assert outcome.facts["threshold"] == "500000.00"


def test_a_cent_below_is_below_and_says_so() -> None:
    outcome = LARGE_INFLOW.evaluate(booking(7, amount="499999.99"), EMPTY, MOVEMENT)
    assert outcome == Below(Decimal("499999.99"), Decimal("500000.00"))


@pytest.mark.parametrize("customer_type", ["business", "group"])
def test_businesses_and_groups_have_their_own_threshold(customer_type: str) -> None:
    small = booking(7, amount="4999999.99", customer_type=customer_type)
    large = booking(7, amount="5000000.00", customer_type=customer_type)
    assert isinstance(LARGE_INFLOW.evaluate(small, EMPTY, MOVEMENT), Below)
    assert isinstance(LARGE_INFLOW.evaluate(large, EMPTY, MOVEMENT), Fired)


def test_a_large_debit_is_an_outflow_and_no_inflow() -> None:
    event = booking(7, direction="debit", amount="600000.00", txn_type="transfer_out")
    assert isinstance(LARGE_OUTFLOW.evaluate(event, EMPTY, MOVEMENT), Fired)
    assert isinstance(LARGE_INFLOW.evaluate(event, EMPTY, MOVEMENT), NotApplicable)


@pytest.mark.parametrize(
    "changes",
    [{"txn_type": "deposit_open"}, {"txn_type": "loan_drawdown"}, {"txn_type": "wealth_redeem"},
     {"reverses_txn_id": 6}, {"currency": "USD"}],
)  # fmt: skip
def test_business_with_the_bank_reversals_and_other_currencies_are_no_movement(
    changes: dict[str, Any],
) -> None:
    event = booking(7, amount="900000.00", **changes)
    assert isinstance(LARGE_INFLOW.evaluate(event, EMPTY, MOVEMENT), NotApplicable)


def test_a_bank_with_another_currency_judges_that_one() -> None:
    crowns = Parameters(AMOUNTS, currency="CZK")
    event = booking(7, amount="900000.00", currency="CZK")
    assert isinstance(LARGE_INFLOW.evaluate(event, EMPTY, crowns), Fired)
    assert isinstance(LARGE_INFLOW.evaluate(booking(7, amount="9e5"), EMPTY, crowns), NotApplicable)


@pytest.mark.parametrize(
    "changes",
    [{"counterparty_bank": None}, {"direction": "credit"}, {"reverses_txn_id": 3},
     {"txn_type": "loan_repayment"}],
)  # fmt: skip
def test_only_debits_to_other_banks_are_counted(changes: dict[str, Any]) -> None:
    assert transfer_to_other_bank(transfer_out(1, **changes)) is None


def _timeline(*hours: float) -> Timeline:
    events = [
        transfer_out(number, occurred_at=NOON + timedelta(hours=hour))
        for number, hour in enumerate(hours, 1)
    ]
    return Timeline(one for event in events if (one := transfer_to_other_bank(event)))


def test_the_fifth_transfer_within_24_hours_fires() -> None:
    last = transfer_out(5, occurred_at=NOON + timedelta(hours=23.9))
    outcome = FREQUENT_TRANSFERS_OUT.evaluate(last, _timeline(0, 1, 2, 3, 23.9), FREQUENT)
    assert isinstance(outcome, Fired)
    assert (outcome.subject, outcome.window) == ("customer:1", "day:2026-07-02")
    assert outcome.amount == Decimal("500.00")
    assert outcome.facts["value"] == "5"


def test_a_transfer_exactly_24_hours_before_is_outside() -> None:
    last = transfer_out(5, occurred_at=NOON + timedelta(hours=24))
    outcome = FREQUENT_TRANSFERS_OUT.evaluate(last, _timeline(0, 1, 2, 3, 24), FREQUENT)
    assert outcome == Below(Decimal(4), Decimal(5))


def test_transfers_of_the_same_instant_count_each_other() -> None:
    outcome = FREQUENT_TRANSFERS_OUT.evaluate(transfer_out(1), _timeline(0, 0, 0, 0, 0), FREQUENT)
    assert isinstance(outcome, Fired)


def test_every_closure_of_an_account_fires() -> None:
    outcome = ACCOUNT_CLOSED.evaluate(closure(55), EMPTY, NONE)
    assert isinstance(outcome, Fired)
    assert (outcome.subject, outcome.window) == ("account:55", "closed:2026-07-01")


def test_business_keys_follow_the_shared_registry() -> None:
    values = {"customer_id": 1, "txn_id": 7, "account_id": 55, "date": "2026-07-01"}
    fired = {
        "R01.LARGE_INFLOW": LARGE_INFLOW.evaluate(booking(7, amount="5e6"), EMPTY, MOVEMENT),
        "R01.ACCOUNT_CLOSED": ACCOUNT_CLOSED.evaluate(closure(55), EMPTY, NONE),
        "R01.FREQUENT_TRANSFERS_OUT": FREQUENT_TRANSFERS_OUT.evaluate(
            transfer_out(1), _timeline(0, 0, 0, 0, 0), FREQUENT
        ),
    }
    for code, outcome in fired.items():
        assert isinstance(outcome, Fired)
        rule = RULES[code]
        assert outcome.subject == rule.subject.format(**values)
        assert outcome.window == rule.window.format(**values)


def test_amounts_of_another_currency_are_counted_and_never_summed() -> None:
    events = [
        transfer_out(number, currency="USD" if number == 2 else "CNY") for number in range(1, 6)
    ]
    timeline = Timeline(one for event in events if (one := transfer_to_other_bank(event)))
    outcome = FREQUENT_TRANSFERS_OUT.evaluate(events[0], timeline, FREQUENT)
    assert isinstance(outcome, Fired)
    assert (outcome.facts["value"], outcome.amount) == ("5", Decimal("400.00"))
