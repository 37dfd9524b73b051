"""Rules as data: versions, their beginning, and what is refused."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerting import parameters
from alerting.contract import ADAPTER, Message, event_of
from alerting.parameters import ParametersRefusedError
from alerting.rules import RULES
from alerting.rules.frequent_transfers_out import (
    MIN_COUNT,
    WINDOW_HOURS,
    FrequentTransfersOut,
    transfer_to_other_bank,
)
from alerting.rules.protocol import Fired, Parameters
from alerting.ruleset import RuleInForce, Ruleset, RulesetError, ruleset_of
from alerting.windows import Timeline
from crm_shared import ids
from tests.alerting.bookings import NOON, booking, transfer_out


def test_the_span_is_that_of_the_window_of_each_rule() -> None:
    two_days = FrequentTransfersOut(window=lambda given: timedelta(float(given["days"])))
    a_day = {MIN_COUNT: "5", WINDOW_HOURS: "24"}
    (known,) = ruleset_of([(two_days.code, 1, a_day)]).windowed
    own = RuleInForce(two_days, 1, Parameters({"days": Decimal(2)}))
    assert Ruleset((), (known, own)).span == timedelta(days=2)


def test_two_rules_may_have_parameters_of_their_own() -> None:
    movement = {"movement.individual_min_amount": "1", "movement.business_min_amount": "2"}
    rules = ruleset_of(
        [
            ("R01.LARGE_INFLOW", 1, movement),
            ("R01.LARGE_OUTFLOW", 2, movement | {"movement.business_min_amount": "3"}),
        ]
    )
    assert rules.parameters() == {
        "movement.individual_min_amount": "1.00",
        "movement.business_min_amount": "2.00",
        "movement.currency": "CNY",
        "storm.max_per_hour": "5000",
        "movement.business_min_amount@R01.LARGE_OUTFLOW": "3.00",
    }


@pytest.mark.parametrize("value", [None, "", "many", "-5", "0", "NaN", "Infinity"])
def test_a_parameter_that_is_no_positive_number_is_refused(value: str | None) -> None:
    stored = {"frequent_transfers.min_count": value, "frequent_transfers.window_hours": "24"}
    with pytest.raises(
        RulesetError, match=r"R01\.FREQUENT_TRANSFERS_OUT .*frequent_transfers\.min_count"
    ):
        ruleset_of([("R01.FREQUENT_TRANSFERS_OUT", 1, stored)])


def test_a_rule_without_a_program_is_refused() -> None:
    with pytest.raises(RulesetError, match=r"R09\.UNKNOWN"):
        ruleset_of([("R09.UNKNOWN", 1, {})])


def test_a_value_is_told_plainly_however_it_was_written() -> None:
    movement = {"movement.individual_min_amount": "8e5", "movement.business_min_amount": 5000000}
    transfers = {"frequent_transfers.min_count": 5, "frequent_transfers.window_hours": "2.4e1"}
    rules = ruleset_of(
        [("R01.LARGE_INFLOW", 1, movement), ("R01.FREQUENT_TRANSFERS_OUT", 1, transfers)]
    )
    assert rules.parameters() == {
        "movement.individual_min_amount": "800000.00",
        "movement.business_min_amount": "5000000.00",
        "frequent_transfers.min_count": "5",
        "frequent_transfers.window_hours": "24",
        "movement.currency": "CNY",
        "storm.max_per_hour": "5000",
    }


_TRANSFERS = [transfer_out(number) for number in range(1, 6)]
_SPENDING: dict[str, Any] = {
    "type": "card.booked", "event_id": ids.event_id("card.booked", "1"), "occurred_at": NOON,
    "producer": "core", "customer_id": 1, "branch_id": "B01", "business_date": "2026-07-01",
    "card_txn_id": 9, "card_id": 3, "direction": "debit", "amount": "9000000.00",
}  # fmt: skip
#: An event that fires by each rule that has parameters, which are all of other values.
_FIRING: dict[str, Message] = {
    "R01.LARGE_INFLOW": booking(1, amount="9000000.00"),
    "R01.LARGE_OUTFLOW": booking(1, amount="9000000.00", direction="debit"),
    "R01.LARGE_CARD_SPEND": ADAPTER.validate_python(_SPENDING),
    "R01.FREQUENT_TRANSFERS_OUT": _TRANSFERS[0],
}
_DISTINCT = {
    "movement.individual_min_amount": "100001.00",
    "movement.business_min_amount": "100002.00",
    "card_spend.min_amount": "100003.00",
    "frequent_transfers.min_count": "3",
    "frequent_transfers.window_hours": "7.5",
}


def test_what_a_reminder_tells_beside_the_threshold_is_no_tiers() -> None:
    """The threshold is left out of reminders where a tier decided it."""
    assert _FIRING.keys() == {code for code, rule in RULES.items() if rule.parameter_codes}
    timeline = Timeline(one for it in _TRANSFERS if (one := transfer_to_other_bank(event_of(it))))
    for code, message in _FIRING.items():
        stored = {name: _DISTINCT[name] for name in RULES[code].parameter_codes}
        outcome = RULES[code].evaluate(event_of(message), timeline, parameters.parse(code, stored))
        assert isinstance(outcome, Fired)
        told = {value for fact, value in outcome.facts.items() if fact != "threshold"}
        for name, value in stored.items():
            by_tier = stored | {"overrides": [{"tier": "gold", "parameters": {name: value}}]}
            if value in told:
                with pytest.raises(ParametersRefusedError, match=rf"\({name}@ENTITY\)"):
                    parameters.parse(code, by_tier)
            else:
                assert parameters.parse(code, by_tier).overrides
