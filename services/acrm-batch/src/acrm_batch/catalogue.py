"""The catalogue as data: indicators, tags and parameters, and the SQL and dictionary made of it."""

import re
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from yaml import CSafeLoader

from crm_shared.errors import UsageError

#: The legal entity whose values hold where an entity has none of its own.
EVERYBODY = "*"

_PARAM_CODE = re.compile(r"param\(\s*'([a-z0-9_.]+)'")

#: How a value of a unit is written into JSON: money and shares as text with their exact decimals,
#: dates as text, counts as numbers.
_AS_TEXT = {"money", "ratio", "date", "code"}


@dataclass(frozen=True)
class Indicator:
    """One indicator: the column `code.lower()` of its family models, at each of its grains."""

    code: str
    family: str
    indicator_class: str
    name_zh: str
    name_en: str
    unit: str
    additive: bool
    grains: tuple[str, ...]
    formula: str
    owner: str
    version: int = 1

    @property
    def column(self) -> str:
        """The column that holds it."""
        return self.code.lower()


@dataclass(frozen=True)
class Tag:
    """One leaf tag: its path, the condition under which it holds, and what it speaks of."""

    path: str
    condition: str
    formula: str
    name_zh: str
    name_en: str
    owner: str
    version: int = 1

    @property
    def column(self) -> str:
        """The BOOLEAN column that holds it."""
        return "tag_" + self.path.lower().replace("/", "_")


@dataclass(frozen=True)
class ParameterValue:
    """A value of a parameter for a legal entity, from a date on."""

    code: str
    legal_entity_id: str
    effective_from: date
    value: int | Decimal


class Catalogue:
    """Everything the catalogue files say."""

    def __init__(
        self,
        indicators: tuple[Indicator, ...],
        tags: tuple[Tag, ...],
        parameters: tuple[ParameterValue, ...],
    ) -> None:
        self.indicators = indicators
        self.tags = tags
        self.parameters = parameters

    @classmethod
    def load(cls, folder: Path) -> "Catalogue":
        """Read the YAML files of a folder."""
        return cls(
            tuple(_indicators(_entries(folder / "indicators.yml"))),
            tuple(_tags(_entries(folder / "tags.yml"))),
            tuple(_parameters(_entries(folder / "params.yml"))),
        )

    def with_parameters(self, parameters: Iterable[ParameterValue]) -> "Catalogue":
        """The same catalogue with other values."""
        other = copy(self)
        other.parameters = tuple(parameters)
        return other

    @cached_property
    def parameter_codes(self) -> frozenset[str]:
        """Every parameter that has a value at some date."""
        return frozenset(value.code for value in self.parameters)

    def in_force(self, business_date: date) -> list[ParameterValue]:
        """The value of every parameter and legal entity on a date."""
        latest: dict[tuple[str, str], ParameterValue] = {}
        for value in sorted(self.parameters, key=lambda value: value.effective_from):
            if value.effective_from <= business_date:
                latest[value.code, value.legal_entity_id] = value
        return [latest[key] for key in sorted(latest)]

    def union_wide(self, code: str, business_date: date) -> int | Decimal:
        """The value that holds for the whole union; `UsageError` where the date has none."""
        for value in self.in_force(business_date):
            if value.code == code and value.legal_entity_id == EVERYBODY:
                return value.value
        raise UsageError(
            f"Parameter {code} has no value on {business_date}; add one to catalogue/params.yml."
        )

    def at_grain(self, grain: str) -> list[Indicator]:
        """The indicators published at a grain."""
        return [one for one in self.indicators if grain in one.grains]

    def tags_sql(self, sql: str) -> str:
        """The author's query with one BOOLEAN column per leaf tag."""
        leaves = ",\n    ".join(
            f"coalesce({tag.condition}, false) as {tag.column}" for tag in self.tags
        )
        return f"select base.*,\n    {leaves}\nfrom (\n{sql}\n) as base"

    def packed_sql(self, sql: str, pack: str, key: tuple[str, ...]) -> str:
        """The author's query with its indicator columns as one column of JSON text, empty ones left
        out, or its tag columns as one list of paths."""
        if pack == "tags":
            cases = ", ".join(f"case when {t.column} then '{t.path}' end" for t in self.tags)
            packed = f"list_filter([{cases}], lambda path: path is not null) as tags"
            dropped = ", ".join(tag.column for tag in self.tags)
        else:
            indicators = self.at_grain(pack)
            pairs = ", ".join(
                f"'{one.code}': "
                + (f"cast({one.column} as varchar)" if one.unit in _AS_TEXT else one.column)
                for one in indicators
            )
            packed = f"filled_json({{{pairs}}}) as indicators"
            dropped = ", ".join(one.column for one in indicators)
        return f"select base.* exclude ({dropped}),\n    {packed}\nfrom (\n{sql}\n) as base"

    def dictionary(self, inputs: dict[str, list[str]]) -> list[dict[str, Any]]:
        """The rows of `acrm.dictionary`; `inputs` names the landing tables behind each model."""
        rows = [
            {
                "code": one.code, "kind": "indicator", "class": one.indicator_class,
                "grain": ",".join(one.grains), "name_zh": one.name_zh, "name_en": one.name_en,
                "formula": one.formula, "unit": one.unit, "additive": one.additive,
                "owner": one.owner, "model": one.family, "version": one.version,
                "inputs": inputs.get(one.family, []),
            }
            for one in self.indicators
        ]  # fmt: skip
        rows += [
            {
                "code": tag.path, "kind": "tag", "class": tag.path.split("/")[0],
                "grain": "customer", "name_zh": tag.name_zh, "name_en": tag.name_en,
                "formula": tag.formula, "unit": None, "additive": False, "owner": tag.owner,
                "model": "tag_customers", "version": tag.version,
                "inputs": inputs.get("tag_customers", []),
            }
            for tag in self.tags
        ]  # fmt: skip
        return rows


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), CSafeLoader)
    except (OSError, yaml.YAMLError) as error:
        raise UsageError(f"{path.name} of the catalogue cannot be read: {error}.") from None
    if not isinstance(found, list):
        raise UsageError(f"{path.name} of the catalogue must be a list of entries.")
    return found


