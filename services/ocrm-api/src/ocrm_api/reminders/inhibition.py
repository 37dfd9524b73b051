"""Which reminders mute which: what says the same of a customer less well need not be done too.

A reminder is muted while one that mutes it is open or snoozed. It stays what it is, can be listed,
handled and expires; it neither raises its customer's rank nor needs to be looked at by itself.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Inhibition:
    """A rule that mutes another, for the same customer."""

    rule_code: str
    mutes: str
    #: Only of the same loan or card; else of the customer.
    same_subject: bool
    #: Only where their business dates lie so many days apart at most; None: however far.
    within_days: int | None = None


#: A closed account mutes the outflow by which it was emptied; what is overdue mutes what will be
#: due on the same loan or card.
INHIBITIONS = (
    Inhibition("R01.ACCOUNT_CLOSED", "R01.LARGE_OUTFLOW", same_subject=False, within_days=3),
    Inhibition("R03.OVERDUE", "R02.REPAYMENT_DUE", same_subject=True),
    Inhibition("R03.OVERDUE", "R02.LOAN_MATURES", same_subject=True),
    Inhibition("R03.CARD_OVERDUE", "R02.CARD_REPAYMENT_DUE", same_subject=True),
)
