"""What of a model is not portable: text that DuckDB and Spark both accept and take differently, or
that Spark does not know. `acrm lint` refuses it with what to write instead.

Everything is typed first, against empty relations: what is harmless on a number of days (`a - b`)
may not be on something of unknown type. A function is portable when it is on the list below, each
of which is held by a test that runs it on both engines.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache

import duckdb
from sqlglot import exp

from acrm_batch.catalogue import ParameterValue
from acrm_batch.engines.duckdb import MACROS, reason_of, variables_of
from acrm_batch.engines.spark_dialect import DECIMALS, DOUBLES
from acrm_batch.engines.spark_text import NotTranslatableError, Relations, spark_text, typed
from acrm_batch.engines.sql import empty_relation
from acrm_batch.model import Model, bind_name
from acrm_batch.project import Project
from crm_shared.landing import TABLES

#: Functions of which both engines make the same, by SQLGlot's names.
PORTABLE: frozenset[type[exp.Expr]] = frozenset({
    exp.Abs, exp.And, exp.Array, exp.ArrayAgg, exp.ArrayConcat, exp.ArrayContains,
    exp.ArrayDistinct, exp.ArrayFilter, exp.ArraySize, exp.ArraySort, exp.BitwiseOrAgg,
    exp.Case, exp.Cast,
    exp.Ceil, exp.Coalesce, exp.Concat, exp.ConcatWs, exp.Contains, exp.Count,
    exp.CumeDist, exp.DateDiff, exp.Day, exp.DenseRank, exp.DPipe, exp.Encode, exp.EndsWith,
    exp.Exists, exp.Exp, exp.Extract, exp.FirstValue, exp.Floor, exp.Greatest, exp.GroupConcat,
    exp.Grouping, exp.Hour, exp.If, exp.Lag, exp.LastDay, exp.LastValue, exp.Lead, exp.Least,
    exp.Left, exp.Length, exp.Ln, exp.LogicalAnd, exp.LogicalOr, exp.Lower, exp.Max, exp.MD5,
    exp.Min, exp.Month, exp.Ntile, exp.Nullif, exp.Or, exp.Pad, exp.PercentRank, exp.Pow,
    exp.Quarter, exp.Rank, exp.Replace, exp.Right, exp.Round, exp.RowNumber, exp.SHA, exp.Sign,
    exp.Sqrt, exp.StartsWith, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.StrPosition,
    exp.Struct, exp.Substring, exp.Sum, exp.TimestampTrunc, exp.TimeToStr, exp.Transform,
    exp.Trim, exp.TryCast, exp.Unhex, exp.Upper, exp.Xor, exp.Year,
})  # fmt: skip

_CALLS = {"bit_count", "filled_json", "list_position", "to_months", "to_years"}

_LIST = "write list(… order by …) with keys that leave no tie"

#: What to write instead of a function that is not portable.
_INSTEAD: dict[type[exp.Expr] | str, str] = {
    exp.Avg: "write cast(sum(x) as double) / count(x): Spark rounds the average of decimals",
    exp.ArgMax: "write row_number() over (… order by …) = 1: ties go either way",
    exp.ArgMin: "write row_number() over (… order by …) = 1: ties go either way",
    exp.AnyValue: "write min(x) or max(x): any value may be another one",
    exp.First: "write min(x), or first_value(x) over (… order by …)",
    exp.Last: "write max(x), or last_value(x) over (… order by …)",
    exp.Mode: "write row_number() over (order by count(*) desc, …) = 1: ties go either way",
    exp.Median: "write row_number() and take the row in the middle",
    exp.PercentileCont: "write percent_rank() or row_number()",
    exp.PercentileDisc: "write percent_rank() or row_number()",
    exp.DayOfWeek: "count the days from a Monday: (day - date '1900-01-01') % 7",
    exp.DayOfWeekIso: "count the days from a Monday: (day - date '1900-01-01') % 7 + 1",
    exp.Rand: "write md5() of a key: a model is the same whenever it is made",
    exp.CurrentDate: "write $bd: a model is the same whenever it is made",
    exp.CurrentTimestamp: "write $bd: a model is the same whenever it is made",
    exp.JSONObject: "write filled_json({'name': value})",
    exp.RegexpLike: "write like, starts_with() or contains(): patterns differ",
    exp.RegexpReplace: "write replace() or substr(): patterns differ",
    exp.RegexpExtract: "write substr() or split the text at the source: patterns differ",
    exp.Explode: "join a model with a row per element",
    exp.GenerateSeries: "join a list of values, or the days of a model",
    exp.ApproxDistinct: "write count(distinct x)",
    "to_json": "write filled_json({'name': value})",
    "json_merge_patch": "write filled_json({'name': value})",
    "json_object": "write filled_json({'name': value})",
    "uuid": "write md5() of a key: a model is the same whenever it is made",
    "random": "write md5() of a key: a model is the same whenever it is made",
    "hash": "write md5(): every engine hashes in its own way",
}


#: Types of columns that both engines write into Parquet and read back as they were.
_KEPT = re.compile(
    r"(BIGINT|INTEGER|SMALLINT|TINYINT|DOUBLE|FLOAT|BOOLEAN|DATE|TIMESTAMP|VARCHAR"
    r"|DECIMAL\(\d+,\d+\))(\[\])?"
)
_KEPT_AS = {"HUGEINT": "cast(… as bigint)", "UUID": "cast(… as varchar)",
            "JSON": "cast(… as varchar)"}  # fmt: skip


def faults(project: Project) -> list[str]:
    """One sentence per construct that is not portable."""
    relations, found = described(project)
    for model in project.models.values():
        reads = {name: tuple(relations[name].items()) for name in _read(model) if name in relations}
        if model.partition != "view":
            found += [
                f"{model.name}.{name} is a {kind}, which does not keep in Parquet as it is; cast it"
                f" ({_KEPT_AS.get(kind, 'to a simpler type')})."
                for name, kind in relations.get(model.name, {}).items()
                if not _KEPT.fullmatch(kind)
            ]
        if model.name in relations:
            values = tuple(v for v in project.catalogue.parameters if v.code in model.parameters)
            said = _of_query(model.bound_sql, tuple(reads.items()), values, tuple(_sample(model)))
            found += [f"{model.name} {fault}." for fault in said]
    return found


def described(project: Project) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The columns of every relation with their types, found by DuckDB over empty ones; a sentence
    for every model whose query DuckDB refuses."""
    relations: dict[str, dict[str, str]] = {}
    found = []
    with duckdb.connect() as connection:
        connection.execute("create schema landing")
        empty = "cast(map {} as map(varchar, decimal(18,4)))"
        connection.execute(f"set variable parameters = {empty}")
        connection.execute(MACROS)

        def add(name: str, columns: Mapping[str, str]) -> None:
            relations[name] = dict(columns)
            quoted = {f'"{column}"': kind for column, kind in columns.items()}
            connection.execute(f"create or replace table {name} as {empty_relation(quoted)}")

        for name, table in TABLES.items():
            columns = {column.name: column.type for column in table.columns}
            for relation in (name, f"{name}_history"):
                add(f"landing.{relation}", columns | {"business_date": "DATE"})
        for model in (project.models[name] for name in project.order if name in project.models):
            if model.before:
                add(f"{model.name}_before", model.before)
            for alias, (name, _) in model.references.items():
                if name in relations:
                    add(alias, relations[name])
            try:
                add(model.name, _columns(connection, model))
            except duckdb.Error as error:
                found.append(f"{model.name} is refused by DuckDB: {reason_of(error)}.")
    return relations, found


