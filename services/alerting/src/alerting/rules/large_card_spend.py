"""R01.LARGE_CARD_SPEND: one spending on a credit card of at least N."""

from dataclasses import dataclass

from alerting.events import CardBooking, Judged
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Below, Fired, Parameters, Window
from alerting.windows import Timeline

MIN_AMOUNT = "card_spend.min_amount"


@dataclass(frozen=True, slots=True)
class LargeCardSpend:
    """One debit at or above the threshold, in its currency; reversals are none."""

    code: str = "R01.LARGE_CARD_SPEND"
    parameter_codes: tuple[str, ...] = (MIN_AMOUNT,)
    judges: type[Judged] = CardBooking
    window: Window | None = None

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Compare the amount with the threshold."""
        if (
            not isinstance(event, CardBooking)
            or event.direction != "debit"
            or event.reverses_card_txn_id is not None
            or event.currency != parameters.currency
        ):
            return NOT_APPLICABLE
        threshold = parameters[MIN_AMOUNT]
        if event.amount < threshold:
            return Below(event.amount, threshold)
        return Fired(
            customer_id=event.customer_id,
            subject=f"card:{event.card_id}",
            window=f"card_txn:{event.card_txn_id}",
            amount=event.amount,
            currency=event.currency,
            facts={
                "value": str(event.amount),
                "threshold": str(threshold),
                "category": event.category or "",
            },
        )


LARGE_CARD_SPEND = LargeCardSpend()
