"""The sentence that answers "why is this my customer?", per rule of `docs/rules.md`."""

from ocrm_api.languages import Language, Text

_REASONS = {
    "locked": Text("人工指定的主办关系尚在锁定期内。", "A manual assignment is still locked."),
    "loan": Text(
        "客户在该机构有未结清贷款（余额最大者）。", "The branch keeps the largest running loan."
    ),
    "loan_settled": Text(
        "客户在该机构的贷款结清未满保护期。", "A loan of the branch was settled not long ago."
    ),
    "card": Text(
        "客户在该机构有额度最高的贷记卡。",
        "The branch keeps the credit card with the largest limit.",
    ),
    "deposit": Text(
        "该机构的日均存款最高（按月末判定）。",
        "The branch has the largest average deposits, decided at month ends.",
    ),
    "registered": Text(
        "客户尚无业务，由登记机构主办。", "There is no business yet; the registering branch leads."
    ),
}


def why(rule: str, language: Language) -> str:
    """The reason of a decision; the rule's code where it is not known here."""
    reason = _REASONS.get(rule)
    return rule if reason is None else reason.in_(language)
