"""Parameters per rule and legal entity as rows to join: one statement for all of them."""

from collections.abc import Sequence
from typing import Any

from crm_shared.reminder_rules import RULES
from ocrm_api.parameters import EVERY, Parameter, Values

#: Each rule's limits, of the legal entities with values of their own and of the others; within each
#: an index has what is meant.
LIMITS = """jsonb_to_recordset(cast(cast({limits} as text) as jsonb))
         as limits (rule text, before {type}, branches text[], of_these boolean)"""
OF_THESE = "(lead_branch_id = any (limits.branches)) = limits.of_these"

#: The branches of legal entities by a publication.
BRANCHES = (
    "select legal_entity_id, org_id from acrm.org_units"
    " where business_date = {day} and org_type = 'branch'"
    " and legal_entity_id = any (cast({entities} as text[]))"
)


def limits_of(
    values: Values, parameter: Parameter, branches: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Of each rule the value of each legal entity that has its own, then that of all the others.

    `branches` are (legal entity, branch) of the legal entities with values of their own.
    """
    entities = [
        (own, [branch for entity, branch in branches if entity == own], True)
        for own in values.legal_entities(parameter)
    ]
    entities.append((EVERY, [branch for _, branch in branches], False))
    return [
        {
            "rule": rule, "value": values.of(parameter, entity, rule), "branches": branches,
            "of_these": of_these,
        }
        for rule in RULES
        for entity, branches, of_these in entities
    ]  # fmt: skip
