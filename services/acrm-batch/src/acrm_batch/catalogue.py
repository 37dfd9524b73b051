"""The catalogue as data: indicators, tags and parameters, and the SQL and dictionary made of it.

An indicator is an aggregate of measures. Its family, the model `ind_<family>`, has the measures at
one base grain, and the same aggregate gives the indicator at every coarser one (see `rollups`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from acrm_batch.model import Reference
from acrm_batch.rule_words import Vocabulary, Words
from acrm_batch.scoring.card import Card
from acrm_batch.scoring.lifetime_card import LifetimeCard
from acrm_batch.service_standards import ServiceStandard
from crm_shared.errors import UsageError

#: The legal entity whose values hold where an entity has none of its own.
EVERYBODY = "*"

#: Where a value without a date holds from: on every date.
ALWAYS = date(1900, 1, 1)

#: Grains from fine to coarse.
GRAINS = ("customer_branch", "customer", "manager", "branch", "legal_entity", "union")
ORGANISATIONS = ("branch", "legal_entity", "union")

#: SQL type of a unit, and whether its values go into JSON as text, which keeps decimals exact.
UNITS = {
    "money": ("decimal(18,2)", True),
    "count": ("bigint", False),
    "days": ("bigint", False),
    "day_of_month": ("bigint", False),
    "ratio": ("decimal(9,4)", True),
    "hours": ("decimal(9,4)", True),
    "date": ("date", True),
    "code": ("varchar", True),
}

_AGGREGATE = re.compile(r"\b(sum|max|min)\(\s*([a-z0-9_]+)\s*\)")
_SUM = re.compile(r"\bsum\(\s*([a-z0-9_]+)\s*\)")


def of_one_row(sql: str) -> str:
    """An aggregate over a single row, where it is the measure itself."""
    return _AGGREGATE.sub(r"\2", sql)


def part_of(function: str, measure: str) -> str:
    """The column with an aggregate of some of the rows."""
    return f"{function}_{measure}"


def of_parts(sql: str) -> str:
    """An aggregate of the aggregates of parts: a sum of sums, the largest of the largest."""
    return _AGGREGATE.sub(lambda found: f"{found[1]}({part_of(found[1], found[2])})", sql)


def as_it_was(sql: str, ending: str) -> str:
    """An aggregate of sums on a reference day: each less its change against that day."""
    return _SUM.sub(lambda found: f"({found[0]} - sum({changed(found[1], ending)}))", sql)


def changed(measure: str, ending: str) -> str:
    """The column with the change of a measure."""
    return f"{measure.removesuffix('_bal')}_{ending.lower()}"


@dataclass(frozen=True)
class Indicator:
    """One indicator: an aggregate of its family's measures, in a column called like its code.

    With `counts` it is the number of customers for whom that condition on aggregates holds, less
    those for whom `counted_before` held. At the grains of `elsewhere` another family has it,
    because it does not follow from its parts. A `change_of` says which measure is compared with
    which reference day; `beside` are measures of today that a change of a ratio or count needs too.
    What is `compared` is what an organisation has of that indicator less what it had on that day.
    """

    code: str
    family: str
    indicator_class: str
    name_zh: str
    name_en: str
    unit: str
    grains: tuple[str, ...]
    formula_zh: str
    formula_en: str
    owner: str
    sql: str = ""
    counts: str = ""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    counted_before: str = ""
    change_of: tuple[str, str] | None = None
    beside: frozenset[str] = frozenset()
    compared: "tuple[Indicator, Reference] | None" = None
    version: int = 1

    @property
    def column(self) -> str:
        """The column that holds it."""
        return self.code.lower()

    @property
    def model(self) -> str:
        """The model that has its measures."""
        return f"ind_{self.family}"

    @property
    def is_score(self) -> bool:
        """Whether a model of `docs/models.md` has it, which reads what the mart says."""
        return self.family == "scores"

    @property
    def additive(self) -> bool:
        """Whether values of parts add up to the value of the whole."""
        is_sum = re.fullmatch(r"sum\(\s*[a-z0-9_]+\s*\)", self.sql) is not None
        return is_sum and self.compared is None

    @property
    def has_zero(self) -> bool:
        """Whether nothing is 0 rather than unknown, as a quotient by what may be nothing is, like
        the cost of each of no sales. Lint holds such a quotient to `nullif`."""
        is_quotient = "nullif(" in self.sql
        return self.unit in ("money", "count") and self.compared is None and not is_quotient

    @property
    def aggregates(self) -> list[tuple[str, str]]:
        """The functions and measures that it is made of."""
        return _AGGREGATE.findall(f"{self.sql or self.counts} {self.counted_before}")

    @property
    def measures(self) -> frozenset[str]:
        """The columns of the family's model that it aggregates."""
        return frozenset(measure for _, measure in self.aggregates)

    @property
    def expression(self) -> str:
        """The SQL over its measures, which its formula says in words."""
        if self.compared:
            one, reference = self.compared
            return f"{one.column} - {one.model}_orgs_{reference}.{one.column}"
        if not self.counts:
            return self.sql
        counted = [f"count(*) filter (where {one})" for one in (self.counts, self.counted_before)
                   if one]  # fmt: skip
        return " - ".join(counted)

    @property
    def row_sql(self) -> str:
        """Its value of a single row of measures, where an aggregate is the measure itself."""
        return of_one_row(self.sql or self.counts)


