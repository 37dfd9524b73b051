"""The files of the catalogue: `indicators/*.yml`, `tags/*.yml`, `params/*.yml`, `words.yml`,
`tag_levels.yml` and `tiers.yml`.

A fault in a file is one sentence that names the file and the entry.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import yaml
from yaml import CSafeLoader

from acrm_batch.catalogue import (
    ALWAYS,
    EVERYBODY,
    GRAINS,
    UNITS,
    Catalogue,
    Indicator,
    ParameterValue,
    Tag,
    as_it_was,
)
from acrm_batch.model import Reference
from acrm_batch.rule_words import Vocabulary, Words
from acrm_batch.scoring.card import load_cards
from acrm_batch.scoring.entries import score_indicators
from acrm_batch.scoring.lifetime_card import load_lifetime
from acrm_batch.service_standards import ServiceStandard
from crm_shared.errors import UsageError

#: Names that stand for several grains.
GRAIN_SETS = {
    "everywhere": GRAINS,
    "customers": ("customer_branch", "customer"),
    "organisations": ("manager", "branch", "legal_entity", "union"),
}

#: Days that an indicator may be compared with, each with the ending of the code, its names, and
#: when it is.
REFERENCES: dict[Reference, tuple[str, str, str, str, str]] = {
    "day": ("CHG_D", "较昨日", "against yesterday", "上一日", "at the end of the day before"),
    "month": ("CHG_M", "较月初", "against month start", "上月末", "at the end of the month before"),
    "year": ("CHG_Y", "较年初", "against year start", "上年末", "at the end of the year before"),
    "last_year": (
        "CHG_LY", "较去年同日", "against last year", "去年同日", "on the same day of last year"
    ),
}  # fmt: skip

#: Codes of the tiers that `int_tiers` decides, from the highest on.
TIERS = ("gold", "profit", "general_grow", "general_standardise", "general_exit")

#: First levels of the paths of tags; POTENTIAL has the classes T01 to T06.
TAG_FAMILIES = ("BASIC", "ACTIVITY", "VALUE", "IN_BANK", "RISK", "MARKETING", "POTENTIAL")

_Entry = dict[str, Any]
_Parsed = TypeVar("_Parsed")
_Named = TypeVar("_Named", bound=str)


def load_catalogue(folder: Path) -> Catalogue:
    """Read the catalogue of a folder; `UsageError` names the file and entry at fault."""
    cards = load_cards(folder / "scores")
    parameters = list(_read(folder / "params", _with_reason))
    standards = _every_tier(tuple(_read_file(folder / "tiers.yml", _standards)))
    indicators = (*_read(folder / "indicators", _indicators), *score_indicators(cards))
    names = dict(_read(folder / "params", _named_parameter)) | _names_of_standards(standards)
    words = Vocabulary({
        **{one.column: (one.name_zh, one.name_en) for one in indicators},
        **dict(_read_file(folder / "words.yml", _named_columns)),
        **names,
    })  # fmt: skip
    return Catalogue(
        indicators,
        tuple(_tags_of(folder / "tags", words)),
        (*(one for values, _ in parameters for one in values), *_of_tiers(standards)),
        standards,
        cards=cards,
        why_union_wide=dict(why for _, reasons in parameters for why in reasons),
        parameter_names=names,
        words=words,
        level_names=dict(_read_file(folder / "tag_levels.yml", _named_level)),
        lifetime=load_lifetime(folder / "lifetime.yml"),
    )


def _read(folder: Path, parse: Callable[[_Entry], Iterator[_Parsed]]) -> Iterator[_Parsed]:
    """What every file of a folder says, in order of their names."""
    for path in sorted(folder.glob("*.yml")):
        yield from _read_file(path, parse)


def _read_file(path: Path, parse: Callable[[_Entry], Iterator[_Parsed]]) -> Iterator[_Parsed]:
    """What a file says; a fault names file and entry."""
    for entry in _entries(path):
        try:
            yield from parse(entry)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            name = entry.get("code") or entry.get("path") or entry.get("tier")
            raise UsageError(
                f"The entry {name} of {path.parent.name}/{path.name} is not as it should be:"
                f" {_fault(error)}."
            ) from None


def _fault(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def _entries(path: Path) -> list[_Entry]:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), CSafeLoader)
    except (OSError, yaml.YAMLError) as error:
        raise UsageError(f"{path.name} of the catalogue cannot be read: {error}.") from None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise UsageError(f"{path.name} of the catalogue must be a list of entries.")
    return found


_INDICATOR_KEYS = {"code", "family", "class", "name", "unit", "grains", "formula", "owner", "sql",
                   "counts", "elsewhere", "version", "for_each", "changes",
                   "organisation_changes"}  # fmt: skip


def _indicators(entry: _Entry) -> Iterator[Indicator]:
    """The indicators of an entry: one per combination of its `for_each`, and its changes."""
    _known(entry, _INDICATOR_KEYS)
    spread = entry.get("for_each", {})
    for values in itertools.product(*spread.values()):
        filled = dict(zip(spread, values, strict=True))
        # A value may have names, as in `for_each: {channel: {atm: {zh: …, en: …}}}`.
        labels = {
            language: {
                name: (spread[name][value][language] if isinstance(spread[name], dict) else value)
                for name, value in filled.items()
            }
            for language in ("zh", "en")
        }
        code = entry["code"].format(**{k: str(v).upper() for k, v in filled.items()})
        one = Indicator(
            code=code,
            family=entry["family"],
            indicator_class=entry["class"],
            name_zh=entry["name"]["zh"].format(**labels["zh"]),
            name_en=entry["name"]["en"].format(**labels["en"]),
            unit=_one_of(entry["unit"], UNITS, "unit"),
            grains=tuple(_grains(entry["grains"])),
            formula_zh=_line(entry["formula"]["zh"].format(**labels["zh"])),
            formula_en=_line(entry["formula"]["en"].format(**labels["en"])),
            owner=entry["owner"],
            sql=str(entry.get("sql", "")).format(**filled),
            counts=str(entry.get("counts", "")).format(**filled),
            elsewhere=entry.get("elsewhere", {}),
            version=entry.get("version", 1),
        )
        if bool(one.sql) == bool(one.counts) or not one.measures:
            raise ValueError("give it either `sql` or `counts`, an aggregate of measures")
        yield one
        for key, change in (("changes", _change), ("organisation_changes", _organisation_change)):
            for reference in entry.get(key, ()):
                yield change(one, _one_of(reference, REFERENCES, "change"))


def _change(one: Indicator, reference: Reference) -> Indicator:
    """The change of a balance against a reference day; `ind_<family>_changes` has it."""
    ending, _, _, zh, en = REFERENCES[reference]
    change = _named_change(one, reference)
    change = replace(
        change,
        family=f"{one.family}_changes",
        elsewhere={},
        formula_zh=f"{one.code} 在业务日期的值减去{zh}的值；该日早于首个交付日时取首个交付日的值。",
        formula_en=f"{one.code} on the business date less that {en}, or on the first delivered day"
        " if that is later.",
        sql=f"sum({change.column})",
        change_of=(one.row_sql, reference),
    )
    return change if one.additive else _of_both_days(change, one, ending)


def _organisation_change(one: Indicator, reference: Reference) -> Indicator:
    """What an organisation has less what it had on a reference day, as that day's run made it."""
    if not (grains := _at_organisations(one)):
        raise ValueError("organisations do not have it; take out `organisation_changes`")
    *_, zh, en = REFERENCES[reference]
    return replace(
        _named_change(one, reference),
        grains=grains,
        formula_zh=f"本单位 {one.code} 在业务日期的值减去{zh}的值；该日未跑批时为空。",
        formula_en=f"{one.code} of the unit on the business date less that {en}; empty if that day"
        " was not run.",
        compared=(one, reference),
    )


