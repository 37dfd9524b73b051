"""R01.LARGE_INFLOW and R01.LARGE_OUTFLOW: one booking of at least N, by type of customer."""

from dataclasses import dataclass
from typing import Literal

from alerting.rules.movements import moves_funds
from alerting.rules.protocol import NOT_APPLICABLE, Below, Event, Fired, Outcome, Parameters
from alerting.windows import Timeline
from crm_shared.events.transactions import TransactionEvent

INDIVIDUAL = "movement.individual_min_amount"
BUSINESS = "movement.business_min_amount"


@dataclass(frozen=True, slots=True)
class LargeMovement:
    """One credit (inflow) or debit (outflow) at or above the threshold, in its currency.

    Bookings in another currency are not judged: there are no exchange rates to compare them by.
    """

    code: str
    direction: Literal["credit", "debit"]
    parameter_codes: tuple[str, ...] = (INDIVIDUAL, BUSINESS)
    windowed: bool = False

    def evaluate(self, event: Event, timeline: Timeline, parameters: Parameters) -> Outcome:
        """Compare the amount with the threshold of the customer's type; groups are businesses."""
        if (
            not isinstance(event, TransactionEvent)
            or event.direction != self.direction
            or event.currency != parameters.currency
            or not moves_funds(event)
        ):
            return NOT_APPLICABLE
        threshold = parameters[INDIVIDUAL if event.customer_type == "individual" else BUSINESS]
        if event.amount < threshold:
            return Below(event.amount, threshold)
        return Fired(
            subject=f"customer:{event.customer_id}",
            window=f"txn:{event.txn_id}",
            amount=event.amount,
            facts={
                "value": str(event.amount),
                "threshold": str(threshold),
                "txn_id": str(event.txn_id),
                "txn_type": event.txn_type,
                "channel": event.channel,
            },
        )


LARGE_INFLOW = LargeMovement("R01.LARGE_INFLOW", "credit")
LARGE_OUTFLOW = LargeMovement("R01.LARGE_OUTFLOW", "debit")
