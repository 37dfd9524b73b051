"""R01.FREQUENT_TRANSFERS_OUT: at least N transfers to other banks within the last hours."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache

from alerting.events import Booking, Judged, fact_of
from alerting.rules.movements import moves_funds
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Below, Fired, Parameters, Window
from alerting.windows import Timeline, Transfer
from crm_shared.clock import bank_date

MIN_COUNT = "frequent_transfers.min_count"
WINDOW_HOURS = "frequent_transfers.window_hours"


def transfer_to_other_bank(event: Judged) -> Transfer | None:
    """The event as a transfer that windows count; None where it is not one."""
    if not isinstance(event, Booking):
        return event if isinstance(event, Transfer) else None
    if event.counterparty_bank is None or event.direction != "debit" or not moves_funds(event):
        return None
    return Transfer(
        event.occurred_at,
        event.event_id,
        event.customer_id,
        event.amount,
        event.branch_id,
        event.currency,
        event.correlation_id,
        fact_of(event),
    )


def window_of(parameters: Parameters) -> timedelta:
    """The length of the window."""
    return _time(parameters[WINDOW_HOURS])


@cache
def _time(hours: Decimal) -> timedelta:
    return timedelta(seconds=float(hours * 3600))


@dataclass(frozen=True, slots=True)
class FrequentTransfersOut:
    """The transfers in `(t - window, t]` up to and including the transfer at `t`."""

    code: str = "R01.FREQUENT_TRANSFERS_OUT"
    parameter_codes: tuple[str, ...] = (MIN_COUNT, WINDOW_HOURS)
    judges: type[Judged] = Transfer
    window: Window | None = window_of

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Count the customer's transfers in the window that ends with this one."""
        transfer = transfer_to_other_bank(event)
        if transfer is None:
            return NOT_APPLICABLE
        window = timeline.within(transfer.occurred_at, window_of(parameters))
        count = len(window)
        if count < parameters[MIN_COUNT]:
            return Below(Decimal(count), parameters[MIN_COUNT])
        return Fired(
            customer_id=transfer.customer_id,
            subject=f"customer:{transfer.customer_id}",
            window=f"day:{bank_date(transfer.occurred_at)}",
            amount=sum(
                (one.amount for one in window if one.currency == transfer.currency), Decimal(0)
            ),
            currency=transfer.currency,
            facts={
                "value": str(count),
                "threshold": str(parameters[MIN_COUNT]),
                "window_hours": str(parameters[WINDOW_HOURS]),
            },
        )


FREQUENT_TRANSFERS_OUT = FrequentTransfersOut()