def _named_change(one: Indicator, reference: Reference) -> Indicator:
    """An indicator under the code and the names of its change."""
    ending, zh, en, *_ = REFERENCES[reference]
    return replace(
        one,
        code=f"{one.code.removesuffix('_BAL')}_{ending}",
        name_zh=one.name_zh.removesuffix("余额") + zh,
        name_en=f"{one.name_en} {en}",
    )


def _at_organisations(one: Indicator) -> tuple[str, ...]:
    return tuple(grain for grain in one.grains if grain in GRAIN_SETS["organisations"])


def _of_both_days(change: Indicator, one: Indicator, ending: str) -> Indicator:
    """The change of a ratio or of a number of customers, which do not add up: their value on either
    day of the business that an organisation has today. Customers have none."""
    before = as_it_was(one.sql or one.counts, ending)
    return replace(
        change,
        grains=_at_organisations(one),
        formula_zh=f"{change.formula_zh[:-1]}；两日均按本单位今天所有的业务计算。",
        formula_en=f"{change.formula_en[:-1]}; both of the business that the unit has today.",
        sql="" if one.counts else f"{one.sql} - {before}",
        counts=one.counts,
        counted_before=before if one.counts else "",
        change_of=None,
        beside=one.measures,
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _grains(given: str | list[str]) -> Iterator[str]:
    for name in [given] if isinstance(given, str) else given:
        yield from GRAIN_SETS.get(name) or (_one_of(name, GRAINS, "grain"),)


def _one_of(value: str, known: Iterable[_Named], what: str) -> _Named:
    for one in known:
        if one == value:
            return one
    raise ValueError(f"{value!r} is no {what}; there are {', '.join(known)}")


def _known(entry: Mapping[str, Any], keys: set[str]) -> None:
    if unknown := set(entry) - keys:
        raise ValueError(f"it says {', '.join(sorted(unknown))}, which nothing reads")


def _tags_of(folder: Path, words: Vocabulary) -> Iterator[Tag]:
    """The tags of every file, each knowing where it stands."""
    for path in sorted(folder.glob("*.yml")):
        for tag in _read_file(path, partial(_tags, words)):
            yield replace(tag, file=path.name)


_TAG_KEYS = {"path", "mode", "name", "owner", "rules", "else", "when", "strength", "version",
             "words"}  # fmt: skip


def _tags(words: Vocabulary, entry: _Entry) -> Iterator[Tag]:
    """Leaf tags; of a `single` entry the first rule that holds wins, and `else` takes the rest."""
    _known(entry, _TAG_KEYS)
    rules = entry.get("rules", [entry])
    earlier: list[str] = []
    for rule in [*rules, *([entry["else"]] if "else" in entry else [])]:
        condition = " and ".join(
            [f"({rule['when']})" if "when" in rule else "true"]
            + [f"not coalesce({other}, false)" for other in earlier]
        )
        if not isinstance(value := rule.get("value", ""), str):
            raise ValueError(f"YAML reads the value {value} as a number; put it in quotes")
        zh, en = words.of_rule(rule, earlier, str(entry.get("strength", "")))
        if entry.get("mode") == "single" and "when" in rule:
            earlier.append(f"({rule['when']})")
        name = rule.get("name") or entry["name"]
        yield Tag(
            path=_path(entry["path"] + (f"/{rule['value']}" if "value" in rule else "")),
            condition=condition,
            rule=rule.get("when", condition),
            formula_zh=zh,
            formula_en=en,
            name_zh=name["zh"],
            name_en=name["en"],
            owner=entry["owner"],
            strength=str(entry.get("strength", "")),
            version=entry.get("version", 1),
        )


def _path(path: str) -> str:
    """A leaf's path, if it has two or three levels of which the first is a family."""
    levels = path.split("/")
    _one_of(levels[0], TAG_FAMILIES, "family of tags")
    if len(levels) not in (2, 3) or not all(levels):
        raise ValueError(
            f"the path {path} is to have two or three levels, none of them empty, as RISK/GRADE/A"
        )
    return path


_PARAMETER_KEYS = {"code", "name", "type", "unit", "values", "union_wide"}


def _parameters(entry: _Entry) -> Iterator[ParameterValue]:
    _known(entry, _PARAMETER_KEYS)
    for value in entry["values"]:
        number = Decimal(str(value["value"]))
        yield ParameterValue(
            code=entry["code"],
            legal_entity_id=value.get("legal_entity", EVERYBODY),
            effective_from=value["effective_from"],
            value=int(number) if entry["type"] == "integer" else number,
        )


def _with_reason(
    entry: _Entry,
) -> Iterator[tuple[list[ParameterValue], list[tuple[str, str]]]]:
    """The values of an entry, and why one holds for the whole union."""
    yield list(_parameters(entry)), list(_why_union_wide(entry))


def _why_union_wide(entry: _Entry) -> Iterator[tuple[str, str]]:
    """The code of a parameter of which one value holds for the whole union, and why."""
    if "union_wide" in entry:
        yield entry["code"], " ".join(entry["union_wide"].split())


def _named_parameter(entry: _Entry) -> Iterator[tuple[str, Words]]:
    """A parameter, as a rule asks for it, and its names, which lint holds it to."""
    if "name" in entry:
        yield entry["code"], (entry["name"]["zh"], entry["name"]["en"])


def _named_level(entry: _Entry) -> Iterator[tuple[str, Words]]:
    """A level of tags and its names."""
    _known(entry, {"path", "name"})
    yield entry["path"], (entry["name"]["zh"], entry["name"]["en"])


def _named_columns(entry: _Entry) -> Iterator[tuple[str, tuple[str, str]]]:
    """A column that is no indicator and its codes (`column=code`), with their names."""
    _known(entry, {"column", "name", "codes"})
    if "name" in entry:
        yield entry["column"], (entry["name"]["zh"], entry["name"]["en"])
    for code, name in entry.get("codes", {}).items():
        yield f"{entry['column']}={code}", (name["zh"], name["en"])


_STANDARD_KEYS = {"tier", "name", "visits", "calls", "served_by"}


def _standards(entry: _Entry) -> Iterator[ServiceStandard]:
    _known(entry, _STANDARD_KEYS)
    for key in ("visits", "calls"):
        if type(entry[key]) is not int or entry[key] < 0:
            raise ValueError(f"{key} is {entry[key]!r}; give the number a year, 0 or more")
    yield ServiceStandard(
        tier=_one_of(entry["tier"], TIERS, "tier"),
        name_zh=entry["name"]["zh"],
        name_en=entry["name"]["en"],
        visits=entry["visits"],
        calls=entry["calls"],
        served_by_zh=entry["served_by"]["zh"],
        served_by_en=entry["served_by"]["en"],
    )


def _of_tiers(standards: Iterable[ServiceStandard]) -> Iterator[ParameterValue]:
    """The standards as parameters, which models ask for and a bank's own file may replace."""
    for one in standards:
        for what, number in (("visits", one.visits), ("calls", one.calls)):
            code = f"service.{what}_{one.tier}"
            yield ParameterValue(code, EVERYBODY, ALWAYS, number)


def _names_of_standards(standards: Iterable[ServiceStandard]) -> dict[str, Words]:
    """What the parameters of the standards are called."""
    said = {"visits": ("每年走访次数", "Visits a year"), "calls": ("每年电访次数", "Calls a year")}
    return {
        f"service.{what}_{one.tier}": (f"{one.name_zh}{zh}", f"{en} of a customer: {one.name_en}")
        for one in standards
        for what, (zh, en) in said.items()
    }


def _every_tier(standards: tuple[ServiceStandard, ...]) -> tuple[ServiceStandard, ...]:
    """The standards, if every tier has exactly one."""
    told = [one.tier for one in standards]
    if wrong := [tier for tier in TIERS if told.count(tier) != 1]:
        raise UsageError(
            f"Tier {wrong[0]} has {told.count(wrong[0])} entries in tiers.yml of the catalogue;"
            " give it one."
        )
    return standards
