"""Why a customer has a tag or not: every condition, with its values and thresholds.

The condition of the catalogue is taken apart by a SQL parser at `and`, `or` and `not`; what is left
is asked of the customer's own row, so what is told is what the tag was decided by.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlglot
from sqlglot import exp

from acrm_batch.catalogue import EVERYBODY, Catalogue, ParameterValue, Tag
from acrm_batch.engines.duckdb import Bound
from acrm_batch.marts import CUSTOMERS_WITH_TAGS
from acrm_batch.rule_words import Words
from acrm_batch.runner import Runner
from crm_shared.errors import NotReadyError, UsageError

#: The model that has every tag as a column; conditions also speak of columns of the mart.
TAGS = "tag_customers"

_ENTITY = "legal_entity_id"


@dataclass(frozen=True)
class Threshold:
    """A parameter that a condition compares with: the value in force, whose it is, since when."""

    code: str
    name_zh: str
    name_en: str
    legal_entity_id: str
    effective_from: date
    value: object


@dataclass(frozen=True)
class Condition:
    """A part of a rule: `and`, `or` and `not` of `parts`, or a comparison with its values.

    `holds` is None where a value is unknown, which counts as not. `words` say a comparison in
    Chinese and English; more than a comparison has none, and the rule says it as a whole.
    """

    text: str
    holds: bool | None
    joined_by: str
    parts: tuple["Condition", ...] = ()
    values: tuple[tuple[str, Any], ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    words: Words | None = None


@dataclass(frozen=True)
class TagExplanation:
    """Why a tag holds or not. `is_published_so` says that the partition has the same answer.

    A tag of potential customers that holds has a strength, 0 to 100, and a last day.
    """

    customer_id: int
    business_date: date
    path: str
    name_zh: str
    name_en: str
    formula_zh: str
    formula_en: str
    holds: bool
    is_published_so: bool
    condition: Condition
    strength: int | None = None
    valid_until: date | None = None


class _Row:
    """The customer's row, which conditions are asked of."""

    def __init__(self, runner: Runner, day: date, customer_id: int) -> None:
        self._known: dict[str, Bound] = {"bd": day, "first_day": runner.inputs.first_day(day)}
        self.day = day
        self.catalogue: Catalogue = runner.project.catalogue
        self._engine = runner.engine
        runner.engine.set_parameters(self.catalogue.in_force(day))
        for name in ("mart_customers", TAGS):
            runner.engine.partition_view(name, runner.path(name, day))
        runner.engine.connection.execute(
            f"create or replace temp table explained as {CUSTOMERS_WITH_TAGS}"
            f" where mart.customer_id = {int(customer_id)}"
        )
        found = runner.engine.connection.execute("from explained")
        names = [column[0] for column in found.description or ()]
        row = found.fetchone()
        if row is None:
            raise UsageError(
                f"Customer {customer_id} is no active customer on {day}, and only active customers"
                " have tags; correct the number or the date."
            )
        self.values: dict[str, Any] = dict(zip(names, row, strict=True))

    def ask(self, condition: str) -> bool | None:
        """Whether a condition holds for the row."""
        found = self.value(condition)
        return None if found is None else bool(found)

    def value(self, sql: str) -> Any:
        """What an expression comes to in the row."""
        bound = {name: value for name, value in self._known.items() if f"${name}" in sql}
        row = self._engine.connection.execute(f"select {sql} from explained", bound).fetchone()
        return row and row[0]

    def threshold(self, code: str, *, by_entity: bool) -> Threshold | None:
        """The value of a parameter that holds for the customer."""
        wanted = [self.values.get(_ENTITY), EVERYBODY] if by_entity else [EVERYBODY]
        in_force: dict[tuple[str, str], ParameterValue] = {
            (one.code, one.legal_entity_id): one for one in self.catalogue.in_force(self.day)
        }
        for entity in wanted:
            if (code, str(entity)) in in_force:
                found = in_force[code, str(entity)]
                zh, en = self.catalogue.parameter_names.get(code, (code, code))
                return Threshold(
                    code, zh, en, found.legal_entity_id, found.effective_from, found.value
                )
        return None


def tag_of(catalogue: Catalogue, code: str) -> Tag | None:
    """The leaf tag of a path."""
    return next((tag for tag in catalogue.tags if tag.path == code), None)


def explain_tag(runner: Runner, day: date, customer_id: int, tag: Tag) -> TagExplanation:
    """Why the customer has the tag on a date, or not."""
    if (TAGS, day) not in runner.partitions:
        raise NotReadyError(
            f"{TAGS} of {day} has not been made; run `acrm run --date {day}` first."
        )
    row = _Row(runner, day, customer_id)
    tree = sqlglot.parse_one(tag.condition, read="duckdb")
    holds = bool(row.ask(tag.condition))
    strength, valid_until = _while_it_holds(row, tag) if holds else (None, None)
    return TagExplanation(
        customer_id, day, tag.path, tag.name_zh, tag.name_en, tag.formula_zh, tag.formula_en, holds,
        row.values.get(tag.column) == holds, _condition(row, tree),
        strength, valid_until,
    )  # fmt: skip


def _while_it_holds(row: _Row, tag: Tag) -> tuple[int | None, date | None]:
    """How strong a tag of potential customers is, and the last day on which it may be used."""
    days = row.threshold("potential.valid_days", by_entity=True)
    if not (tag.strength and days):
        return None, None
    return int(row.value(tag.strength)), row.day + timedelta(days=int(str(days.value)))


def _condition(row: _Row, node: exp.Expr) -> Condition:
    """A part of the condition, with its own parts."""
    while isinstance(node, exp.Paren) or _is_only_false_where_unknown(node):
        node = node.this
    text = node.sql(dialect="duckdb")
    if isinstance(node, exp.And | exp.Or):
        parts = tuple(_condition(row, part) for part in _flat(node, type(node)))
        known = tuple(part for part in parts if part.text != "TRUE")
        if len(known) == 1:
            return known[0]
        word = "and" if isinstance(node, exp.And) else "or"
        return Condition(text, row.ask(text), word, known)
    if isinstance(node, exp.Not):
        inner = _condition(row, node.this)
        # What is unknown is no reason against: the catalogue says coalesce(…, false).
        return Condition(text, not inner.holds, "not", (inner,))
    columns = {column.name for column in node.find_all(exp.Column)} & row.values.keys()
    values = tuple((name, row.values[name]) for name in sorted(columns - {_ENTITY}))
    if node.find(exp.Parameter):
        values += (("bd", row.day),)
    as_written = node.sql(dialect="duckdb", normalize_functions="lower").replace(" IN (", " in (")
    words = row.catalogue.words.of_comparison(as_written)
    thresholds = tuple(_thresholds(row, node))
    return Condition(text, row.ask(text), "", (), values, thresholds, words)


def _is_only_false_where_unknown(node: exp.Expr) -> bool:
    return (
        isinstance(node, exp.Coalesce)
        and len(node.expressions) == 1
        and node.expressions[0] == exp.false()
    )


def _flat(node: exp.Expr, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    """The parts of `a and b and c`, which a parser nests."""
    for part in (node.this, node.expression):
        if isinstance(part, kind):
            yield from _flat(part, kind)
        else:
            yield part


def _thresholds(row: _Row, node: exp.Expr) -> Iterator[Threshold]:
    for call in node.find_all(exp.Anonymous):
        if call.name.lower() == "param" and call.expressions:
            found = row.threshold(call.expressions[0].name, by_entity=len(call.expressions) > 1)
            if found:
                yield found
