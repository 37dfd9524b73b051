"""Parameters of the bank: whole numbers, dated, per legal entity and rule. Rows are only added.

A slice declares its parameters with their defaults; a row of `ocrm.parameters` replaces a default
from its day on. The most particular row holds: of the rule at the legal entity, then of the rule,
then of the legal entity, then of everybody.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared.errors import UsageError
from ocrm_api.languages import Text

#: Every legal entity without a value of its own, every rule without one.
EVERY = "*"

_IN_FORCE = """
select distinct on (code, legal_entity_id, rule_code) code, legal_entity_id, rule_code, value
from ocrm.parameters where effective_from <= {day}
order by code, legal_entity_id, rule_code, effective_from desc
"""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its default may depend on the rule; `least` and `most` bound its values."""

    code: str
    name: Text
    unit: Text
    default: Callable[[str], int]
    least: int = 0
    most: int = 3650
    per_rule: bool = True


@dataclass(frozen=True)
class Values:
    """The rows in force on a day, by (code, legal entity, rule)."""

    rows: Mapping[tuple[str, str, str], int] = field(default_factory=dict)

    def of(self, parameter: Parameter, legal_entity_id: str = EVERY, rule_code: str = EVERY) -> int:
        """The value for a legal entity and a rule."""
        for entity, rule in (
            (legal_entity_id, rule_code), (EVERY, rule_code), (legal_entity_id, EVERY),
            (EVERY, EVERY),
        ):  # fmt: skip
            found = self.rows.get((parameter.code, entity, rule))
            if found is not None:
                return found
        return parameter.default(rule_code)

    def legal_entities(self, parameter: Parameter) -> list[str]:
        """The legal entities that have a value of their own."""
        return sorted(
            {entity for code, entity, _ in self.rows if code == parameter.code and entity != EVERY}
        )


async def in_force(session: AsyncSession, day: date) -> Values:
    """What holds on a day."""
    rows = await session.execute(text(_IN_FORCE.format(day=":day")), {"day": day})
    return Values({(row[0], row[1], row[2]): row[3] for row in rows})


def known(connection: psycopg.Connection, day: date) -> Values:
    """What holds on a day, for a process that is not the interface."""
    rows = connection.execute(_IN_FORCE.format(day="%s").encode(), (day,)).fetchall()
    return Values({(row[0], row[1], row[2]): row[3] for row in rows})


def listed(
    connection: psycopg.Connection, known: Iterable[Parameter], rules: Collection[str], day: date
) -> list[dict[str, Any]]:
    """Every parameter with its defaults by rule, and what replaces them on a day."""
    found = connection.execute(_IN_FORCE.format(day="%s").encode(), (day,)).fetchall()
    return [
        {
            "code": one.code,
            "name": one.name.zh,
            "name_en": one.name.en,
            "unit": one.unit.zh,
            "unit_en": one.unit.en,
            "defaults": _defaults(one, rules),
            "values": [
                {"legal_entity_id": entity, "rule_code": rule, "value": value}
                for code, entity, rule, value in found
                if code == one.code
            ],
        }
        for one in known
    ]


def _defaults(parameter: Parameter, rules: Collection[str]) -> list[dict[str, Any]]:
    """Each default with the rules of which it is; `*` where it is the same for all."""
    of: dict[int, list[str]] = {}
    for rule in rules if parameter.per_rule else ():
        of.setdefault(parameter.default(rule), []).append(rule)
    if len(of) < 2:
        return [{"value": next(iter(of), parameter.default(EVERY)), "rules": [EVERY]}]
    return [{"value": value, "rules": of[value]} for value in sorted(of)]


def require_legal_entity(connection: psycopg.Connection, legal_entity_id: str) -> None:
    """`UsageError` where no branch of such a legal entity was ever published."""
    try:
        rows = connection.execute(
            "select distinct legal_entity_id from acrm.org_units where org_type = 'branch'"
            " order by legal_entity_id"
        ).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        rows = []
    known = [row[0] for row in rows]
    if not known:
        raise UsageError(
            "No legal entity was published yet; run the batch (`acrm run`) before you set a"
            " parameter for one."
        )
    if legal_entity_id not in known:
        raise UsageError(
            f"{legal_entity_id} is no legal entity; take one of {', '.join(known)}, or leave"
            " --legal-entity out."
        )


def add(
    connection: psycopg.Connection,
    parameter: Parameter,
    value: int,
    effective_from: date,
    *,
    legal_entity_id: str = EVERY,
    rule_code: str = EVERY,
) -> None:
    """Let a value hold from a day on; `UsageError` where it is out of range or was said before."""
    if not parameter.least <= value <= parameter.most:
        raise UsageError(
            f"{value} is no value of {parameter.code}; give a whole number from"
            f" {parameter.least} to {parameter.most} ({parameter.unit.en})."
        )
    if rule_code != EVERY and not parameter.per_rule:
        raise UsageError(f"{parameter.code} is not of a rule; leave --rule out.")
    given = {
        "code": parameter.code, "legal_entity_id": legal_entity_id, "rule_code": rule_code,
        "effective_from": effective_from, "value": value,
    }  # fmt: skip
    added = connection.execute(
        "insert into ocrm.parameters (code, legal_entity_id, rule_code, effective_from, value)"
        " values (%(code)s, %(legal_entity_id)s, %(rule_code)s, %(effective_from)s, %(value)s)"
        " on conflict do nothing",
        given,
    )
    if not added.rowcount:
        raise UsageError(
            f"{parameter.code} has a value from {effective_from} already, and what was said once"
            " is not changed; choose another day."
        )
    connection.execute(
        "insert into ocrm.audit_log (action, subject_type, subject_id, details, request_id)"
        " values ('parameter.added', 'parameter', %s, %s, 'command line')",
        (parameter.code, Jsonb(given | {"effective_from": str(effective_from)})),
    )
