"""What can be set about a rule: names, types and bounds, from which its JSON Schema is made.

Values that a legal entity or a tier has for itself are `overrides`, a part of the same document.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from types import NoneType
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from alerting.rules import RULES
from alerting.rules.arrears import ARREARS
from alerting.rules.card_overdue import CARD_OVERDUE
from alerting.rules.frequent_transfers_out import MIN_COUNT, WINDOW_HOURS
from alerting.rules.large_card_spend import MIN_AMOUNT
from alerting.rules.large_movement import BUSINESS, INDIVIDUAL
from alerting.rules.lobby_arrival import LOBBY_ARRIVAL
from alerting.rules.overdue import OVERDUE
from alerting.rules.protocol import (
    DEFAULT_CURRENCY,
    MAX_PER_HOUR,
    Override,
    Parameters,
    Rule,
    Scope,
)
from crm_shared import plain
from crm_shared.errors import CrmError
from crm_shared.money import CENT

#: The parameter that names the currency of a rule's amounts.
CURRENCY = "movement.currency"

#: How many reminders in an hour are no storm yet. Lobbies of a large bank are busy by nature, and
#: what falls due falls due together, on the days of interest, instalments and statements.
STORM = "storm.max_per_hour"
_MOST = {one.code: 10 * MAX_PER_HOUR for one in (ARREARS, OVERDUE, CARD_OVERDUE, LOBBY_ARRIVAL)}

_Amount = Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=2)]

#: Type and bounds by parameter code; docs/rules.md has the defaults.
_TYPES: dict[str, Any] = {
    INDIVIDUAL: Annotated[_Amount, Field(description="Least amount, individuals 个人起点金额")],
    BUSINESS: Annotated[_Amount, Field(description="Least amount, businesses 企业起点金额")],
    MIN_AMOUNT: Annotated[_Amount, Field(description="Least amount 起点金额")],
    MIN_COUNT: Annotated[
        int, Field(ge=1, le=10_000, description="Transfers in the window 窗口内笔数")
    ],
    WINDOW_HOURS: Annotated[
        Decimal,
        Field(
            gt=0,
            le=24 * 366,
            description="Hours of the window, not by tier 窗口小时数，不分客户分层",
        ),
    ],
}
_AMOUNTS = {INDIVIDUAL, BUSINESS, MIN_AMOUNT}

#: The more of these, the more a rule says; of all others, the less.
_WIDENING = {WINDOW_HOURS}

#: What the texts of reminders tell, beside the threshold, which is left out where a tier decided
#: it. Whoever saw one of a tier's would know the tier, so a tier has none of these.
_TOLD = {WINDOW_HOURS}

#: Values of legal entities and tiers, and the two names of a scope.
OVERRIDES = "overrides"
LEGAL_ENTITY, TIER = "legal_entity", "tier"
_MOST_OVERRIDES = 1_000
_Name = Annotated[str, Field(pattern=r"^[^\s/@=]{1,64}$")]
_Most = Annotated[
    int, Field(ge=1, le=10**9, description="More reminders in an hour are a storm 每小时上限")
]
_Currency = Annotated[
    str, Field(pattern="^[A-Z]{3}$", description="Amounts in others are not judged 币种")
]


class ParametersRefusedError(CrmError):
    """Parameters that the rule does not take."""

    code = "parameters_refused"


def _model(rule: Rule) -> type[BaseModel]:
    fields: dict[str, Any] = {
        code.replace(".", "_"): (Annotated[_TYPES[code], Field(alias=code)], ...)
        for code in rule.parameter_codes
    }
    most = _MOST.get(rule.code, MAX_PER_HOUR)
    fields["max_per_hour"] = (Annotated[_Most, Field(alias=STORM)], most)
    if _AMOUNTS & set(rule.parameter_codes):
        fields["currency"] = (Annotated[_Currency, Field(alias=CURRENCY)], DEFAULT_CURRENCY)
    if rule.parameter_codes:
        fields[OVERRIDES] = (
            Annotated[
                list[_override_model(rule)],  # type: ignore[misc]  # made at run time
                Field(alias=OVERRIDES, max_length=_MOST_OVERRIDES),
                AfterValidator(_each_once),
                AfterValidator(_none_tells_a_tier),
            ],
            [],
        )
    return _strict(rule.code, fields)


def _override_model(rule: Rule) -> type[BaseModel]:
    values: dict[str, Any] = {
        code.replace(".", "_"): (Annotated[_TYPES[code], Field(alias=code)], _may_be_left_out())
        for code in rule.parameter_codes
    }
    return _strict(
        f"{rule.code} override",
        {
            LEGAL_ENTITY: (
                Annotated[_Name, Field(description="Of its branches 法人编号")],
                _may_be_left_out(),
            ),
            TIER: (
                Annotated[_Name, Field(description="Of these customers 客户分层")],
                _may_be_left_out(),
            ),
            "parameters": (_strict(f"{rule.code} values", values, minProperties=1), ...),
        },
        anyOf=[{"required": [LEGAL_ENTITY]}, {"required": [TIER]}],
    )


def _may_be_left_out() -> Any:
    """Without a default that the schema would tell, for null is no value."""
    return Field(default_factory=NoneType)


def _strict(name: str, fields: dict[str, Any], **more: Any) -> type[BaseModel]:
    model: type[BaseModel] = create_model(
        name, __config__=ConfigDict(extra="forbid", frozen=True, json_schema_extra=more), **fields
    )
    return model


def _each_once(overrides: list[Any]) -> list[Any]:
    """Refuse two overrides of one scope, one of no scope, and one that says nothing."""
    scopes = Counter(Scope(one.legal_entity, one.tier) for one in overrides)
    for scope, times in scopes.items():
        if not any(scope):
            raise ValueError("an override names a legal_entity, a tier, or both")
        if times > 1:
            raise ValueError(f"{scope} has two overrides; put their parameters into one")
    if not all(one.parameters.model_fields_set for one in overrides):
        raise ValueError("an override has at least one parameter")
    return overrides


def _none_tells_a_tier(overrides: list[Any]) -> list[Any]:
    """Refuse values of a tier by which its reminders could be known."""
    for one in overrides:
        given = one.parameters.model_dump(by_alias=True, exclude_unset=True)
        if one.tier and (told := _TOLD & given.keys()):
            name = min(told)
            raise ValueError(
                f"{name} is in the text of reminders, so whoever sees one would know the "
                f"customer's tier; give it to everybody or to a legal entity ({name}@ENTITY)"
            )
    return overrides


_MODELS = {code: _model(rule) for code, rule in RULES.items()}


def names(code: str) -> list[str]:
    """The parameters of a rule."""
    return [str(field.alias) for field in _MODELS[code].model_fields.values()]


def schema(code: str) -> dict[str, Any]:
    """The JSON Schema of a rule's parameters."""
    return _MODELS[code].model_json_schema(by_alias=True)


