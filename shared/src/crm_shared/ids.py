"""Identifiers. Those of a fact are computed from the fact, so no path can tell it twice."""

from uuid import UUID, uuid5

#: Every deterministic id of the product is a uuid5 under this name space.
NAMESPACE = UUID("6f0d3f1e-2a52-5f0e-9d0b-7455c0a7c3b1")


def reminder_id(rule_code: str, subject: str, window: str) -> UUID:
    """The id of a reminder: same rule, subject and window, same reminder, whoever raises it.

    `subject` names what the reminder is about, `window` the occasion, as
    `crm_shared.reminder_rules` says for each rule; for instance
    `("R02.LOAN_MATURES", "loan:55", "due:2026-07-20")`.
    """
    return uuid5(NAMESPACE, f"reminder|{rule_code}|{subject}|{window}")


def event_id(kind: str, key: str) -> UUID:
    """The id of an event that a source system identifies by its own key."""
    return uuid5(NAMESPACE, f"event|{kind}|{key}")
