"""Which columns a model's columns are made of, found in DuckDB's own parse of the model's text.

A column of a relation is `(relation, column)`; landing tables are relations called `landing.…`. The
column `*` stands for the rows of a relation: what decides which rows there are, and how many.

* A value is made of every column that its expression names, conditions and windows included. One
  from the right of a JOIN is made of the rows of its relation, too, and of what it is looked up by,
  unless that is a key that both sides call alike. QUALIFY picks one of several, so every column is
  made of what it names.
* An aggregate or a window is made of the rows of its query too, and so is a value that names no
  column at all (`1 as customers`): of what WHERE, JOIN, GROUP BY, HAVING and QUALIFY name. A LEFT
  JOIN keeps the rows of its left side, so the right one counts in aggregates and windows alone.
* `<model>_before` and `<model>_<reference>` are the model itself, of another date.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import duckdb

from acrm_batch.model import Model
from crm_shared.errors import UsageError

Column = tuple[str, str]
Sources = frozenset[Column]

#: The rows of a relation, as a column of it.
ROWS = "*"

_Node = Mapping[str, Any]
_NOTHING: Sources = frozenset()

#: What of a parsed expression may hold further expressions.
_BRANCHES = (dict, list)


class _UnknownColumnError(Exception):
    """A column that no relation of the query has."""


@dataclass(frozen=True, slots=True)
class Traced:
    """The columns of a query in their order, each with what it is made of; and its rows."""

    columns: Mapping[str, Sources]
    rows: Sources

    @property
    def every(self) -> Sources:
        """What anything of it is made of."""
        return _union([self.rows, *self.columns.values()])


@dataclass(slots=True)
class _Scope:
    """What a query can name: its relations by alias, those of the query around it, its CTEs; what
    USING has `merged`; and what its rows are made of, with what is joined `beside` them and changes
    none."""

    ctes: Mapping[str, Traced]
    around: "_Scope | None" = None
    relations: dict[str, Traced] = field(default_factory=dict)
    named: dict[str, Callable[[], Sources]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    merged: frozenset[str] = frozenset()
    rows: Sources = _NOTHING
    beside: Sources = _NOTHING

    def column(self, names: Sequence[str]) -> Sources:
        """What a column is made of; a relation's column goes before one named in the SELECT."""
        *table, name = (one.lower() for one in names)
        if name in self.unknown:
            return _NOTHING
        relations = [self.relations[t] for t in table[-1:] if t in self.relations]
        for relation in relations or (() if table else self.relations.values()):
            if name in relation.columns:
                return relation.columns[name]
        if name in self.named and not table:
            return self.named[name]()
        if self.around is not None:
            return self.around.column(names)
        raise _UnknownColumnError(".".join(names))