def parse(code: str, stored: Mapping[str, Any]) -> Parameters:
    """The parameters of a rule; `ParametersRefusedError` names what it does not take and why."""
    try:
        model = _MODELS[code].model_validate(stored)
    except ValidationError as error:
        problems = "; ".join(
            f"{_written(problem['loc'], stored)}: {plain.fault(problem)}"
            for problem in error.errors(include_url=False)
        )
        raise ParametersRefusedError(
            f"The rule {code} does not take these parameters ({problems}); "
            f"`alerting rules schema {code}` says what it takes."
        ) from error
    values = model.model_dump(by_alias=True, exclude={OVERRIDES})
    most = int(values.pop(STORM))
    currency = str(values.pop(CURRENCY, DEFAULT_CURRENCY))
    overrides = (
        Override(
            Scope(one.legal_entity, one.tier),
            _plain(one.parameters.model_dump(by_alias=True, exclude_unset=True)),
        )
        for one in getattr(model, OVERRIDES, ())
    )
    in_order = tuple(sorted(overrides, key=lambda one: _rank(one.scope)))
    return Parameters(_plain(values), currency, most, in_order)


def _written(place: tuple[int | str, ...], stored: Mapping[str, Any]) -> str:
    """The place of a problem as people write it (`alerting.overrides`)."""
    match place:
        case (str(part), int(number), "parameters", str(name)) if part == OVERRIDES:
            one = stored[OVERRIDES][number]
            tier = f"/{one[TIER]}" if one.get(TIER) else ""
            return f"{name}@{one.get(LEGAL_ENTITY) or ''}{tier}"
    return ".".join(str(part) for part in place)


def loosest(given: Parameters) -> Parameters:
    """Parameters by which a rule fires wherever it does by those of any scope."""
    if not given.overrides:
        return given
    values = {}
    for name, value in given.values.items():
        loosest_of: Callable[[Iterable[Decimal]], Decimal] = max if name in _WIDENING else min
        values[name] = loosest_of(
            [value, *(one.values[name] for one in given.overrides if name in one.values)]
        )
    return replace(given, values=values, overrides=())


def _rank(scope: Scope) -> tuple[bool, bool, str]:
    """A tier wins over a legal entity, and both together over either."""
    return scope.tier is not None, scope.legal_entity is not None, str(scope)


def _plain(values: Mapping[str, Any]) -> dict[str, Decimal]:
    """The values as reminders tell them: 8e5 is 800000.00, and 2.4e1 hours are 24."""
    numbers = {name: Decimal(value) for name, value in values.items()}
    return {
        name: number.quantize(CENT) if name in _AMOUNTS else Decimal(f"{number:f}")
        for name, number in numbers.items()
    }
