"""The rules of cards, loans, key data and the lobby against the words of docs/rules.md."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest

from alerting import rules
from alerting.contract import ADAPTER, Message, event_of
from alerting.rules.protocol import Answer, Below, Fired, NotApplicable, Parameters, Rule
from alerting.windows import EMPTY
from crm_shared import ids
from crm_shared.events.loans import LoanEvent
from crm_shared.reminder_rules import RULES
from tests.alerting.batches import raised, records, run
from tests.alerting.bookings import NOON, booking, closure

SPEND = Parameters({"card_spend.min_amount": Decimal("50000.00")})
NONE = Parameters({})

_COMMON: dict[str, Any] = {
    "occurred_at": NOON,
    "producer": "core",
    "customer_id": 1,
    "branch_id": "B01",
    "business_date": "2026-07-01",
}
_KINDS: dict[str, dict[str, Any]] = {
    "loan.changed": {"loan_id": 5, "change": "arrears", "amount": "12.00", "days_overdue": 1},
    "card.booked": {"card_txn_id": 9, "card_id": 3, "direction": "debit", "amount": "50000.00"},
    "card.overdue": {"card_id": 3, "due_on": "2026-06-30", "amount": "70.00"},
    "customer.changed": {"fields": ["phone", "education"]},
    "ticket.changed": {"ticket_id": "A7", "state": "drawn", "queue": "personal"},
}


def event(kind: str, number: int = 1, **changes: Any) -> Message:
    """An event of that type that its rule fires for, unless said otherwise."""
    values = {"type": kind, "event_id": ids.event_id(kind, str(number))}
    return ADAPTER.validate_python(values | _COMMON | _KINDS[kind] | changes)


def ask(rule: Rule, judged: Message, parameters: Parameters) -> Answer:
    """What the rule says about the event alone."""
    return rule.evaluate(event_of(judged), EMPTY, parameters)


#: An event that the rule fires for, with subject and window of the reminder.
FIRING: dict[str, tuple[Message, str, str]] = {
    "R01.LARGE_CARD_SPEND": (event("card.booked"), "card:3", "card_txn:9"),
    "R03.ARREARS": (event("loan.changed"), "loan:5", "month:2026-07"),
    "R03.OVERDUE": (
        event("loan.changed", change="overdue", days_overdue=4), "loan:5", "since:2026-06-27:1",
    ),
    "R03.DOWNGRADE": (
        event("loan.changed", change="class_changed", five_tier_before="normal",
              five_tier_after="loss"),
        "loan:5", "class:loss:2026-07-01",
    ),
    "R03.CARD_OVERDUE": (event("card.overdue"), "card:3", "due:2026-06-30"),
    "R03.KEY_DATA_CHANGED": (
        event("customer.changed"), "customer:1", "changed:2026-07-01:phone",
    ),
    "R05.LOBBY_ARRIVAL": (event("ticket.changed"), "customer:1", "lobby:B01:2026-07-01"),
}  # fmt: skip


@pytest.mark.parametrize("code", FIRING)
def test_each_rule_fires_with_the_key_of_the_shared_registry(code: str) -> None:
    judged, subject, window = FIRING[code]
    outcome = ask(rules.RULES[code], judged, SPEND)
    assert isinstance(outcome, Fired)
    assert (outcome.customer_id, outcome.subject, outcome.window) == (1, subject, window)
    values = {
        "card_id": 3, "card_txn_id": 9, "loan_id": 5, "customer_id": 1, "branch_id": "B01",
        "month": "2026-07", "days": 1, "class": "loss", "fields": "phone",
    }  # fmt: skip
    date = {"R03.OVERDUE": "2026-06-27", "R03.CARD_OVERDUE": "2026-06-30"}.get(code, "2026-07-01")
    assert subject == RULES[code].subject.format(**values, date=date)
    assert window == RULES[code].window.format(**values, date=date)


def test_every_rule_says_of_events_of_another_kind_that_it_is_not_applicable() -> None:
    events = [*(judged for judged, _, _ in FIRING.values()), booking(1), closure(2)]
    for rule, judged in product(rules.RULES.values(), events):
        if not isinstance(event_of(judged), rule.judges):
            values = {code: Decimal(1) for code in rule.parameter_codes}
            outcome = ask(rule, judged, Parameters(values))
            assert isinstance(outcome, NotApplicable) or rule.window


def test_spending_a_cent_below_is_below() -> None:
    outcome = ask(rules.LARGE_CARD_SPEND, event("card.booked", amount="49999.99"), SPEND)
    assert outcome == Below(Decimal("49999.99"), Decimal("50000.00"))


@pytest.mark.parametrize(
    ("rule", "judged"),
    [
        (rules.LARGE_CARD_SPEND, event("card.booked", direction="credit")),
        (rules.LARGE_CARD_SPEND, event("card.booked", reverses_card_txn_id=8)),
        (rules.LARGE_CARD_SPEND, event("card.booked", currency="USD")),
        (rules.ARREARS, event("loan.changed", change="repaid")),
        (rules.OVERDUE, event("loan.changed", change="settled")),
        (rules.DOWNGRADE, event("loan.changed", change="class_changed", five_tier_after="loss")),
        (rules.KEY_DATA_CHANGED, event("customer.changed", fields=["education"])),
        (rules.LOBBY_ARRIVAL, event("ticket.changed", customer_id=None)),
        (rules.LOBBY_ARRIVAL, event("ticket.changed", state="abandoned")),
    ],
)
def test_what_a_rule_does_not_speak_of(rule: Rule, judged: Message) -> None:
    assert isinstance(ask(rule, judged, SPEND), NotApplicable)


@pytest.mark.parametrize(
    ("rule", "judged", "value"),
    [
        (rules.ARREARS, event("loan.changed", amount="0.00"), "0.00"),
        (rules.CARD_OVERDUE, event("card.overdue", amount="0.00"), "0.00"),
        (rules.DOWNGRADE, event("loan.changed", change="class_changed", five_tier_before="loss",
                                five_tier_after="doubtful"), "-1"),
    ],
)  # fmt: skip
def test_what_does_not_suffice_is_below_and_says_by_how_much(
    rule: Rule, judged: Message, value: str
) -> None:
    outcome = ask(rule, judged, NONE)
    assert isinstance(outcome, Below)
    assert outcome.value == Decimal(value) < outcome.threshold


def test_arrears_of_an_amount_that_is_not_told_fire() -> None:
    assert isinstance(ask(rules.ARREARS, event("loan.changed", amount=None), NONE), Fired)


def test_changed_key_data_are_named_in_one_order() -> None:
    outcome = ask(
        rules.KEY_DATA_CHANGED,
        event("customer.changed", fields=["phone", "name", "industry"]),
        NONE,
    )
    assert isinstance(outcome, Fired)
    assert outcome.window.endswith(":name+phone")


def test_the_lobby_counts_the_days_of_the_bank() -> None:
    late = datetime(2026, 7, 1, 16, 30, tzinfo=UTC)
    outcome = ask(rules.LOBBY_ARRIVAL, event("ticket.changed", occurred_at=late), NONE)
    assert isinstance(outcome, Fired)
    assert outcome.window == "lobby:B01:2026-07-02"


def test_a_day_of_all_rules_is_made_durable(connection: psycopg.Connection) -> None:
    events = [
        judged.model_copy(update={"event_id": ids.event_id("all", str(number)), "customer_id": 20})
        for number, (judged, _, _) in enumerate(FIRING.values())
    ]
    result = run(connection, records([*events, *events], 0))
    assert sorted(raised(connection, [20]).values()) == sorted(FIRING)
    assert result.raised.keys() == FIRING.keys()
    for code in rules.RULES:
        told = sum(number for (rule, _), number in result.outcomes.items() if rule == code)
        assert told == 2 * len(events) or rules.RULES[code].window


def _arrears(number: int, customer: int, **changes: Any) -> LoanEvent:
    judged = event("loan.changed", number, customer_id=customer, loan_id=customer, **changes)
    assert isinstance(judged, LoanEvent)
    return judged


def _correction(of: UUID, number: int, customer: int, **changes: Any) -> LoanEvent:
    at = NOON + timedelta(hours=1)
    return _arrears(number, customer, occurred_at=at, corrects_event_id=of, **changes)


def test_a_correction_withdraws_what_the_corrected_event_raised(
    connection: psycopg.Connection,
) -> None:
    first = _arrears(1, 30)
    run(connection, records([first], 100))
    result = run(connection, records([_correction(first.event_id, 2, 30, amount="0.00")], 101))
    assert result.withdrawn == {"R03.ARREARS": 1}
    assert raised(connection, [30]) == {}


def _told(connection: psycopg.Connection, customer: int) -> list[tuple[int, str]]:
    """Revision and amount of every message about a customer's reminders."""
    rows = connection.execute(
        "select convert_from(message, 'UTF8')::jsonb from alerting.outbox"
        " where customer_id = %s order by seq", (customer,),
    )  # fmt: skip
    return [(one["revision"], one.get("amount", "")) for (one,) in rows]


