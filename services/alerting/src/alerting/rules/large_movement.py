"""What R01.LARGE_INFLOW and R01.LARGE_OUTFLOW have in common: one booking of at least N."""

from dataclasses import dataclass
from typing import Literal

from alerting.events import Booking, Judged
from alerting.rules.movements import moves_funds
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Below, Fired, Parameters, Window
from alerting.windows import Timeline

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
    judges: type[Judged] = Booking
    window: Window | None = None

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Compare the amount with the threshold of the customer's type; groups are businesses."""
        if (
            not isinstance(event, Booking)
            or event.direction != self.direction
            or event.currency != parameters.currency
            or not moves_funds(event)
        ):
            return NOT_APPLICABLE
        threshold = parameters[INDIVIDUAL if event.customer_type == "individual" else BUSINESS]
        amount = event.amount
        if amount < threshold:
            return Below(amount, threshold)
        return Fired(
            customer_id=event.customer_id,
            subject=f"customer:{event.customer_id}",
            window=f"txn:{event.txn_id}",
            amount=amount,
            currency=event.currency,
            facts={
                "value": str(amount),
                "threshold": str(threshold),
                "txn_id": str(event.txn_id),
                "txn_type": event.txn_type,
                "channel": event.channel,
            },
        )
