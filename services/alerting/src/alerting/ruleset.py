"""The rules in force: code, version and parameters, read from `alerting.rules`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from alerting import parameters
from alerting.parameters import ParametersRefusedError
from alerting.rules import RULES
from alerting.rules.protocol import Parameters, Rule, span_of
from crm_shared.errors import CrmError

_IN_FORCE = """
select distinct on (code) code, version, parameters
from alerting.rules
where effective_from <= now()
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

    @property
    def values(self) -> dict[str, str]:
        """Every value by parameter code, also defaults; those of a scope are named as
        `alerting.overrides` does."""
        named = {code: str(value) for code, value in self.parameters.values.items()}
        if parameters.CURRENCY in parameters.names(self.rule.code):
            named[parameters.CURRENCY] = self.parameters.currency
        named[parameters.STORM] = str(self.parameters.max_per_hour)
        for one in self.parameters.overrides:
            named |= {f"{code}@{one.scope}": str(value) for code, value in one.values.items()}
        return named


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
        spans = (span_of(one.rule, parameters.loosest(one.parameters)) for one in self.windowed)
        return max(spans, default=timedelta(0))

    def parameters(self) -> dict[str, str]:
        """Value by parameter code; where two rules differ, the second is named after its rule."""
        values: dict[str, str] = {}
        for one in self.rules:
            for code, text in one.values.items():
                if values.setdefault(code, text) != text:
                    values[f"{code}@{one.rule.code}"] = text
        return values


def ruleset_of(rows: list[tuple[str, int, Mapping[str, Any]]]) -> Ruleset:
    """The rule set that these rows (code, version, parameters) say."""
    rules = [_rule_in_force(*row) for row in rows]
    return Ruleset(
        stateless=tuple(one for one in rules if one.rule.window is None),
        windowed=tuple(one for one in rules if one.rule.window),
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
    known = {name: value for name, value in stored.items() if name in parameters.names(code)}
    try:
        return RuleInForce(rule, version, parameters.parse(code, known))
    except ParametersRefusedError as error:
        raise RulesetError(
            f"Version {version} of {code} in alerting.rules is not understood: {error} Draft and "
            "approve a corrected version."
        ) from error