def test_a_correction_that_still_holds_keeps_the_reminder_and_tells_the_new_amount(
    connection: psycopg.Connection,
) -> None:
    first = _arrears(3, 31)
    run(connection, records([first], 200))
    correction = _correction(first.event_id, 4, 31, amount="7.00")
    result = run(connection, records([correction], 201))
    assert (result.raised, result.withdrawn) == ({"R03.ARREARS": 1}, {})
    assert list(raised(connection, [31]).values()) == ["R03.ARREARS"]
    assert _told(connection, 31) == [(1, "12.00"), (2, "7.00")]
    again = run(connection, records([first, correction], 202))
    assert (again.raised, again.withdrawn) == ({}, {}), "what comes again changes nothing"
    assert len(_told(connection, 31)) == 2


@pytest.mark.parametrize("first_comes_first", [True, False])
def test_what_comes_with_its_correction_is_told_once_as_corrected(
    connection: psycopg.Connection, first_comes_first: bool
) -> None:
    customer = 34 + first_comes_first
    first = _arrears(10 * customer, customer)
    both = [first, _correction(first.event_id, 10 * customer + 1, customer, amount="7.00")]
    run(connection, records(both if first_comes_first else both[::-1], 10 * customer))
    assert _told(connection, customer) == [(1, "7.00")]


def test_what_was_withdrawn_by_a_correction_and_holds_by_the_next_is_raised_again(
    connection: psycopg.Connection,
) -> None:
    first = _arrears(20, 36)
    second = _correction(first.event_id, 21, 36, amount="0.00")
    run(connection, records([first], 600))
    run(connection, records([second], 601))
    run(connection, records([_correction(second.event_id, 22, 36, amount="9.00")], 602))
    assert _told(connection, 36) == [(1, "12.00"), (1, ""), (2, "9.00")]


def test_a_correction_that_comes_first_leaves_nothing_to_raise(
    connection: psycopg.Connection,
) -> None:
    first = _arrears(5, 32)
    run(connection, records([_correction(first.event_id, 6, 32, amount="0.00"), first], 300))
    assert raised(connection, [32]) == {}


def test_reversed_spending_withdraws(connection: psycopg.Connection) -> None:
    spent = event("card.booked", 7, customer_id=33)
    back = event(
        "card.booked", 8, customer_id=33, card_txn_id=10, direction="credit", reverses_card_txn_id=9
    )
    run(connection, records([spent], 400))
    run(connection, records([back], 401))
    assert raised(connection, [33]) == {}