class Tracer:
    """Traces models one after another, each after those that it reads."""

    def __init__(self, landing: Mapping[str, Iterable[str]]) -> None:
        self._engine = duckdb.connect()
        named = self._engine.execute(
            "select distinct function_name from duckdb_functions()"
            " where function_type = 'aggregate'"
        ).fetchall()
        self._aggregates = {str(name) for (name,) in named} | {"count_star"}
        self._relations = {name: _of_itself(name, columns) for name, columns in landing.items()}

    def trace(self, model: Model) -> Traced:
        """The columns of a model; `UsageError` where its text cannot be followed."""
        known = dict(self._relations)
        if model.before:
            known[f"{model.name}_before"] = _of_itself(model.name, model.before)
        known |= {
            name: self._relations[of]
            for name, (of, _) in model.references.items()
            if of in self._relations
        }
        [(text,)] = self._engine.execute(
            "select json_serialize_sql(?)", [model.bound_sql]
        ).fetchall()
        parsed = json.loads(text)
        try:
            if parsed["error"]:
                raise _UnknownColumnError(parsed["error_message"])
            traced = self._query(parsed["statements"][0]["node"], _Scope(known))
        except _UnknownColumnError as error:
            raise UsageError(
                f"What {model.name} is made of cannot be told ({error}); name the column, with its"
                " relation, in a common table expression."
            ) from None
        self._relations[model.name] = _of_itself(model.name, traced.columns)
        return traced

    def _query(self, node: _Node, scope: _Scope) -> Traced:
        ctes = dict(scope.ctes)
        for entry in node["cte_map"]["map"]:
            value = entry["value"]
            found = self._query(value["query_node"], _Scope(ctes, scope.around))
            ctes[entry["key"].lower()] = _renamed(found, value["aliases"])
        inner = _Scope(ctes, scope.around)
        if node["type"] == "SET_OPERATION_NODE":
            return _united([self._query(child, inner) for child in node["children"]])
        if node["type"] != "SELECT_NODE":
            raise _UnknownColumnError(node["type"])
        return self._select(node, inner)

    def _select(self, node: _Node, scope: _Scope) -> Traced:
        self._from(node["from_table"], scope)
        # What a SELECT names may be used by its later columns, and by GROUP BY and the like.
        scope.named = {
            expression["alias"].lower(): partial(self._sources, expression, scope)
            for expression in node["select_list"]
            if expression["alias"]
        }
        for part in ("where_clause", "group_expressions", "having", "qualify"):
            scope.rows |= self._sources(node[part], scope)
        columns: dict[str, Sources] = {}
        for expression in node["select_list"]:
            if expression["type"] == "STAR":
                replaced = {
                    str(one["key"]).lower(): self._sources(one["value"], scope) or scope.rows
                    for one in expression["replace_list"]
                }
                for name, made_of in _starred(expression, scope):
                    _add(columns, name, replaced.get(name, made_of))
                continue
            made_of = self._sources(expression, scope)
            _add(columns, _name_of(expression, len(columns)), made_of or scope.rows)
        picked_by = self._sources(node["qualify"], scope)
        return Traced({name: made_of | picked_by for name, made_of in columns.items()}, scope.rows)

    def _from(self, node: _Node, scope: _Scope) -> None:
        """Enter the relations of FROM, and what decides which rows they have together."""
        if node["type"] == "JOIN":
            self._join(node, scope)
        elif node["type"] != "EMPTY":
            found = self._relation(node, scope)
            alias = node["alias"] or node.get("table_name", "")
            scope.relations[alias.lower()] = _renamed(found, node.get("column_name_alias", ()))
            scope.rows |= found.rows

    def _join(self, node: _Node, scope: _Scope) -> None:
        """A LEFT JOIN keeps the rows of its left side: only aggregates can tell its right one."""
        self._from(node["left"], scope)
        left, kept = set(scope.relations), scope.rows
        self._from(node["right"], scope)
        right = scope.relations.keys() - left
        conditions = list(_conjuncts(node["condition"]))
        scope.rows |= self._sources(conditions, scope)
        scope.merged |= {name.lower() for name in node["using_columns"]}
        scope.rows |= _union(
            relation.columns.get(name, _NOTHING)
            for name in node["using_columns"]
            for relation in scope.relations.values()
        )
        # Which value is looked up on the right depends on what it is looked up by.
        asked = [one for one in conditions if not _is_common_key(one)]
        met_by = self._sources(asked, scope)
        for alias in right:
            scope.relations[alias] = _looked_up(scope.relations[alias], met_by)
        if node["join_type"] == "LEFT":
            scope.beside |= scope.rows
            scope.rows = kept

    def _relation(self, node: _Node, scope: _Scope) -> Traced:
        if node["type"] == "SUBQUERY":
            return self._query(node["subquery"]["node"], _Scope(scope.ctes, scope))
        if node["type"] == "EXPRESSION_LIST":
            made_of = self._sources(node["values"], scope)
            return Traced({f"col{n}": made_of for n in range(len(node["values"][0]))}, made_of)
        if node["type"] != "BASE_TABLE":
            raise _UnknownColumnError(node["type"])
        name = ".".join(part for part in (node["schema_name"], node["table_name"]) if part).lower()
        if name not in scope.ctes:
            raise _UnknownColumnError(name)
        return scope.ctes[name]

    def _sources(self, node: object, scope: _Scope) -> Sources:
        """What an expression, or a list of them, is made of."""
        if isinstance(node, list):
            return _union(self._sources(one, scope) for one in node)
        if not isinstance(node, dict):
            return _NOTHING
        kind = node.get("class")
        if kind == "COLUMN_REF":
            return scope.column(node["column_names"])
        if kind == "SUBQUERY":
            inner = self._query(node["subquery"]["node"], _Scope(scope.ctes, scope)).every
            return inner | self._sources(node.get("child"), scope)
        if kind == "LAMBDA":
            names = frozenset(_column_names(node["lhs"]))
            return self._sources(node["expr"], _Scope(scope.ctes, scope, unknown=names))
        parts = _union(
            self._sources(part, scope) for part in node.values() if isinstance(part, _BRANCHES)
        )
        is_aggregate = kind == "FUNCTION" and node["function_name"] in self._aggregates
        if is_aggregate or kind == "WINDOW":
            parts |= scope.rows | scope.beside
        return parts


