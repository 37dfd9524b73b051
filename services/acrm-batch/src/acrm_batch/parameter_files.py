"""A file of parameters: the values of a bank, or of a rehearsal, in place of the catalogue's."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from yaml import CSafeLoader

from acrm_batch.catalogue import ALWAYS, EVERYBODY, ParameterValue
from acrm_batch.project import Project
from crm_shared.errors import UsageError

#: Of a count of days or month ends, none is none at all.
_AT_LEAST_ONE = {"coverage.averaging_days", "coverage.hysteresis_month_ends"}

#: Decimal places that the engines keep of a parameter, and the fewer that `ind_contribution` keeps.
_PLACES = 4
_FEWER_PLACES = {
    "contribution.pd_normal_pct": 2,
    "contribution.pd_special_mention_pct": 2,
    "contribution.pd_default_pct": 2,
    "contribution.lgd_pct": 2,
}


def replaced(
    project: Project, file: Path, known: Collection[str] | None = None
) -> list[ParameterValue]:
    """The parameters of a project, those that the file names with the file's values alone.

    The file has entries as `catalogue/params` has them; names and types are the catalogue's.
    """
    entries = _entries(file)
    codes = {str(entry["code"]) for entry in entries}
    values = [one for one in project.catalogue.parameters if one.code not in codes]
    for entry in entries:
        code = str(entry["code"])
        for dated in entry["values"]:
            start, entity = dated.get("effective_from", ALWAYS), dated.get("legal_entity")
            if not isinstance(start, date):
                raise UsageError(f"{start!r} of {code} is not a date; write it like 2026-06-30.")
            whose = str(entity or EVERYBODY)
            values.append(value_of(project, code, dated["value"], start, known=known, entity=whose))
    return values


def value_of(
    project: Project,
    code: str,
    text: object,
    start: date,
    *,
    entity: str = EVERYBODY,
    known: Collection[str] | None = None,
) -> ParameterValue:
    """A value of a parameter; `UsageError` where it has no such code, type or legal entity."""
    codes = project.catalogue.parameter_codes if known is None else known
    if code not in codes:
        raise UsageError(
            f"Parameter {code} decides nothing here; try one of {', '.join(sorted(codes))}."
        )
    integers = {v.code for v in project.catalogue.parameters if isinstance(v.value, int)}
    why = project.catalogue.why_union_wide.get(code)
    if entity != EVERYBODY and why:
        raise UsageError(
            f"One value of {code} holds for the whole union; take legal entity {entity} out. {why}"
        )
    return ParameterValue(code, entity, start, _number(code, text, is_integer=code in integers))


def _number(code: str, text: object, *, is_integer: bool) -> int | Decimal:
    least = 1 if code in _AT_LEAST_ONE else 0
    try:
        number = Decimal(str(text))
        wrong = not number.is_finite() or number < least or (is_integer and number % 1 != 0)
    except InvalidOperation:
        wrong = True
    if wrong:
        kind = "a whole number" if is_integer else "a number"
        raise UsageError(f"{text!r} is no value of {code}; give {kind} of {least} or more.")
    places = _FEWER_PLACES.get(code, _PLACES)
    # Trailing zeros say nothing, so they count as no places.
    if -int(number.normalize().as_tuple().exponent) > places:
        raise UsageError(
            f"{text!r} has too many decimal places for {code}, of which {places} are kept; round"
            " it."
        )
    return int(number) if is_integer else number


def _entries(file: Path) -> list[Mapping[str, Any]]:
    try:
        found = yaml.load(file.read_text(encoding="utf-8"), CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{file} cannot be read as YAML ({str(error).splitlines()[0]}).") from None
    entries = found if isinstance(found, list) else [found]
    for entry in entries:
        dated = entry.get("values") if isinstance(entry, dict) and "code" in entry else None
        if not isinstance(dated, list) or not all(
            isinstance(one, dict) and "value" in one for one in dated
        ):
            raise UsageError(
                f"{file} must be a list of entries like `- {{code: coverage.hysteresis_pct, values:"
                " [{effective_from: 2026-01-01, value: 20}]}`."
            )
    return entries
