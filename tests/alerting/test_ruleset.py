"""Rules as data: versions, their beginning, and what is refused."""

import pytest

from alerting.ruleset import RulesetError, ruleset_of


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
    }
