"""A model as it lies on disk: SQL with front matter, and what it reads."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

_COMMENT = re.compile(r"--[^\n]*")
_READS = re.compile(r"\b(?:from|join)\s+((?:landing\.)?[a-z_][a-z0-9_]*)")
_NAMED = re.compile(r"(?:\bwith\s+|,\s*)(?:recursive\s+)?([a-z_][a-z0-9_]*)\s+as\s*\(")
_PARAM = re.compile(r"\bparam\(\s*'([a-z0-9_.]+)'\s*\)")
_ANY_PARAM = re.compile(r"\bparam\(\s*'([a-z0-9_.]+)'")

#: How a model is kept: a view over landing files, a partition per business date, or one per month
#: end (delivered), which may read its own previous one as `<model>_before`. What is `published` is
#: not kept: its rows are made while they are published, from partitions that say the same shorter.
Partition = Literal["view", "as_of", "month_end", "published"]

#: A day before the business date whose partition of a model may be read beside today's: the day
#: before, the last days of the month before, of the one before that and of the year before, the
#: same day of last year. None of them
#: is before the first day of the history.
Reference = Literal["day", "month", "two_months", "year", "last_year"]

#: What a model may read back of a source: days, the code of a parameter that holds days (those of
#: the legal entity that has most), `month` (since the last day of the month before) or `month_end`
#: (since the month end delivered before).
Window = int | str


@dataclass(frozen=True)
class Model:
    """One model. It is a pure function of a business date and its input partitions.

    Those of other days, `at`, are made for its sake; but models of `if_made`, whose columns and
    types it declares, are read as their own dates made them, without rows where they did not.

    Of many hundred columns it is made in ranges of the first column of its key, with so many values
    in each as `ranges_of`, a relation that it reads, has in 250,000 rows: its memory is that of one
    range, however large the bank.
    """

    name: str
    kind: str
    description: str
    partition: Partition
    sql: str
    key: tuple[str, ...] = ()
    window: dict[str, tuple[Window, ...]] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    at: dict[str, tuple[Reference, ...]] = field(default_factory=dict)
    if_made: dict[str, dict[str, str]] = field(default_factory=dict)
    audits: tuple[dict[str, Any], ...] = ()
    pack: str | None = None
    families: str | None = None
    without: tuple[str, ...] = ()
    ranges_of: str | None = None
    version: int = 1

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The relations it names after FROM or JOIN, without its own common table expressions,
        and those that its audits compare it with."""
        text = _COMMENT.sub("", self.sql).lower()
        read = self.audited.union(set(_READS.findall(text)).difference(_NAMED.findall(text)))
        return tuple(sorted(read - {f"{self.name}_before", *self.references, "lateral", "unnest"}))

    @property
    def audited(self) -> set[str]:
        """The relations that its audits compare it with."""
        targets = [str(t) for audit in self.audits for t in audit.get("references", {}).values()]
        return {target.partition(".")[0] for target in targets} | {
            audit["equal_sums"]["with"] for audit in self.audits if "equal_sums" in audit
        }

    @cached_property
    def references(self) -> dict[str, tuple[str, Reference]]:
        """The relations `<model>_<reference>` that it may name, each with model and reference."""
        return {
            f"{name}_{reference}": (name, reference)
            for name, references in self.at.items()
            for reference in references
        }

    @property
    def follows(self) -> frozenset[str]:
        """Every relation it is made of, whatever the day."""
        return frozenset(self.reads) | set(self.at)

    @property
    def _asking(self) -> str:
        """Where parameters may be asked for: the SQL, and the limits of audits."""
        return f"{self.sql}\n{self.audits}"

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The codes of the parameters it asks for, windows included."""
        spans = [s for spans in self.window.values() for s in spans]
        windows = {s for s in spans if isinstance(s, str) and "." in s}
        return tuple(sorted(set(_ANY_PARAM.findall(self._asking)) | windows))

    @cached_property
    def union_wide_parameters(self) -> frozenset[str]:
        """Those of which one value holds for the whole union, because it asks for no other."""
        return frozenset(_PARAM.findall(self._asking))

    @cached_property
    def bound_sql(self) -> str:
        """The SQL with union-wide parameters as bind variables; `param(code, entity)` stays."""
        return _PARAM.sub(lambda match: "$" + bind_name(match[1]), self.sql)

    @cached_property
    def text_hash(self) -> str:
        """Changes with anything an author may edit in the file."""
        parts = (self.sql, repr(self.key), repr(self.window), repr(self.before),
                 repr(self.audits), repr(self.pack), str(self.version), self.partition,
                 repr(self.at))  # fmt: skip
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def bind_name(code: str) -> str:
    """The bind variable of a parameter."""
    return "p_" + code.replace(".", "_")
