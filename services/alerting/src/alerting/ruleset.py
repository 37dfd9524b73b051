"""The rules in force: code, version and parameters, read from `alerting.rules`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import psycopg

from alerting.rules import RULES
from alerting.rules.frequent_transfers_out import WINDOW_HOURS, window_of
from alerting.rules.protocol import DEFAULT_CURRENCY, Parameters, Rule
from crm_shared.errors import CrmError

#: The parameter that names the currency of a rule's amounts.
CURRENCY = "movement.currency"

_IN_FORCE = """
select distinct on (code) code, version, parameters
from alerting.rules
where legal_entity is null and effective_from <= now()
order by code, version desc
"""


class RulesetError(CrmError):
    """The table of rules holds something this program cannot work by."""

    code = "ruleset"


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """A rule with the version and parameters that hold now."""

    rule: Rule
    version: int
    parameters: Parameters


@dataclass(frozen=True)
class Ruleset:
    """All rules in force, apart by whether they need a window."""

    stateless: tuple[RuleInForce, ...]
    windowed: tuple[RuleInForce, ...]

    @property
    def rules(self) -> tuple[RuleInForce, ...]:
        """All of them."""
        return self.stateless + self.windowed

    @property
    def span(self) -> timedelta:
        """The longest window of any rule."""
        spans = (window_of(one.parameters) for one in self.windowed)
        return max(spans, default=timedelta(0))

    def parameters(self) -> dict[str, str]:
        """Value by parameter code; where two rules differ, the second is named after its rule."""
        values: dict[str, str] = {}
        for one in self.rules:
            for code, value in one.parameters.values.items():
                text = str(value)
                if values.setdefault(code, text) != text:
                    values[f"{code}@{one.rule.code}"] = text
        return values


def ruleset_of(rows: list[tuple[str, int, Mapping[str, Any]]]) -> Ruleset:
    """The rule set that these rows (code, version, parameters) say."""
    rules = [_rule_in_force(*row) for row in rows]
    return Ruleset(
        stateless=tuple(one for one in rules if not one.rule.windowed),
        windowed=tuple(one for one in rules if one.rule.windowed),
    )


def load(connection: psycopg.Connection) -> Ruleset:
    """Read the rules in force; `RulesetError` where a row is not understood."""
    return ruleset_of(connection.execute(_IN_FORCE).fetchall())


def _rule_in_force(code: str, version: int, stored: Mapping[str, Any]) -> RuleInForce:
    rule = RULES.get(code)
    if rule is None:
        raise RulesetError(
            f"alerting.rules names the rule {code}, which this version of the program does not "
            "have; remove the row or install the version that has it."
        )
    values = {name: _value(code, name, stored) for name in rule.parameter_codes}
    return RuleInForce(rule, version, Parameters(values, _currency(code, stored)))


def _currency(code: str, stored: Mapping[str, Any]) -> str:
    currency = stored.get(CURRENCY, DEFAULT_CURRENCY)
    if not isinstance(currency, str) or re.fullmatch("[A-Z]{3}", currency) is None:
        raise RulesetError(
            f"The rule {code} needs a currency like CNY for {CURRENCY} and alerting.rules has "
            f"{currency!r}; insert a corrected version."
        )
    return currency


def _value(code: str, name: str, stored: Mapping[str, Any]) -> Decimal:
    try:
        value = Decimal(str(stored[name]))
    except (KeyError, InvalidOperation):
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0 or (name == WINDOW_HOURS and value > 24 * 366):
        raise RulesetError(
            f"The rule {code} needs a positive number for {name} and alerting.rules has "
            f"{stored.get(name)!r}; insert a corrected version."
        )
    return value
