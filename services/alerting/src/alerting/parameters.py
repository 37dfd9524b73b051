"""What can be set about a rule: names, types and bounds, from which its JSON Schema is made."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from alerting.rules import RULES
from alerting.rules.arrears import ARREARS
from alerting.rules.card_overdue import CARD_OVERDUE
from alerting.rules.frequent_transfers_out import MIN_COUNT, WINDOW_HOURS
from alerting.rules.large_card_spend import MIN_AMOUNT
from alerting.rules.large_movement import BUSINESS, INDIVIDUAL
from alerting.rules.lobby_arrival import LOBBY_ARRIVAL
from alerting.rules.overdue import OVERDUE
from alerting.rules.protocol import DEFAULT_CURRENCY, MAX_PER_HOUR, Parameters, Rule
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
        Decimal, Field(gt=0, le=24 * 366, description="Hours of the window 窗口小时数")
    ],
}
_AMOUNTS = {INDIVIDUAL, BUSINESS, MIN_AMOUNT}
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
    model: type[BaseModel] = create_model(
        rule.code, __config__=ConfigDict(extra="forbid", frozen=True), **fields
    )
    return model


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
        values = _MODELS[code].model_validate(stored).model_dump(by_alias=True)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_context=False)
        )
        raise ParametersRefusedError(
            f"The rule {code} does not take these parameters ({problems}); "
            f"`alerting rules schema {code}` says what it takes."
        ) from error
    most = int(values.pop(STORM))
    currency = str(values.pop(CURRENCY, DEFAULT_CURRENCY))
    return Parameters({name: _plain(name, value) for name, value in values.items()}, currency, most)


def _plain(name: str, value: Any) -> Decimal:
    """The value as reminders tell it: 8e5 is 800000.00, and 2.4e1 hours are 24."""
    number = Decimal(value)
    return number.quantize(CENT) if name in _AMOUNTS else Decimal(f"{number:f}")