def _columns(connection: duckdb.DuckDBPyConnection, model: Model) -> dict[str, str]:
    sql = model.bound_sql
    rows = connection.execute(f"describe {sql}", variables_of(sql, dict(_sample(model)))).fetchall()
    return {str(name): str(kind) for name, kind, *_ in rows}


def _sample(model: Model) -> Iterator[tuple[str, date | int]]:
    """Values for a model's bind variables, as good as any other."""
    yield "bd", date(2026, 1, 31)
    yield "first_day", date(2026, 1, 1)
    yield from (("month_days", 31), ("year_days", 31), ("version", 1))
    for code in model.parameters:
        yield bind_name(code), 1


def _read(model: Model) -> set[str]:
    return {*model.reads, *model.references, f"{model.name}_before"}


@lru_cache(maxsize=1024)
def _of_query(
    sql: str,
    reads: tuple[tuple[str, tuple[tuple[str, str], ...]], ...],
    parameters: tuple[ParameterValue, ...],
    sample: tuple[tuple[str, date | int], ...],
) -> tuple[str, ...]:
    """What is not portable of a query; the last word is said by the translation itself."""
    relations: Relations = {name: dict(columns) for name, columns in reads}
    try:
        tree = typed(sql, relations, dict(sample), parameters)
        found = list(dict.fromkeys(fault for node in tree.walk() for fault in _of_node(node)))
        if not found:
            spark_text(tree)
    except NotTranslatableError as error:
        return (f"cannot be translated for Spark: {error.sentence.rstrip('.')}",)
    return tuple(found)


