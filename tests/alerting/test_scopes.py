"""Parameters by legal entity and tier: who has which, live and whenever it is judged again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import count, pairwise
from typing import Any
from uuid import uuid5

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from alerting import dead_letters, history, metrics, parameters, scopes
from alerting.decoding import Refused, decode
from alerting.events import Booking
from alerting.requeue import requeue
from alerting.rules.large_inflow import LARGE_INFLOW
from alerting.rules.protocol import Fired, Scope
from alerting.ruleset import ruleset_of
from alerting.scopes import PublishedUnreadableError
from alerting.windows import EMPTY
from crm_shared import ids
from crm_shared.events import reminders
from crm_shared.events.reminders import ReminderRaised
from crm_shared.events.transactions import TransactionEvent
from tests.alerting.batches import BOUNDS, LATER, raised, record, records, run
from tests.alerting.bookings import (
    NOON,
    Event,
    Limits,
    booking,
    expected_reminders,
    reversal,
    transfer_out,
)
from tests.alerting.publications import publish
from tests.databases import PostgresDatabase

INFLOW = "R01.LARGE_INFLOW"
FREQUENT = "R01.FREQUENT_TRANSFERS_OUT"
LEAST = "movement.individual_min_amount"
COUNT, HOURS = "frequent_transfers.min_count", "frequent_transfers.window_hours"

MAY, JUNE = date(2026, 5, 31), date(2026, 6, 30)
#: Branches of legal entities A and B; B03 was opened in June, B04 went from A to B.
IN_MAY = {"B01": "A", "B02": "B", "B04": "A"}
IN_JUNE = {"B01": "A", "B02": "B", "B03": "B", "B04": "B"}
#: Customers 1, 11, 21 … are gold in May and profit in June; 2, 12, … the other way round.
GOLD, PROFIT, UNKNOWN = 1, 2, 3


def _for(values: dict[str, str], entity: str | None = None, tier: str | None = None) -> Any:
    named = {"legal_entity": entity, "tier": tier}
    return {name: it for name, it in named.items() if it} | {"parameters": values}


AMOUNTS = {
    LEAST: "500000.00",
    "movement.business_min_amount": "5000000.00",
    "overrides": [
        _for({LEAST: "1000000.00"}, "B", "gold"),
        _for({LEAST: "200000.00"}, "A"),
        _for({LEAST: "800000.00"}, tier="gold"),
    ],
}
TRANSFERS = {
    COUNT: "5",
    HOURS: "24",
    "overrides": [
        _for({COUNT: "3"}, tier="gold"),
        _for({HOURS: "48"}, "A"),
        _for({HOURS: "1"}, "B"),
        _for({COUNT: "4"}, "B", "gold"),
    ],
}
RULES_BY_SCOPE = ruleset_of([(INFLOW, 7, AMOUNTS), (FREQUENT, 2, TRANSFERS)])


@pytest.fixture(scope="module")
def bank(module_database: PostgresDatabase, alerting_url: str) -> PostgresDatabase:
    """Two published month ends, and what is published before the next one."""
    gold, profit = range(GOLD, 20_000, 10), range(PROFIT, 20_000, 10)
    in_may = dict.fromkeys(gold, "gold") | dict.fromkeys(profit, "profit")
    in_june = dict.fromkeys(gold, "profit") | dict.fromkeys(profit, "gold")
    publish(module_database, MAY, IN_MAY, in_may)
    publish(module_database, date(2026, 6, 29), IN_JUNE, in_june)
    publish(module_database, JUNE, IN_JUNE, in_june)
    return module_database


def _inflow(number: int, amount: str, customer: int, branch: str, **more: Any) -> TransactionEvent:
    return booking(number, amount=amount, customer_id=customer, branch_id=branch, **more)


@pytest.mark.parametrize(
    ("amount", "customer", "branch", "by"),
    [
        ("200000.00", 33, "B01", "A"),
        ("199999.99", 33, "B01", None),
        ("499999.99", 43, "B02", None),
        ("500000.00", 43, "B02", ""),
        ("500000.00", 12, "B02", ""),
        ("799999.99", 31, "B01", None),
        ("800000.00", 31, "B01", "/gold"),
        ("999999.99", 41, "B02", None),
        ("1000000.00", 41, "B02", "B/gold"),
        ("500000.00", 53, "B99", ""),
    ],
)
@pytest.mark.usefixtures("bank")
def test_a_customer_has_the_parameters_of_his_legal_entity_and_tier(
    connection: psycopg.Connection, amount: str, customer: int, branch: str, by: str | None
) -> None:
    number = customer * 1000 + int(Decimal(amount)) % 997
    event = _inflow(number, amount, customer, branch)
    result = run(connection, records([event], number * 10), rules=RULES_BY_SCOPE)
    outcome = "below" if by is None else "fired"
    assert result.outcomes[INFLOW, outcome] == 1
    rows = connection.execute(
        "select e.scope, o.message from alerting.evidence e join alerting.outbox o"
        " using (reminder_id) where e.event_id = %s",
        (event.event_id,),
    ).fetchall()
    connection.commit()
    assert [row[0] for row in rows] == ([] if by is None else [by])
    for _, message in rows:
        told = reminders.ADAPTER.validate_json(message)
        assert isinstance(told, ReminderRaised)
        assert told.rule_version == 7
        # Branches that may not know the tier see the reminder too.
        assert ("threshold" in told.facts) == ("gold" not in str(by))


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize(
    ("day", "branch", "customer", "scope"),
    [
        # From the fifth of July on the tiers are those of June.
        (date(2026, 7, 4), "B01", 1, Scope("A", "gold")),
        (date(2026, 7, 5), "B01", 1, Scope("A", "profit")),
        (date(2026, 6, 5), "B01", 1, Scope("A", "gold")),
        (date(2027, 3, 1), "B01", 1, Scope("A", "profit")),
        # Nothing is published so early.
        (date(2026, 6, 4), "B01", 1, Scope("A", None)),
        # A branch that came in June has the first legal entity it was given.
        (date(2026, 7, 4), "B03", 1, Scope("B", "gold")),
        (date(2026, 6, 4), "B03", 1, Scope("B", None)),
        # One that went to another legal entity goes with the month.
        (date(2026, 7, 4), "B04", 1, Scope("A", "gold")),
        (date(2026, 7, 5), "B04", 1, Scope("B", "profit")),
        (date(2026, 7, 4), "B99", 3, Scope()),
    ],
)
def test_who_has_which_tier_and_legal_entity_depends_on_the_bank_date_alone(
    connection: psycopg.Connection, day: date, branch: str, customer: int, scope: Scope
) -> None:
    found = scopes.find(connection, [(branch, day)], [(customer, day)])
    assert found.scope(branch, customer, day) == scope


@pytest.mark.usefixtures("bank")
def test_many_customers_on_days_of_several_months_are_found_in_statements_bounded_one_by_one(
    connection: psycopg.Connection,
) -> None:
    days = [date(2026, 7, 4), date(2026, 7, 5)]
    asked = [(customer, day) for customer in range(1, 12_000) for day in days]
    bounds: list[str] = []

    @contextmanager
    def bound() -> Iterator[None]:
        bounds.append("begins")
        yield
        bounds.append("ends")

    found = scopes.find(connection, [("B01", day) for day in days], asked, each=bound)
    assert len(found.tiers) == 2 * 2 * 1_200
    assert [found.tiers[11_991, day] for day in days] == ["gold", "profit"]
    # The publications; of two month ends the legal entities, and the tiers in three statements.
    assert bounds == ["begins", "ends"] * (1 + 2 + 2 * 3)


@pytest.mark.usefixtures("bank")
def test_who_is_not_known_has_everybodys_parameters_and_is_counted(
    connection: psycopg.Connection,
) -> None:
    events = [
        _inflow(70_001, "600000.00", 10_003, "B99"),
        _inflow(70_002, "600000.00", 10_004, "B02"),
        _inflow(70_003, "600000.00", 10_002, "B02"),
        _inflow(70_004, "100.00", 10_005, "B99"),
    ]
    result = run(connection, records(events, 700_010), rules=RULES_BY_SCOPE)
    assert result.raised == {INFLOW: 3}
    assert +result.asked == {(INFLOW, "legal_entity"): 3, (INFLOW, "tier"): 3}
    assert +result.unknown == {(INFLOW, "legal_entity"): 1, (INFLOW, "tier"): 2}
    counted = [one.labels(INFLOW, "tier") for one in (metrics.ASKED_SCOPES, metrics.UNKNOWN_SCOPES)]
    before = [one._value.get() for one in counted]
    metrics.count(result)
    assert [one._value.get() for one in counted] == [before[0] + 3, before[1] + 2]


def test_where_nobody_can_reach_the_loosest_threshold_nothing_is_looked_up(
    connection: psycopg.Connection, bank: PostgresDatabase
) -> None:
    """And where something is to be looked up that cannot be read, the batch waits and is right
    when it can."""
    low = records([_inflow(71_001, "199999.99", 10_011, "B01")], 710_010)
    high = records([_inflow(71_002, "300000.00", 10_011, "B01")], 710_020)
    _grant(bank, "revoke", "from")
    try:
        assert run(connection, low, rules=RULES_BY_SCOPE).outcomes[INFLOW, "below"] == 1
        with pytest.raises(PublishedUnreadableError, match="run `acrm migrate`"):
            run(connection, high, rules=RULES_BY_SCOPE)
    finally:
        connection.rollback()
        _grant(bank, "grant", "to")
    assert run(connection, high, rules=RULES_BY_SCOPE).outcomes[INFLOW, "below"] == 1


def _grant(bank: PostgresDatabase, verb: str, to: str) -> None:
    with psycopg.connect(bank.acrm_owner) as owner:
        owner.execute(f"{verb} select on acrm.customer_tiers {to} alerting_owner".encode())


@pytest.mark.parametrize("table", ["customers", "customer_tags", "customer_tags_20260630"])
@pytest.mark.usefixtures("bank")
def test_alerting_reads_nothing_else_of_a_customer(
    connection: psycopg.Connection, table: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"select from acrm.{table}".encode())


#: A customer of each tier for each example, of whom no other test speaks.
_free_customers = count(12_001, 10)
_MINUTES = st.sampled_from([0, 1, 59, 60, 61, 719, 720, 1439, 1440, 1441, 2879, 2880, 2881])
_AMOUNTS = st.sampled_from(["10.00", "200000.00", "500000.00", "800000.00", "1000000.00"])


def _limits_of(event: TransactionEvent) -> Limits:
    """The values above, written a second time."""
    gold = event.customer_id % 10 == GOLD
    entity_b = event.branch_id == "B02"
    if entity_b:
        return Limits(1_000_000, 5_000_000, 4, 1) if gold else Limits(hours=1)
    return Limits(800_000, 5_000_000, 3, 48) if gold else Limits(200_000, hours=48)


@st.composite
def _histories(draw: st.DrawFn) -> tuple[list[Event], list[Event], list[int]]:
    """Events, the same in another order with duplicates, and where to cut that into batches."""
    base = next(_free_customers)
    drawn = draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.sampled_from(["B01", "B02"]), _MINUTES, _AMOUNTS),
            min_size=4,
            max_size=16,
        )
    )
    events: list[Event] = [
        transfer_out(
            base * 100 + number, customer_id=base + customer, branch_id=branch, amount=amount,
            occurred_at=NOON + timedelta(minutes=minute),
            event_id=uuid5(ids.NAMESPACE, f"scoped-{base}-{number}"),
        )
        for number, (customer, branch, minute, amount) in enumerate(drawn)
    ]  # fmt: skip
    backs = draw(st.lists(st.integers(0, len(drawn) - 1), max_size=3, unique=True))
    for number in backs:
        of = events[number]
        assert isinstance(of, TransactionEvent)
        event_id = uuid5(ids.NAMESPACE, f"scoped-back-{of.event_id}")
        events.append(reversal(of, base * 100 + 90 + number, event_id=event_id))
    arrival = draw(st.permutations(events + draw(st.lists(st.sampled_from(events), max_size=4))))
    cuts = draw(st.lists(st.integers(1, len(arrival)), max_size=4))
    return events, list(arrival), sorted({0, *cuts, len(arrival)})


@given(drawn=_histories())
@hypothesis_settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.usefixtures("bank")
def test_any_order_of_arrival_raises_what_the_parameters_of_each_scope_say(
    connection: psycopg.Connection, drawn: tuple[list[Event], list[Event], list[int]]
) -> None:
    events, arrival, cuts = drawn
    rules = ruleset_of([("R01.LARGE_OUTFLOW", 7, AMOUNTS), (FREQUENT, 2, TRANSFERS)])
    for first, last in pairwise(cuts):
        run(connection, records(arrival[first:last], events[0].customer_id * 100), rules=rules)
    expected = expected_reminders(events, _limits_of)
    customers = {event.customer_id for event in events}
    assert raised(connection, customers) == expected
    decoded = [decode(record(0, event), LATER) for event in events]
    judged = history.reminders_of(
        [one for one in decoded if isinstance(one, Booking)],
        rules,
        partial(scopes.find, connection),
    )
    assert {one: it.rule.rule.code for one, it in judged.items()} == expected
    connection.commit()


@given(
    amount=st.decimals("0.01", "2000000", places=2),
    least=st.lists(st.decimals("1", "2000000", places=2), min_size=3, max_size=3),
    scope=st.sampled_from(
        [Scope(), Scope("A"), Scope("B"), Scope("B", "gold"), Scope("C", "gold")]
    ),
)
def test_whatever_fires_in_a_scope_fires_by_the_loosest_parameters(
    amount: Decimal, least: list[Decimal], scope: Scope
) -> None:
    stored = {
        LEAST: "500000.00",
        "movement.business_min_amount": "1.00",
        "overrides": [
            _for({LEAST: str(least[0])}, "B", "gold"),
            _for({LEAST: str(least[1])}, "A"),
            _for({LEAST: str(least[2])}, tier="gold"),
        ],
    }
    values = parameters.parse(INFLOW, stored)
    event = decode(record(0, booking(1, amount=str(amount))), LATER)
    assert isinstance(event, Booking)
    exactly = LARGE_INFLOW.evaluate(event, EMPTY, values.within(scope)[0])
    loosely = LARGE_INFLOW.evaluate(event, EMPTY, parameters.loosest(values))
    assert isinstance(loosely, Fired) or not isinstance(exactly, Fired)


def test_each_value_is_that_of_the_most_specific_override_that_has_one() -> None:
    values = parameters.parse(FREQUENT, TRANSFERS)
    expected = {
        Scope(): ("5", "24", ""),
        Scope(None, "gold"): ("3", "24", "/gold"),
        Scope("A", "profit"): ("5", "48", "A"),
        Scope("A", "gold"): ("3", "48", "A/gold"),
        Scope("B"): ("5", "1", "B"),
        Scope("B", "gold"): ("4", "1", "B/gold"),
    }
    found = {
        scope: (*(str(it) for it in given.values.values()), str(by))
        for scope in expected
        for given, by in [values.within(scope)]
    }
    assert found == expected
    assert dict(parameters.loosest(values).values) == {COUNT: 3, HOURS: 48}
    assert ruleset_of([(FREQUENT, 1, TRANSFERS)]).span == timedelta(hours=48)


@pytest.mark.usefixtures("bank")
def test_a_window_that_only_another_scope_has_so_long_is_not_judged_again(
    connection: psycopg.Connection,
) -> None:
    customer, code = 10_033, FREQUENT
    hour = {"legal_entity": "B", "parameters": {HOURS: "1"}}
    before = ruleset_of([(code, 1, {COUNT: "5", HOURS: "48", "overrides": [hour]})])
    after = ruleset_of([(code, 2, {COUNT: "1", HOURS: "48", "overrides": [hour]})])
    first, earlier = (
        transfer_out(73_000 + back, customer_id=customer, branch_id="B02",
                     occurred_at=NOON - timedelta(hours=back))
        for back in (0, 10)
    )  # fmt: skip
    run(connection, records([first], 730_010), rules=before)
    result = run(connection, records([earlier], 730_020), rules=after)
    assert (+result.outcomes, result.raised) == ({(code, "fired"): 1}, {code: 1})


@pytest.mark.usefixtures("bank")
def test_a_requeue_judges_by_the_same_scope(connection: psycopg.Connection) -> None:
    connection.execute(
        "insert into alerting.rules (code, version, parameters, effective_from)"
        " values (%s, 7, %s, '2000-01-01')",
        (INFLOW, Jsonb(AMOUNTS)),
    )
    events = [_inflow(72_001, "300000.00", 10_023, "B01"),
              _inflow(72_002, "900000.00", 10_021, "B02")]  # fmt: skip
    refused = Refused("incomplete", "kept for later")
    run(connection, records(events, 720_010), refused=refused)
    letters = [one for one in dead_letters.find(connection) if one.log_offset >= 720_010]
    done = requeue(connection, letters, LATER, BOUNDS)
    assert (done.worked, done.raised) == (2, 1)
    assert [*raised(connection, [10_021, 10_023]).values()] == [INFLOW]