@dataclass(frozen=True)
class Tag:
    """One leaf tag: its path, the condition under which it holds, and what it speaks of.

    The condition is its `rule`, and that none of the entry's rules above it holds where one alone
    may. `file` of `catalogue/tags` has it.
    """

    path: str
    condition: str
    rule: str
    formula_zh: str
    formula_en: str
    name_zh: str
    name_en: str
    owner: str
    strength: str = ""
    version: int = 1
    file: str = ""

    @property
    def column(self) -> str:
        """The BOOLEAN column that holds it."""
        return "tag_" + self.path.lower().replace("/", "_")

    @property
    def expression(self) -> str:
        """The SQL of its rule and strength, which its formula says in words."""
        return f"{self.rule}; strength: {self.strength}" if self.strength else self.rule

    @property
    def strength_column(self) -> str:
        """The column of its strength, 0 to 100, empty where the tag does not hold."""
        return "strength_" + self.path.lower().replace("/", "_")


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
        standards: tuple[ServiceStandard, ...] = (),
        *,
        cards: tuple[Card, ...] = (),
        lifetime: LifetimeCard | None = None,
        why_union_wide: Mapping[str, str] | None = None,
        parameter_names: Mapping[str, Words] | None = None,
        level_names: Mapping[str, Words] | None = None,
        words: Vocabulary | None = None,
    ) -> None:
        #: What columns, codes and parameters are called in rules.
        self.words = words or Vocabulary({})
        #: What parameters, and levels between the families of tags and their leaves, are called.
        self.parameter_names = parameter_names or {}
        self.level_names = level_names or {}
        #: Of the parameters that no legal entity may set for itself, the reason.
        self.why_union_wide = why_union_wide or {}
        self.cards = cards
        self.lifetime = lifetime
        self.indicators = indicators
        self.tags = tags
        self.parameters = parameters
        self._in_force: dict[date, tuple[ParameterValue, ...]] = {}
        self.standards = standards

    def with_parameters(self, parameters: Iterable[ParameterValue]) -> "Catalogue":
        """The same catalogue with other values."""
        return Catalogue(
            self.indicators, self.tags, tuple(parameters), self.standards,
            cards=self.cards, lifetime=self.lifetime, why_union_wide=self.why_union_wide,
            parameter_names=self.parameter_names, level_names=self.level_names, words=self.words,
        )  # fmt: skip

    @cached_property
    def levels(self) -> Mapping[str, list[Tag]]:
        """The levels between the families of tags and their leaves, each with its leaves."""
        found: dict[str, list[Tag]] = {}
        for tag in self.tags:
            if tag.path.count("/") == 2:
                found.setdefault(tag.path.rpartition("/")[0], []).append(tag)
        return found

    @cached_property
    def parameter_codes(self) -> frozenset[str]:
        """Every parameter that has a value at some date."""
        return frozenset(value.code for value in self.parameters)

    def in_force(self, business_date: date) -> tuple[ParameterValue, ...]:
        """The value of every parameter and legal entity on a date."""
        # Every step asks several times, and a backfill for many dates.
        if business_date not in self._in_force:
            latest: dict[tuple[str, str], ParameterValue] = {}
            for value in sorted(self.parameters, key=lambda value: value.effective_from):
                if value.effective_from <= business_date:
                    latest[value.code, value.legal_entity_id] = value
            self._in_force[business_date] = tuple(latest[key] for key in sorted(latest))
        return self._in_force[business_date]

    def union_wide(self, code: str, business_date: date, needed_by: str) -> int | Decimal:
        """The value that holds for the whole union, and for entities without one of their own.

        `UsageError` where the date has none, with the model or command that it is needed by.
        """
        in_force = {
            value.legal_entity_id: value.value
            for value in self.in_force(business_date)
            if value.code == code
        }
        if EVERYBODY in in_force:
            return in_force[EVERYBODY]
        alone = f" but that of legal entity {', '.join(in_force)}" if in_force else ""
        later = [value.effective_from for value in self.parameters if value.code == code]
        first = "" if in_force or not later else f" (its first holds from {min(later)} on)"
        raise UsageError(
            f"Parameter {code} has no value on {business_date}{alone}{first}, and {needed_by} needs"
            f" one for the whole union; add one with effective_from {business_date} or before to"
            " catalogue/params, or to the bank's own file."
        )

    def longest(self, code: str, business_date: date, needed_by: str) -> int:
        """The days of the legal entity that has most, for a parameter that says how many are read.

        `UsageError` as `union_wide`.
        """
        everybody = self.union_wide(code, business_date, needed_by)
        own = [one.value for one in self.in_force(business_date) if one.code == code]
        return int(max(everybody, *own))

    def at_grain(self, grain: str) -> list[Indicator]:
        """The indicators published at a grain; `branch` stands for every organisation unit."""
        grains = set(ORGANISATIONS) if grain == "branch" else {grain}
        return [one for one in self.indicators if grains & set(one.grains)]

    def tags_sql(self, sql: str) -> str:
        """The author's query with one BOOLEAN column per leaf tag, and the strengths of some.

        Conditions speak of the indicators of the mart; they stay there, and are not kept twice.
        """
        left = ", ".join(one.column for one in self.at_grain("customer") if not one.is_score)
        leaves = ",\n    ".join(
            f"coalesce({tag.condition}, false) as {tag.column}" for tag in self.tags
        )
        leaves += "".join(
            f",\n    case when {tag.condition} then {tag.strength} end as {tag.strength_column}"
            for tag in self.tags
            if tag.strength
        )
        return f"select base.* exclude ({left}),\n    {leaves}\nfrom (\n{sql}\n) as base"

    def strengths_sql(self, sql: str, columns: Sequence[str]) -> str:
        """These columns of the author's query over customers with tags, once per tag that holds
        and has a strength."""
        held = "\nunion all\n".join(
            f"select {', '.join(columns)}, '{tag.path}' as path,"
            f" {tag.strength_column} as strength\nfrom base\nwhere {tag.column}"
            for tag in self.tags
            if tag.strength
        )
        return f"with base as (\n{sql}\n)\n\n{held}"

    def packed_sql(self, sql: str, pack: str, columns: Sequence[str]) -> str:
        """These columns of the author's query, and its indicators of a grain as JSON text,
        what is empty or 0 left out, or its tags as one list of paths."""
        if pack == "tags":
            cases = ", ".join(f"case when {t.column} then '{t.path}' end" for t in self.tags)
            packed = f"list_filter([{cases}], lambda path: path is not null) as tags"
        else:
            members = ", ".join(_json_member(one) for one in self.at_grain(pack))
            packed = f"'{{' || concat_ws(',', {members}) || '}}' as indicators"
        return f"select {', '.join(columns)},\n    {packed}\nfrom (\n{sql}\n) as base"

    def dictionary(self, inputs: dict[str, list[str]]) -> list[dict[str, Any]]:
        """The rows of `acrm.dictionary`; `inputs` has the landing columns behind each code."""
        rows = [
            {
                "code": one.code, "kind": "indicator", "class": one.indicator_class,
                "grain": ",".join(one.grains), "name_zh": one.name_zh, "name_en": one.name_en,
                "formula_zh": one.formula_zh, "formula_en": one.formula_en,
                "expression": one.expression, "unit": one.unit, "additive": one.additive,
                "owner": one.owner, "model": one.model, "version": one.version,
                "inputs": inputs.get(one.code, []),
            }
            for one in self.indicators
        ]  # fmt: skip
        rows += [
            {
                "code": tag.path, "kind": "tag", "class": tag.path.split("/")[0],
                "grain": "customer", "name_zh": tag.name_zh, "name_en": tag.name_en,
                "formula_zh": tag.formula_zh, "formula_en": tag.formula_en,
                "expression": tag.expression, "unit": None, "additive": False, "owner": tag.owner,
                "model": "tag_customers", "version": tag.version,
                "inputs": inputs.get(tag.path, []),
            }
            for tag in self.tags
        ]  # fmt: skip
        return rows


def _json_member(one: Indicator) -> str:
    """SQL for `"CODE":value`, or null where there is nothing to say. Figures are written text by
    text, twice as fast as a document by an engine's JSON functions; words may need escaping."""
    if one.unit == "code":
        return f"nullif(trim(filled_json({{'{one.code}': {one.column}}}), '{{}}'), '')"
    value = f"nullif({one.column}, 0)" if one.has_zero else one.column
    text, is_text = f"cast({value} as varchar)", UNITS[one.unit][1]
    return f"""'"{one.code}":"' || {text} || '"'""" if is_text else f"""'"{one.code}":' || {text}"""
