"""R01.ACCOUNT_CLOSED: a deposit account was closed."""

from dataclasses import dataclass

from alerting.events import Closure, Judged
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Fired, Parameters, Window
from alerting.windows import Timeline
from crm_shared.clock import bank_date


@dataclass(frozen=True, slots=True)
class AccountClosed:
    """Every closure, whatever was on the account."""

    code: str = "R01.ACCOUNT_CLOSED"
    parameter_codes: tuple[str, ...] = ()
    judges: type[Judged] = Closure
    window: Window | None = None

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Fires for every closure that is none of an account that stays open."""
        if not isinstance(event, Closure) or event.stays_open:
            return NOT_APPLICABLE
        return Fired(
            customer_id=event.customer_id,
            subject=f"account:{event.account_id}",
            window=f"closed:{bank_date(event.occurred_at)}",
            amount=event.closing_balance,
            currency=event.currency,
            facts={"value": str(event.closing_balance), "product": event.product},
        )


ACCOUNT_CLOSED = AccountClosed()
