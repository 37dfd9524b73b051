"""A model's text as Spark understands it.

Authors write DuckDB's SQL. SQLGlot parses it, the macros are put in their place, every column is
found in the relations that the model reads, and so every expression gets a type. What follows is
SQLGlot's translation with the rewrites of `spark_dialect`. `acrm lint` refuses what has none.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from acrm_batch.catalogue import EVERYBODY, ParameterValue
from acrm_batch.engines.duckdb import MACROS, Bound
from acrm_batch.engines.spark_dialect import SparkDialect
from crm_shared.errors import UsageError

#: Columns and their types, in DuckDB's words, of every relation that a query may read.
Relations = Mapping[str, Mapping[str, str]]

_MACRO = re.compile(r"create macro (\w+)\(([^)]*)\) as\s+(.*?);\n", re.DOTALL)

#: Macros whose body is DuckDB's own; they are rewritten instead of being put in their place.
_REWRITTEN = {"param", "filled_json"}


class NotTranslatableError(UsageError):
    """A query that has no equivalent for Spark."""


def typed(
    sql: str,
    relations: Relations,
    bound: Mapping[str, Bound],
    parameters: Iterable[ParameterValue],
) -> exp.Query:
    """The query with its macros and values in place, every column qualified, everything typed."""
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
        known = {name.lower(): dict(columns) for name, columns in relations.items()}
        tree = _with_values(_with_macros(tree), bound, list(parameters))
        for table in tree.find_all(exp.Table):
            if table.db:
                table.replace(exp.to_table(spark_name(f"{table.db}.{table.name}")))
        for field in tree.find_all(exp.PropertyEQ):
            # The names of fields become those of JSON, where capitals count.
            field.this.meta["case_sensitive"] = True
        _expand_columns(tree, known)
        schema = MappingSchema(
            {spark_name(name): columns for name, columns in known.items()}, dialect="duckdb"
        )
        tree = qualify(
            tree, schema=schema, dialect="duckdb", quote_identifiers=False, expand_alias_refs=False
        )
        query = annotate_types(tree, schema=schema, dialect="duckdb")
    except SqlglotError as error:
        reason = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()[0].rstrip(".")
        raise NotTranslatableError(
            f"{reason}; name what it reads in a common table expression first."
        ) from error
    if not isinstance(query, exp.Query):
        raise NotTranslatableError("A model is a query; begin it with select or with.")
    return query


def translated(
    sql: str,
    relations: Relations,
    bound: Mapping[str, Bound],
    parameters: Iterable[ParameterValue],
) -> str:
    """The query as Spark's text; raises `NotTranslatableError`."""
    return spark_text(typed(sql, relations, bound, parameters))


def spark_text(tree: exp.Query) -> str:
    """Spark's text of a typed query."""
    try:
        return tree.sql(SparkDialect, identify=True, comments=False,
                        unsupported_level=sqlglot.ErrorLevel.RAISE)  # fmt: skip
    except SqlglotError as error:
        raise NotTranslatableError(f"{str(error).splitlines()[0].rstrip('.')}.") from error


def spark_name(relation: str) -> str:
    """The name of a relation among Spark's temporary views, which have no schema."""
    return relation.replace(".", "_")


def spark_type(duckdb_type: str) -> str:
    """A column type of DuckDB in Spark's words."""
    return exp.DataType.build(duckdb_type, dialect="duckdb").sql(SparkDialect)


@cache
def _macros() -> dict[str, tuple[tuple[str, ...], exp.Expr]]:
    """The functions that models may call: their arguments and what they stand for."""
    return {
        name: (
            tuple(part.strip() for part in arguments.split(",")),
            sqlglot.parse_one(body, read="duckdb"),
        )
        for name, arguments, body in _MACRO.findall(MACROS)
        if name not in _REWRITTEN
    }


def _with_macros(tree: exp.Expr) -> exp.Expr:
    """The tree with every call of a macro replaced by the macro's body."""
    while call := next(
        (one for one in tree.find_all(exp.Anonymous) if one.name.lower() in _macros()), None
    ):
        names, body = _macros()[call.name.lower()]
        if len(call.expressions) != len(names):
            raise NotTranslatableError(
                f"{call.name} takes {len(names)} arguments ({', '.join(names)})."
            )
        given = dict(zip(names, call.expressions, strict=True))
        expanded = exp.paren(body.copy())
        for column in list(expanded.find_all(exp.Column)):
            column.replace(exp.paren(given[column.name].copy()))
        if call is tree:
            return expanded
        call.replace(expanded)
    return tree


def _with_values(
    tree: exp.Expr, bound: Mapping[str, Bound], parameters: list[ParameterValue]
) -> exp.Expr:
    """The tree with bind variables and parameters replaced by their values."""
    for variable in list(tree.find_all(exp.Placeholder, exp.Parameter)):
        value = bound[variable.name]
        variable.replace(
            exp.cast(exp.Literal.string(value), "date")
            if isinstance(value, date)
            else exp.Literal.number(value)
        )
    for call in list(tree.find_all(exp.Anonymous)):
        if call.name.lower() == "param":
            call.replace(_parameter(call, parameters))
    return tree


def _parameter(call: exp.Anonymous, parameters: list[ParameterValue]) -> exp.Expr:
    """`param(code, legal_entity_id)`: the entity's value, else the one that holds for everybody."""
    code, entity = call.expressions
    values = {one.legal_entity_id: one.value for one in parameters if one.code == code.name}
    chosen: exp.Expr = exp.Null()
    if EVERYBODY in values:
        chosen = exp.Literal.number(values.pop(EVERYBODY))
    if values:
        case = exp.Case(this=entity.copy(), default=chosen)
        for name, value in sorted(values.items()):
            case.append("ifs", exp.If(this=exp.Literal.string(name),
                                      true=exp.Literal.number(value)))  # fmt: skip
        chosen = case
    return exp.cast(chosen, "decimal(18,4)")


def _expand_columns(tree: exp.Expr, relations: Relations) -> None:
    """`columns('regex')` as the columns of the one relation that is read."""
    for one in list(tree.find_all(exp.Columns)):
        select = one.find_ancestor(exp.Select)
        source = select.args.get("from_") if select else None
        columns = relations.get(source.this.name.lower(), {}) if source else {}
        if select is None or not columns or select.args.get("joins"):
            raise NotTranslatableError("columns(…) must read a single model; list the columns.")
        wanted = [exp.column(name) for name in columns if re.fullmatch(one.this.name, name)]
        position = select.expressions.index(one)
        select.set(
            "expressions",
            [*select.expressions[:position], *wanted, *select.expressions[position + 1 :]],
        )
