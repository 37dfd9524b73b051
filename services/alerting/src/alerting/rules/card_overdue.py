"""R03.CARD_OVERDUE: a statement of a credit card was not paid when it was due."""

from dataclasses import dataclass

from alerting.events import Judged, UnpaidStatement
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Below, Fired, Parameters, Window
from alerting.windows import Timeline
from crm_shared.money import CENT


@dataclass(frozen=True, slots=True)
class CardOverdue:
    """Every such event; keyed by the day on which it was due, as the batch says it."""

    code: str = "R03.CARD_OVERDUE"
    parameter_codes: tuple[str, ...] = ()
    judges: type[Judged] = UnpaidStatement
    window: Window | None = None

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Fires unless nothing is owed."""
        if not isinstance(event, UnpaidStatement):
            return NOT_APPLICABLE
        if event.amount < CENT:
            return Below(event.amount, CENT)
        return Fired(
            customer_id=event.customer_id,
            subject=f"card:{event.card_id}",
            window=f"due:{event.due_on}",
            amount=event.amount,
            currency=event.currency,
        )


CARD_OVERDUE = CardOverdue()
