"""R03.DOWNGRADE: a loan was put into a worse one of the five classes."""

from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from alerting.events import Judged, LoanChange
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Below, Fired, Parameters, Window
from alerting.windows import Timeline
from crm_shared.events.loans import FiveTier

#: The five classes, the best first.
_CLASSES = get_args(FiveTier)

#: One class further down is a downgrade.
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Downgrade:
    """Every change to a worse class, by one or more; a new class without an old one is none."""

    code: str = "R03.DOWNGRADE"
    parameter_codes: tuple[str, ...] = ()
    judges: type[Judged] = LoanChange
    window: Window | None = None

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Count the classes between before and after; an upgrade is below zero."""
        if (
            not isinstance(event, LoanChange)
            or event.change != "class_changed"
            or event.five_tier_before is None
            or event.five_tier_after is None
        ):
            return NOT_APPLICABLE
        before, after = event.five_tier_before, event.five_tier_after
        steps = Decimal(_CLASSES.index(after) - _CLASSES.index(before))
        if steps < _ONE:
            return Below(steps, _ONE)
        return Fired(
            customer_id=event.customer_id,
            subject=f"loan:{event.loan_id}",
            window=f"class:{after}:{event.business_date}",
            amount=event.amount,
            currency=event.currency,
            facts={"value": str(steps), "before": before, "after": after},
        )


DOWNGRADE = Downgrade()
