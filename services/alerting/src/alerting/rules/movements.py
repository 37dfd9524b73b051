"""Which bookings move funds: business with the bank itself does not, nor do reversals."""

from alerting.events import Booking

#: Types of bookings between the customer and the bank itself (docs/rules.md).
WITH_THE_BANK = frozenset(
    {"deposit_open", "deposit_close", "interest", "fee", "sanction_interest", "loan_drawdown",
     "loan_repayment", "card_repayment", "wealth_buy", "wealth_redeem"}
)  # fmt: skip


def moves_funds(event: Booking) -> bool:
    """Whether the booking is a movement of the customer's funds."""
    return event.reverses_txn_id is None and event.txn_type not in WITH_THE_BANK
