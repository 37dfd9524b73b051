"""R03.ARREARS: interest of a loan is in arrears."""

from dataclasses import dataclass

from alerting.events import Judged, LoanChange
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Below, Fired, Parameters, Window
from alerting.windows import Timeline
from crm_shared.money import CENT


@dataclass(frozen=True, slots=True)
class Arrears:
    """Every event of arrears; once a month for each loan, as the batch says it."""

    code: str = "R03.ARREARS"
    parameter_codes: tuple[str, ...] = ()
    judges: type[Judged] = LoanChange
    window: Window | None = None

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Fires unless the event says that the amount is zero."""
        if not isinstance(event, LoanChange) or event.change != "arrears":
            return NOT_APPLICABLE
        if event.amount is not None and event.amount < CENT:
            return Below(event.amount, CENT)
        return Fired(
            customer_id=event.customer_id,
            subject=f"loan:{event.loan_id}",
            window=f"month:{event.business_date:%Y-%m}",
            amount=event.amount,
            currency=event.currency,
            facts={"days_overdue": str(event.days_overdue)},
        )


ARREARS = Arrears()