def _indicators(entries: Iterable[dict[str, Any]]) -> Iterable[Indicator]:
    for entry in entries:
        for days in entry.get("windows", [None]):

            def fill(text: str, days: int | None = days) -> str:
                return text.replace("{days}", str(days))

            yield Indicator(
                code=fill(entry["code"]),
                family=entry["family"],
                indicator_class=entry["class"],
                name_zh=fill(entry["name"]["zh"]),
                name_en=fill(entry["name"]["en"]),
                unit=entry["unit"],
                additive=entry["additive"],
                grains=tuple(entry["grains"]),
                formula=fill(entry["formula"]),
                owner=entry["owner"],
                version=entry.get("version", 1),
            )


def _tags(entries: Iterable[dict[str, Any]]) -> Iterable[Tag]:
    """Leaf tags; of a `single` entry the first rule that holds wins, and `else` takes the rest."""
    for entry in entries:
        rules = entry.get("rules", [{"when": entry.get("when")}])
        earlier: list[str] = []
        for rule in [*rules, *([entry["else"]] if "else" in entry else [])]:
            condition = " and ".join(
                [f"({rule['when']})"] if "when" in rule else ["true"]
            ) + "".join(f" and not coalesce({other}, false)" for other in earlier)
            if entry.get("mode") == "single" and "when" in rule:
                earlier.append(f"({rule['when']})")
            name = rule.get("name", entry.get("name"))
            yield Tag(
                path=entry["path"] + (f"/{rule['value']}" if "value" in rule else ""),
                condition=condition,
                formula=rule.get("when", "none of the others"),
                name_zh=name["zh"],
                name_en=name["en"],
                owner=entry["owner"],
                version=entry.get("version", 1),
            )


def _parameters(entries: Iterable[dict[str, Any]]) -> Iterable[ParameterValue]:
    for entry in entries:
        for value in entry["values"]:
            number = Decimal(str(value["value"]))
            yield ParameterValue(
                code=entry["code"],
                legal_entity_id=value.get("legal_entity", EVERYBODY),
                effective_from=value["effective_from"],
                value=int(number) if entry["type"] == "integer" else number,
            )
