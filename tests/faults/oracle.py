"""What must stand and what may, by the words of docs/rules.md and the versions that were in force.

Written without a look at the service; quadratic and plain on purpose.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import get_args
from uuid import UUID

from crm_shared import ids
from crm_shared.events.cards import CardBooked, CardFellOverdue
from crm_shared.events.customers import CustomerDataChanged
from crm_shared.events.loans import FiveTier, LoanEvent
from crm_shared.events.tickets import QueueTicketChanged
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent
from tests.alerting.bookings import Limits, expected_reminders
from tests.faults.history import Event


@dataclass(frozen=True)
class Edition:
    """The parameters of a version, which the edited rules have in common."""

    movement: int
    spend: int
    transfers: int

    def threshold(self, rule_code: str) -> int:
        """What a reminder of an edited rule says that it was judged by."""
        if rule_code == "R01.FREQUENT_TRANSFERS_OUT":
            return self.transfers
        return self.spend if rule_code == "R01.LARGE_CARD_SPEND" else self.movement

    @property
    def parameters(self) -> dict[str, dict[str, str]]:
        """By rule, the parameters that differ between versions."""
        movement = {"movement.individual_min_amount": str(self.movement)}
        return {
            "R01.LARGE_INFLOW": movement,
            "R01.LARGE_OUTFLOW": movement,
            "R01.LARGE_CARD_SPEND": {"card_spend.min_amount": str(self.spend)},
            "R01.FREQUENT_TRANSFERS_OUT": {"frequent_transfers.min_count": str(self.transfers)},
        }


STRICT, LOOSE = Edition(500_000, 50_000, 5), Edition(300_000, 30_000, 4)
EDITED = frozenset(STRICT.parameters)

_CLASSES = get_args(FiveTier)
_KEY_DATA = {"name", "document_type", "document_no", "phone", "address", "legal_representative"}


def edition(version: int) -> Edition:
    """What each version says: they alternate."""
    return STRICT if version % 2 else LOOSE


def all_of(versions: Iterable[int], of: Callable[[Iterable[int]], int]) -> Edition:
    """The strictest (`of` is max) or the loosest (min) of these versions."""
    some = [edition(one) for one in versions]
    return Edition(
        of(one.movement for one in some),
        of(one.spend for one in some),
        of(one.transfers for one in some),
    )


def standing(events: Iterable[Event], edition_of: Callable[[Event], Edition]) -> dict[UUID, str]:
    """Rule code by reminder id of all that stands after these events."""
    known = {one.event_id: one for one in events}.values()
    booked = [one for one in known if isinstance(one, TransactionEvent | AccountClosedEvent)]

    def limits(one: Event) -> Limits:
        given = edition_of(one)
        return Limits(individual=given.movement, transfers=given.transfers)

    others = [one for one in known if not isinstance(one, TransactionEvent | AccountClosedEvent)]
    return expected_reminders(booked, limits) | _of_others(others, edition_of)


def _of_others(events: Iterable[Event], edition_of: Callable[[Event], Edition]) -> dict[UUID, str]:
    events = list(events)
    corrected = {getattr(one, "corrects_event_id", None) for one in events}
    reversed_ones = {
        (one.customer_id, one.reverses_card_txn_id) for one in events if isinstance(one, CardBooked)
    }
    keys: set[tuple[str, str, str] | None] = set()
    for one in events:
        if one.event_id in corrected:
            continue
        if isinstance(one, CardBooked):
            if (one.customer_id, one.card_txn_id) not in reversed_ones:
                keys.add(_of_spending(one, edition_of(one)))
        elif isinstance(one, LoanEvent):
            keys.add(_of_loan(one))
        elif isinstance(one, CardFellOverdue) and one.amount > 0:
            keys.add(("R03.CARD_OVERDUE", f"card:{one.card_id}", f"due:{one.due_on}"))
        elif isinstance(one, CustomerDataChanged):
            keys.add(_of_data(one))
        elif isinstance(one, QueueTicketChanged) and one.customer_id:
            keys.add(_of_ticket(one))
    return {ids.reminder_id(*key): key[0] for key in keys if key}


def _of_spending(one: CardBooked, given: Edition) -> tuple[str, str, str] | None:
    if one.reverses_card_txn_id or one.direction == "credit" or one.amount < Decimal(given.spend):
        return None
    return "R01.LARGE_CARD_SPEND", f"card:{one.card_id}", f"card_txn:{one.card_txn_id}"


def _of_loan(one: LoanEvent) -> tuple[str, str, str] | None:
    loan, day = f"loan:{one.loan_id}", one.business_date
    if one.change == "arrears" and one.amount != 0:
        return "R03.ARREARS", loan, f"month:{day:%Y-%m}"
    if one.change == "overdue":
        return "R03.OVERDUE", loan, f"since:{day - timedelta(days=one.days_overdue)}:1"
    before, after = one.five_tier_before, one.five_tier_after
    if one.change != "class_changed" or before is None or after is None:
        return None
    if _CLASSES.index(after) <= _CLASSES.index(before):
        return None
    return "R03.DOWNGRADE", loan, f"class:{after}:{day}"


def _of_data(one: CustomerDataChanged) -> tuple[str, str, str] | None:
    fields = "+".join(sorted(_KEY_DATA & set(one.fields)))
    window = f"changed:{one.business_date}:{fields}"
    return ("R03.KEY_DATA_CHANGED", f"customer:{one.customer_id}", window) if fields else None


def _of_ticket(one: QueueTicketChanged) -> tuple[str, str, str] | None:
    if one.state not in {"drawn", "called"}:
        return None
    day = (one.occurred_at + timedelta(hours=8)).date()
    return "R05.LOBBY_ARRIVAL", f"customer:{one.customer_id}", f"lobby:{one.branch_id}:{day}"