def _of_node(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in _CALLS:
            yield _refusal(f"{node.name}()", node.name.lower())
        if node.name.lower() == "filled_json":
            yield from _of_json(node)
    elif isinstance(node, exp.Func) and type(node) not in PORTABLE:
        yield _refusal(f"{node.sql_name().lower()}()", type(node))
    for kind, check in _CHECKS.items():
        if isinstance(node, kind) and (fault := check(node)):
            yield fault


def _refusal(called: str, known: type[exp.Expr] | str) -> str:
    instead = _INSTEAD.get(known, "write it with the functions that docs/spark.md lists")
    return f"calls {called}, which is not the same on Spark; {instead}"


def _of_json(call: exp.Anonymous) -> Iterator[str]:
    for pair in call.find_all(exp.PropertyEQ):
        value = pair.expression
        if value.type and value.type.this in {*DECIMALS, *DOUBLES, exp.DType.TIMESTAMP}:
            yield (
                f"puts the number or time {pair.name} into filled_json(), which every engine writes"
                f" in its own way; write cast({value.sql('duckdb')} as varchar)"
            )


def _unknown(node: exp.Expr | None) -> bool:
    return (
        node is not None
        and not isinstance(node, exp.Null | exp.Interval)
        and (node.type is None or node.type.is_type(exp.DType.UNKNOWN))
        and not (isinstance(node, exp.Anonymous) and node.name.lower() in _CALLS)
    )


def _difference(node: exp.Sub) -> str | None:
    if _unknown(node.this) or _unknown(node.expression):
        return (f"subtracts in {node.sql('duckdb')!r}, of which it is not known whether they are"
                " dates; write cast(… as date) or cast(… as bigint)")  # fmt: skip
    return None


def _cast(node: exp.Cast) -> str | None:
    to = node.to.this
    if _unknown(node.this) and (to in exp.DataType.INTEGER_TYPES or to in DECIMALS):
        return (f"casts in {node.sql('duckdb')!r} what may have a fraction; cast it to its own type"
                " first: DuckDB rounds, Spark cuts off")  # fmt: skip
    if to in exp.DataType.TEXT_TYPES and node.this.type and node.this.type.this in DOUBLES:
        return f"writes a double as text in {node.sql('duckdb')!r}; cast it to a decimal first"
    return None


def _date_diff(node: exp.DateDiff) -> str | None:
    unit = node.unit.name.lower() if node.unit else "day"
    if unit == "day":
        return None
    return (f"counts {unit}s between dates, which Spark counts when they are complete; write"
            " (year(b) - year(a)) * 12 + month(b) - month(a)")  # fmt: skip


def _integer_division(node: exp.IntDiv) -> str | None:
    inexact = {*DECIMALS, *DOUBLES}
    for side in (node.this, node.expression):
        if _unknown(side) or (side.type and side.type.this in inexact):
            return (f"divides by // in {node.sql('duckdb')!r} what may have a fraction; cast both"
                    " sides to integers")  # fmt: skip
    return None


def _collected(node: exp.ArrayAgg) -> str | None:
    if isinstance(node.this, exp.Order) or isinstance(node.parent, exp.ArrayDistinct):
        return None
    return f"collects a list in any order; {_LIST}"


def _sorted_list(node: exp.ArraySort) -> str | None:
    if isinstance(node.this, exp.ArrayDistinct):
        return None
    return "sorts a list that may hold empty values; write list_sort(list_distinct(list(…)))"


def _joined_text(node: exp.GroupConcat) -> str | None:
    ordered = isinstance(node.this, exp.Order)
    return None if ordered else "joins texts in any order; write string_agg(… order by …)"


def _window(node: exp.Window) -> str | None:
    ranked = exp.RowNumber | exp.Rank | exp.DenseRank | exp.Ntile | exp.Lag | exp.Lead
    if isinstance(node.this, exp.ArrayAgg | exp.GroupConcat):
        return f"collects over a window in {node.sql('duckdb')!r}; collect in a group"
    if isinstance(node.this, ranked | exp.FirstValue | exp.LastValue) and not node.args.get(
        "order"
    ):
        return f"numbers rows in any order in {node.sql('duckdb')!r}; write order by"
    return None


def _bracket(node: exp.Bracket) -> str | None:
    if any(isinstance(one, exp.Slice) for one in node.expressions):
        return f"takes a slice in {node.sql('duckdb')!r}; write substr() or list_filter()"
    if any(one.is_string for one in node.expressions):
        return f"takes a field by its name in {node.sql('duckdb')!r}; write value.field"
    return None


def _limit(node: exp.Limit) -> str | None:
    ordered = isinstance(node.parent, exp.Query) and node.parent.args.get("order")
    return None if ordered else "limits rows in any order; write order by with keys without ties"


def _join(node: exp.Join) -> str | None:
    if node.method.lower() in {"asof", "positional"}:
        return (f"joins by {node.method.lower()}, which Spark does not know; write row_number()"
                " over the rows up to the date")  # fmt: skip
    return None


def _set_operation(node: exp.SetOperation) -> str | None:
    return "unites by name; list the columns" if node.args.get("by_name") else None


def _distinct(node: exp.Distinct) -> str | None:
    if node.args.get("on"):
        return "uses distinct on; write qualify row_number() over (… order by …) = 1"
    return None


def _always(sentence: str) -> Callable[[exp.Expr], str | None]:
    return lambda node: sentence


_CHECKS: dict[type[exp.Expr], Callable[..., str | None]] = {
    exp.ArrayAgg: _collected,
    exp.ArraySort: _sorted_list,
    exp.Bracket: _bracket,
    exp.Cast: _cast,
    exp.DateDiff: _date_diff,
    exp.Distinct: _distinct,
    exp.GroupConcat: _joined_text,
    exp.IntDiv: _integer_division,
    exp.Join: _join,
    exp.Limit: _limit,
    exp.Pivot: _always("pivots; write sum(…) filter (where …)"),
    exp.SetOperation: _set_operation,
    exp.SimilarTo: _always("uses similar to; write like, starts_with() or contains()"),
    exp.Sub: _difference,
    exp.TableSample: _always("takes a sample; write md5() of a key"),
    exp.Unnest: _always("unnests a list; join a model with a row per element"),
    exp.Window: _window,
}
