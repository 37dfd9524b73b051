"""The rules of tags in words of both languages, made from the SQL that is run.

A rule is said by itself where it is comparisons of columns with numbers, codes or parameters, all
joined by `and` or all by `or`; so what is read and what is run cannot differ. Any other rule has
its `words` beside it in the catalogue.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

#: What is said, in Chinese and in English.
Words = tuple[str, str]

_COMPARISON = re.compile(r"([a-z][a-z0-9_]*) (>=|<=|>|<|=) (.+)")
_ONE_OF = re.compile(r"([a-z][a-z0-9_]*) in \(([^()]*)\)")
_CODE = r"(?:'[^']*'|0|-?[1-9]\d*)"
_CODES = re.compile(rf"([a-z][a-z0-9_]*) (= {_CODE}|in \({_CODE}(?:, {_CODE})*\))")
_KNOWN = re.compile(r"([a-z][a-z0-9_]*) is not null")
_FLAG = re.compile(r"[a-z][a-z0-9_]*")
_VALUE = re.compile(r"(-?)(?:param\('([^']+)'(?:, legal_entity_id)?\)|(\d+(?:\.\d+)?)|'([^']*)')")

_SIGNS: Mapping[str, Words] = {
    ">=": ("不低于", "at least"),
    "<=": ("不高于", "at most"),
    ">": ("大于", "above"),
    "<": ("小于", "below"),
    "=": ("为", "is"),
}
_JOINED: Mapping[str, Words] = {" and ": ("，且", ", and "), " or ": ("，或", ", or ")}

#: How strong a tag is (docs/rules/potential.md): what is said of which SQL.
_STRENGTHS: Mapping[str, Words] = {
    r"50": ("强度固定为50。", "Strength: always 50."),
    r"strength_ratio\([^()]+(\([^()]+\)[^()]*)*\)": (
        "强度：恰达下限为50，达下限两倍及以上为100。",
        "Strength: 50 at the threshold, 100 at twice the threshold and above.",
    ),
    r"strength_amount\(\w+, param\('potential.reference_amount', legal_entity_id\)\)": (
        "强度：50 + 50 × 金额 ÷ 参数 potential.reference_amount，最高100。",
        "Strength: 50 + 50 × amount / parameter potential.reference_amount, at most 100.",
    ),
}


class Vocabulary:
    """What columns, parameters and codes (`column=code`) are called."""

    def __init__(self, names: Mapping[str, Words]) -> None:
        self._names = names

    def of_rule(self, entry: Mapping[str, Any], earlier: Sequence[str], strength: str) -> Words:
        """A rule of a tag in words, its own or those of its SQL, with its strength; empty where it
        has neither, or where only its own words could say the strength.

        `earlier` are the rules of the same tag that must not hold, each in brackets.
        """
        if "when" not in entry:
            return "其他各项均不成立。", "None of the others holds."
        if "words" in entry:
            zh, en = entry["words"]["zh"], entry["words"]["en"]
        else:
            zh, en = self._of_sql(entry["when"]) or ("", "")
        if not (zh and en):
            return "", ""
        if earlier and not _excludes(entry["when"], earlier):
            zh += "，且本组前面各项均不成立"
            en += ", and nothing above it in the group holds"
        zh, en = f"{zh}。", f"{en[0].upper()}{en[1:]}."
        for sql, words in _STRENGTHS.items():
            if re.fullmatch(sql, strength):
                return zh + words[0], f"{en} {words[1]}"
        return (zh, en) if "words" in entry or not strength else ("", "")

    def name_of(self, code: str) -> Words | None:
        """What a column or a parameter is called."""
        return self._names.get(code)

    def of_comparison(self, sql: str) -> Words | None:
        """A single comparison in words; None where it is more than that."""
        return self._of_term(sql)

    def _of_sql(self, sql: str) -> Words | None:
        joined = [one for one in _JOINED if one in sql] or [" and "]
        said = [self._of_term(term) for term in sql.split(joined[0])]
        if len(joined) > 1 or None in said:
            return None
        zh, en = _JOINED[joined[0]]
        known = [one for one in said if one is not None]
        return zh.join(one[0] for one in known), en.join(one[1] for one in known)

    def _of_term(self, term: str) -> Words | None:
        if found := _COMPARISON.fullmatch(term):
            column, sign, written = found.groups()
            name, value = self._names.get(column), self._of_value(column, written)
            if name and value:
                zh, en = _SIGNS[sign]
                return f"{name[0]}{zh}{value[0]}", f"“{name[1]}” {en} {value[1]}"
        elif found := _ONE_OF.fullmatch(term):
            name = self._names.get(found[1])
            codes = [self._of_value(found[1], one) for one in found[2].split(", ")]
            if name and None not in codes:
                known = [one for one in codes if one is not None]
                return (
                    f"{name[0]}为{'、'.join(one[0] for one in known)}之一",
                    f"“{name[1]}” is one of {', '.join(one[1] for one in known)}",
                )
        elif (found := _KNOWN.fullmatch(term)) and (name := self._names.get(found[1])):
            return f"{name[0]}已知", f"“{name[1]}” is known"
        elif _FLAG.fullmatch(term):
            return self._names.get(term)
        return None

    def _of_value(self, column: str, written: str) -> Words | None:
        """A number, a code with its name, or a parameter with its name and code."""
        found = _VALUE.fullmatch(written)
        if not found:
            return None
        minus, parameter, number, code = found.groups()
        if parameter:
            name = self._names.get(parameter)
            return name and (
                f"{'负的' if minus else ''}“{name[0]}”（参数 {parameter}）",
                f"{'minus ' if minus else ''}“{name[1]}” (parameter {parameter})",
            )
        if number:
            return minus + number, minus + number
        name = self._names.get(f"{column}={code}")
        same = name is not None and name[1].lower() == code.lower().replace("_", " ")
        return name and (f"{name[0]}（{code}）", name[1] if same else f"{name[1]} ({code})")


def _excludes(rule: str, earlier: Sequence[str]) -> bool:
    """Whether a rule asks the column of all earlier ones for other codes, so that no order
    matters."""
    asked = _asked(rule)
    return asked is not None and all(
        other is not None and other[0] == asked[0] and not other[1] & asked[1]
        for other in (_asked(one[1:-1]) for one in earlier)
    )


def _asked(rule: str) -> tuple[str, frozenset[str]] | None:
    """The column of a rule and the codes or whole numbers that it asks for; None where it asks for
    anything else, of which it cannot be told here what it leaves to others."""
    if not (found := _CODES.fullmatch(rule)):
        return None
    return found[1], frozenset(re.findall(_CODE, found[2]))