def _of_itself(name: str, columns: Iterable[str]) -> Traced:
    """A relation whose columns are told under its own name."""
    made = {column.lower(): frozenset({(name, column.lower())}) for column in columns}
    return Traced(made, frozenset({(name, ROWS)}))


def _renamed(found: Traced, names: Sequence[str]) -> Traced:
    """The columns under the names given after the relation's alias."""
    if not names:
        return found
    of = dict(zip((name.lower() for name in names), found.columns.values(), strict=False))
    return Traced(of, found.rows)


def _conjuncts(condition: _Node | None) -> Iterator[_Node]:
    """The conditions that an AND holds together."""
    if condition is None:
        return
    if condition["type"] == "CONJUNCTION_AND":
        for child in condition["children"]:
            yield from _conjuncts(child)
    else:
        yield condition


def _is_common_key(condition: _Node) -> bool:
    """Whether two relations are joined by columns of the same name."""
    if condition["type"] != "COMPARE_EQUAL":
        return False
    left, right = (condition[side].get("column_names", [side])[-1] for side in ("left", "right"))
    return bool(left == right)


def _looked_up(found: Traced, met_by: Sources) -> Traced:
    """A relation whose values are found by others, or not found."""
    by = met_by | found.rows
    return Traced({name: made_of | by for name, made_of in found.columns.items()}, found.rows)


def _united(parts: Sequence[Traced]) -> Traced:
    """The columns of a set operation, which are matched by their place."""
    columns = {
        name: _union(list(part.columns.values())[place] for part in parts)
        for place, name in enumerate(parts[0].columns)
    }
    return Traced(columns, _union(part.rows for part in parts))


def _add(columns: dict[str, Sources], name: str, made_of: Sources) -> None:
    """Add a column; where the name is taken, under the one that DuckDB gives it, as `x_1`."""
    free, number = name, 0
    while free in columns:
        number += 1
        free = f"{name}_{number}"
    columns[free] = made_of


def _starred(node: _Node, scope: _Scope) -> Iterator[tuple[str, Sources]]:
    """The columns that `*`, `relation.*` or `columns('pattern')` stands for; of USING once."""
    relation = node["relation_name"].lower()
    pattern = re.compile(node["expr"]["literal"]["text"] if node["expr"] else "")
    without = {str(name).lower() for name in node["exclude_list"]}
    once: set[str] = set()
    for alias, found in scope.relations.items():
        if relation not in ("", alias):
            continue
        for name, made_of in found.columns.items():
            if name not in without | once and pattern.search(name):
                once |= {name} & scope.merged
                yield name, made_of


def _name_of(expression: _Node, place: int) -> str:
    if expression["alias"]:
        return str(expression["alias"]).lower()
    names = expression.get("column_names")
    return str(names[-1]).lower() if names else f"col{place}"


def _column_names(node: object) -> Iterator[str]:
    """The names in the head of a lambda."""
    if isinstance(node, list):
        for one in node:
            yield from _column_names(one)
    elif isinstance(node, dict):
        yield from (str(name).lower() for name in node.get("column_names", ()))
        yield from _column_names(node.get("children"))


def _union(parts: Iterable[Sources]) -> Sources:
    return _NOTHING.union(*parts)
