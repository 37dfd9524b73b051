"""Which reminders mute which: what says the same of a customer less well need not be done too.

A reminder is muted while one that mutes it is open or snoozed. It stays what it is, can be listed,
handled and expires; it neither raises its customer's rank nor needs to be looked at by itself.
"""

from dataclasses import dataclass

from ocrm_api.reminders.transitions import LIVE, sql


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


def _literal(value: str | int | bool | None) -> str:
    return "null" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


#: The table of inhibitions in SQL: `(rule_code, mutes, same_subject, within_days)`.
INHIBITION = (
    "(values "
    + ", ".join(
        f"({_literal(one.rule_code)}, {_literal(one.mutes)}, {_literal(one.same_subject)},"
        f" {_literal(one.within_days)}::integer)"
        for one in INHIBITIONS
    )
    + ") as inhibition (rule_code, mutes, same_subject, within_days)"
)
#: Whether a rule mutes others, whether one is muted by others: the right side of a comparison.
LOUD = sql(tuple(sorted({one.rule_code for one in INHIBITIONS})))
QUIET = sql(tuple(sorted({one.mutes for one in INHIBITIONS})))
#: Whether `loud` of the same customer and owner mutes `o`, by a row of `inhibition`.
MUTES = """inhibition.rule_code = loud.rule_code and inhibition.mutes = o.rule_code
                 and (loud.subject = o.subject or not inhibition.same_subject)
                 and (inhibition.within_days is null
                      or abs(loud.business_date - o.business_date) <= inhibition.within_days)"""
#: What mutes `o`, as in the day list of its owner: rows of `loud`.
MUTING = f"""from ocrm.reminders loud join {INHIBITION} on {MUTES}
where loud.customer_id = o.customer_id and loud.owner_id = o.owner_id and loud.status {sql(LIVE)}"""
