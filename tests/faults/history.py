"""What a bank sends in a few days: every kind of event that a rule of the stream judges, many of
them around thresholds and the edges of days and windows, some taken back; and how it arrives: in
disorder, late by minutes or days, twice, from clocks that are ahead, with poison in between.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from crm_shared import clock, ids
from crm_shared.events import cards, customers, loans, tickets, transactions
from crm_shared.events.cards import CardBooked, CardFellOverdue
from crm_shared.events.customers import CustomerDataChanged
from crm_shared.events.from_bank import TOPICS
from crm_shared.events.loans import LoanEvent
from crm_shared.events.tickets import QueueTicketChanged
from crm_shared.events.transactions import TransactionEvent
from crm_shared.testing import topics
from tests.alerting.bookings import NOON, booking, closure, reversal, transfer_out

Event = (
    transactions.TransactionEvent
    | transactions.AccountClosedEvent
    | LoanEvent
    | CardBooked
    | CardFellOverdue
    | CustomerDataChanged
    | QueueTicketChanged
)

#: To which topic, and what.
Sent = tuple[str, topics.Message]

#: Noon before a leap day, and before clocks go forward and back where the members run. The
#: customers share them, so that every run has them all.
BEGINNINGS = (
    datetime(2024, 2, 28, 4, tzinfo=UTC),
    datetime(2026, 3, 7, 4, tzinfo=UTC),
    datetime(2025, 11, 1, 4, tzinfo=UTC),
    NOON,
)
DAYS = 4

#: Within and beyond what the service takes: five minutes (ALERTING_FUTURE_TOLERANCE_SECONDS).
_AHEAD, _FAR_AHEAD = timedelta(minutes=2), timedelta(days=30)

_TOPIC_OF: dict[type[Event], str] = {
    LoanEvent: loans.TOPIC,
    CardBooked: cards.TOPIC,
    CardFellOverdue: cards.TOPIC,
    CustomerDataChanged: customers.TOPIC,
    QueueTicketChanged: tickets.TOPIC,
}


@dataclass(frozen=True)
class History:
    """What happened, what is sent of it in which order, and the values that nobody can work on."""

    events: Sequence[Event]
    sent: Sequence[Sent]
    poison: frozenset[bytes]


def topic_of(event: Event) -> str:
    """The topic by which such an event comes."""
    return _TOPIC_OF.get(type(event), transactions.TOPIC)


def draw(chance: random.Random, number_of_customers: int) -> History:
    """Some thirty events of each customer."""
    events = [
        _draw_one(chance, number, number_of_customers)
        for number in range(1, 30 * number_of_customers + 1)
    ]
    events += _taken_back(events, chance)
    ahead = [_ahead(number, _AHEAD) for number in range(1, number_of_customers // 8 + 1)]
    too_far = [_ahead(number, _FAR_AHEAD) for number in range(1, number_of_customers // 8 + 1)]
    poison = [b"\xff" * number for number in range(1, number_of_customers // 8 + 1)]
    poison += [b'{"poison": %d}' % len(one) for one in poison]
    sent = _in_disorder(events, chance)
    among: list[Sent] = [(topic_of(one), one) for one in (*ahead, *too_far)]
    among += [
        (chance.choice(TOPICS), (str(number).encode(), one)) for number, one in enumerate(poison)
    ]
    for one in among:
        sent.insert(chance.randrange(len(sent)), one)
    dead = frozenset([*poison, *(one.to_bytes() for one in too_far)])
    return History([*events, *ahead], sent, dead)


def _in_disorder(events: Sequence[Event], chance: random.Random) -> list[Sent]:
    """Roughly in order of time, some late by hours, some by days, one in twenty twice."""
    sent = [*events, *chance.choices(events, k=len(events) // 20)]

    def arrives(one: Event) -> datetime:
        late = chance.uniform(0, DAYS * 1440) if chance.random() < 0.05 else 0
        return one.occurred_at + timedelta(minutes=chance.expovariate(1 / 90) + late)

    return [(topic_of(one), one) for one in sorted(sent, key=arrives)]


def _draw_one(chance: random.Random, number: int, customers: int) -> Event:
    customer = chance.randint(1, customers)
    at = BEGINNINGS[customer % len(BEGINNINGS)] + timedelta(minutes=chance.randrange(DAYS * 1440))
    common: dict[str, Any] = {
        "occurred_at": at,
        "customer_id": customer,
        "business_date": (at + timedelta(hours=8)).date(),
    }
    (kind,) = chance.choices(list(_KINDS), list(_KINDS.values()))
    return kind(chance, number, common)


def _booked(chance: random.Random, number: int, common: dict[str, Any]) -> Event:
    amounts = ["10.00", "299999.99", "300000.00", "499999.99", "500000.00"]
    (amount,) = chance.choices(amounts, [80, 5, 5, 5, 5])
    made = transfer_out if chance.random() < 0.4 else booking
    return made(number, amount=amount, **common)


def _closed(chance: random.Random, number: int, common: dict[str, Any]) -> Event:
    return closure(number, **common)


def _loan_changed(chance: random.Random, number: int, common: dict[str, Any]) -> Event:
    tiers = get_args(loans.FiveTier)
    return LoanEvent(
        **_envelope("loan", number),
        **common,
        loan_id=common["customer_id"] * 10 + chance.randrange(2),
        change=chance.choice(["arrears", "overdue", "class_changed", "repaid"]),
        amount=chance.choice([None, "0.00", "0.01", "120.00"]),
        days_overdue=chance.randrange(4),
        five_tier_before=chance.choice(tiers),
        five_tier_after=chance.choice(tiers),
    )


def _card_booked(chance: random.Random, number: int, common: dict[str, Any]) -> Event:
    return CardBooked(
        **_envelope("card", number),
        **common,
        card_txn_id=number,
        card_id=common["customer_id"] * 10,
        direction=chance.choice(["debit", "debit", "credit"]),
        amount=chance.choice(["10.00", "29999.99", "30000.00", "49999.99", "50000.00"]),
    )


def _card_unpaid(chance: random.Random, number: int, common: dict[str, Any]) -> Event:
    return CardFellOverdue(
        **_envelope("unpaid", number),
        **common,
        card_id=common["customer_id"] * 10,
        due_on=common["business_date"] - timedelta(days=1),
        amount=chance.choice(["0.00", "0.01", "70.00"]),
    )


def _data_changed(chance: random.Random, number: int, common: dict[str, Any]) -> Event:
    columns = ["phone", "address", "education", "name", "employer"]
    fields = tuple(chance.sample(columns, chance.randint(1, 3)))
    return CustomerDataChanged(**_envelope("data", number), **common, fields=fields)


def _ticket(chance: random.Random, number: int, common: dict[str, Any]) -> Event:
    values = _envelope("ticket", number) | {"branch_id": chance.choice(["B01", "B02"])}
    return QueueTicketChanged(
        **values,
        occurred_at=common["occurred_at"],
        customer_id=chance.choice([None, common["customer_id"], common["customer_id"]]),
        ticket_id=f"A{number}",
        state=chance.choice(["drawn", "called", "served", "abandoned"]),
        queue="personal",
    )


#: How often each kind is drawn, of a hundred.
_KINDS: dict[Callable[[random.Random, int, dict[str, Any]], Event], int] = {
    _booked: 66, _closed: 3, _loan_changed: 10, _card_booked: 9, _card_unpaid: 3,
    _data_changed: 4, _ticket: 5,
}  # fmt: skip


def _envelope(kind: str, number: int) -> dict[str, Any]:
    name = ids.event_id(kind, str(number))
    return {"event_id": name, "producer": "core", "branch_id": "B01"}


def _taken_back(events: Sequence[Event], chance: random.Random) -> list[Event]:
    """Reversals and corrections, an hour later."""
    able = [one for one in events if isinstance(one, TransactionEvent | CardBooked | _Corrected)]
    return [
        _take_back(one, len(events) + number)
        for number, one in enumerate(chance.sample(able, len(able) // 20), start=1)
    ]


_Corrected = LoanEvent | CardFellOverdue | CustomerDataChanged | transactions.AccountClosedEvent


def _take_back(one: Event, number: int) -> Event:
    if isinstance(one, TransactionEvent):
        return reversal(one, number, customer_id=one.customer_id)
    changes: dict[str, Any] = {
        "event_id": ids.event_id("taken-back", str(number)),
        "occurred_at": one.occurred_at + timedelta(hours=1),
    }
    if isinstance(one, CardBooked):
        back = "credit" if one.direction == "debit" else "debit"
        changes |= {
            "card_txn_id": number, "direction": back, "reverses_card_txn_id": one.card_txn_id,
        }  # fmt: skip
    else:
        changes |= {"corrects_event_id": one.event_id}
        if isinstance(one, LoanEvent) and number % 2:
            changes |= {"change": "repaid"}
        if isinstance(one, transactions.AccountClosedEvent) and number % 2:
            changes |= {"stays_open": True}
    return one.model_copy(update=changes)


def _ahead(number: int, by: timedelta) -> Event:
    """A transfer by a clock that is ahead of ours."""
    at = clock.now() + by
    changes: dict[str, Any] = {
        "event_id": ids.event_id(f"ahead by {by}", str(number)),
        "txn_id": 10_000_000 + number,
        "customer_id": number,
        "amount": "500000.00",
        "occurred_at": at,
        "business_date": (at + timedelta(hours=8)).date(),
    }
    return transfer_out(10_000_000 + number, **changes)
