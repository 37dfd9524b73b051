"""How people write and read what a legal entity or a tier has for itself: `CODE@ENTITY/TIER=VALUE`.

`movement.individual_min_amount@B` is of legal entity B, `…@B/gold` of its gold customers, `…@/gold`
of those of every legal entity.
"""

from collections.abc import Mapping
from typing import Any

from alerting import parameters
from alerting.parameters import LEGAL_ENTITY, OVERRIDES, TIER, ParametersRefusedError
from alerting.rules import RULES
from alerting.rules.protocol import Scope


def flat(stored: Mapping[str, Any]) -> dict[str, str]:
    """Every value of a version by its name, those of everybody first."""
    values = {name: str(value) for name, value in stored.items() if name != OVERRIDES}
    for one in stored.get(OVERRIDES, ()):
        scope = Scope(one.get(LEGAL_ENTITY), one.get(TIER))
        values |= {f"{name}@{scope}": str(value) for name, value in one["parameters"].items()}
    return values


def changed(code: str, stored: Mapping[str, Any], changes: Mapping[str, str]) -> dict[str, Any]:
    """What is stored with these changes by name; one of a scope goes where its value is empty."""
    everybody = {name: value for name, value in stored.items() if name != OVERRIDES}
    scoped: dict[Scope, dict[str, Any]] = {
        Scope(one.get(LEGAL_ENTITY), one.get(TIER)): dict(one["parameters"])
        for one in stored.get(OVERRIDES, ())
    }
    for written, value in changes.items():
        name, at, said = written.partition("@")
        if not at:
            everybody[name] = value
            continue
        values = scoped.setdefault(_scope(code, name, said), {})
        if value:
            values[name] = value
        elif values.pop(name, None) is None:
            raise ParametersRefusedError(
                f"{code} has no {written}, so there is nothing to take away; `alerting rules show "
                f"{code}` lists what it has."
            )
    kept = [
        {name: it for name, it in ((LEGAL_ENTITY, scope.legal_entity), (TIER, scope.tier)) if it}
        | {"parameters": values}
        for scope, values in scoped.items()
        if values
    ]
    return everybody | ({OVERRIDES: kept} if kept else {})


def _scope(code: str, name: str, said: str) -> Scope:
    entity, _, tier = said.partition("/")
    if not entity and not tier:
        raise ParametersRefusedError(
            f"{name}@{said} names nobody: write {name}@ENTITY, {name}@ENTITY/TIER or {name}@/TIER."
        )
    if code in RULES and name in set(parameters.names(code)) - set(RULES[code].parameter_codes):
        raise ParametersRefusedError(f"{name} of {code} is the same for everybody: leave out @.")
    return Scope(entity or None, tier or None)
