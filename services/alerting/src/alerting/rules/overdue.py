"""R03.OVERDUE: a loan fell overdue."""

from dataclasses import dataclass
from datetime import timedelta

from alerting.events import Judged, LoanChange
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Fired, Parameters, Window
from alerting.windows import Timeline


@dataclass(frozen=True, slots=True)
class Overdue:
    """Every event of an overdue loan; once for all days since the same missed instalment."""

    code: str = "R03.OVERDUE"
    parameter_codes: tuple[str, ...] = ()
    judges: type[Judged] = LoanChange
    window: Window | None = None

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Fires whatever the amount; the batch says it again after `overdue.days`."""
        if not isinstance(event, LoanChange) or event.change != "overdue":
            return NOT_APPLICABLE
        since = event.business_date - timedelta(days=event.days_overdue)
        return Fired(
            customer_id=event.customer_id,
            subject=f"loan:{event.loan_id}",
            window=f"since:{since}:1",
            amount=event.amount,
            currency=event.currency,
            facts={"days_overdue": str(event.days_overdue)},
        )


OVERDUE = Overdue()
