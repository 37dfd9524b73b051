"""Spark's dialect with the rewrites that DuckDB's meaning needs.

These are the places where both engines accept the same text and mean something else by it, or where
SQLGlot's own translation says something else. Each works on a typed query and is held by a test
that runs it on both engines.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.generators.spark import SparkGenerator
from sqlglot.transforms import preprocess, unnest_to_explode

INTEGERS = exp.DataType.INTEGER_TYPES
DOUBLES = exp.DataType.FLOAT_TYPES
DECIMALS = {exp.DType.DECIMAL}


def _kind(expression: exp.Expr | None) -> exp.DType | None:
    """The type of an expression, None where it is not known."""
    found = expression.type if expression is not None else None
    return None if found is None or found.is_type(exp.DType.UNKNOWN) else found.this


def is_date(expression: exp.Expr | None) -> bool:
    """Whether it is a day."""
    return _kind(expression) == exp.DType.DATE


_Rewrite = Callable[[Any, Any], str]


def _sub(generator: Any, node: exp.Sub) -> str:
    """Days between two dates are a number, and months are taken off a date by name."""
    if is_date(node.this) and is_date(node.expression):
        return (f"CAST(DATEDIFF({generator.sql(node, 'this')},"
                f" {generator.sql(node, 'expression')}) AS BIGINT)")  # fmt: skip
    return _months(generator, node, "-") or str(generator.binary(node, "-"))


def _add(generator: Any, node: exp.Add) -> str:
    return _months(generator, node, "+") or str(generator.binary(node, "+"))


def _months(generator: Any, node: exp.Binary, sign: str) -> str | None:
    """`date ± to_years(n)` and `to_months(n)`: the day of another month, its last at most."""
    span = node.expression
    factor = {"to_years": 12, "to_months": 1}.get(
        span.name.lower() if isinstance(span, exp.Anonymous) else ""
    )
    if factor is None:
        return None
    number = generator.sql(span.expressions[0])
    return f"ADD_MONTHS({generator.sql(node, 'this')}, {sign}{factor} * ({number}))"


def _div(generator: Any, node: exp.Div) -> str:
    """A quotient is a double in DuckDB, whatever is divided."""
    return f"CAST({generator.sql(node, 'this')} AS DOUBLE) / {generator.sql(node, 'expression')}"


def _half_up(text: str, digits: int) -> str:
    """A double rounded half away from zero as DuckDB does: multiplied, rounded, divided."""
    return f"SIGN({text}) * CAST(FLOOR(ABS({text}) * 1E{digits} + 0.5) AS DOUBLE) / 1E{digits}"


def _round(generator: Any, node: exp.Round) -> str:
    digits = node.args.get("decimals")
    if _kind(node.this) in DOUBLES:
        return f"({_half_up(generator.sql(node, 'this'), int(digits.name) if digits else 0)})"
    return str(generator.function_fallback_sql(node))


def _cast(generator: Any, node: exp.Cast) -> str:
    """DuckDB rounds where Spark cuts off."""
    text, to, source = generator.sql(node, "this"), node.to, _kind(node.this)
    if to.this in INTEGERS and source in DECIMALS:
        text = f"ROUND({text})"
    elif to.this in INTEGERS and source in DOUBLES:
        text = f"RINT({text})"
    elif to.this in DECIMALS and source in DOUBLES:
        text = _half_up(text, int(to.expressions[1].name) if to.expressions[1:] else 0)
    else:
        return str(generator.cast_sql(node))
    return f"CAST({text} AS {generator.sql(to)})"


def _truncated(generator: Any, node: exp.TimestampTrunc) -> str:
    """The first day of a date's month or year is a date."""
    if is_date(node.this):
        return f"TRUNC({generator.sql(node, 'this')}, '{node.text('unit')}')"
    return str(generator.timestamptrunc_sql(node))


def _element(generator: Any, node: exp.Bracket) -> str:
    """An element of a list by its position from 1; nothing where there is none."""
    [place] = node.expressions
    # SQLGlot has counted a written number from 0 when it read it, anything else it leaves alone.
    text = str(int(place.name) + 1) if place.is_int else generator.sql(place)
    return f"TRY_ELEMENT_AT({generator.sql(node, 'this')}, CAST({text} AS INT))"


def _list(generator: Any, node: exp.ArrayAgg, where: str = "") -> str:
    """A list of rows; nothing where there are none."""
    ordered = isinstance(node.this, exp.Order)
    text = (_ordered_list(generator, node.this, where) if ordered
            else f"COLLECT_LIST({generator.sql(node, 'this')}){where}")  # fmt: skip
    return f"CASE WHEN COUNT(1){where} > 0 THEN {text} END"


def _joined(generator: Any, node: exp.GroupConcat, where: str = "") -> str:
    """`string_agg(x, ',' order by …)`: the texts of a list, nothing where there are none."""
    value = generator.sql(node.this, "this")
    separator = generator.sql(node, "separator") or "','"
    text = f"ARRAY_JOIN({_ordered_list(generator, node.this, where)}, {separator})"
    return f"CASE WHEN COUNT({value}){where} > 0 THEN {text} END"


def _ordered_list(generator: Any, order: exp.Order, where: str) -> str:
    """Spark collects in any order, so the keys go along and are sorted by."""
    keys = [f"{generator.sql(one, 'this')} AS k{n}" for n, one in enumerate(order.expressions)]
    value = f"{generator.sql(order, 'this')} AS v"
    tests = []
    for n, one in enumerate(order.expressions):
        left, right = f"l.k{n}", f"r.k{n}"
        smaller = 1 if one.args.get("desc") else -1
        empty = -1 if one.args.get("nulls_first") else 1
        tests += [
            f"WHEN {left} < {right} THEN {smaller}", f"WHEN {left} > {right} THEN {-smaller}",
            f"WHEN {left} IS NULL AND {right} IS NOT NULL THEN {empty}",
            f"WHEN {left} IS NOT NULL AND {right} IS NULL THEN {-empty}",
        ]  # fmt: skip
    collected = f"COLLECT_LIST(STRUCT({', '.join([*keys, value])})){where}"
    return (f"TRANSFORM(ARRAY_SORT({collected}, (l, r) -> CASE {' '.join(tests)} ELSE 0 END),"
            " one -> one.v)")  # fmt: skip


def _filtered(generator: Any, node: exp.Filter) -> str:
    where = f" FILTER({generator.sql(node, 'expression').strip()})"
    if isinstance(node.this, exp.ArrayAgg):
        return _list(generator, node.this, where)
    if isinstance(node.this, exp.GroupConcat):
        return _joined(generator, node.this, where)
    return str(generator.filter_sql(node))


def _concat(generator: Any, node: exp.Concat) -> str:
    """`concat()` leaves out what is empty and takes numbers too."""
    parts = (f"COALESCE(CAST({generator.sql(one)} AS STRING), '')" for one in node.expressions)
    return f"CONCAT({', '.join(parts)})"


def _length(generator: Any, node: exp.Length) -> str:
    called = "SIZE" if _kind(node.this) == exp.DType.ARRAY else "LENGTH"
    return f"CAST({called}({generator.sql(node, 'this')}) AS BIGINT)"


def _call(generator: Any, node: exp.Anonymous) -> str:
    arguments = ", ".join(generator.sql(one) for one in node.expressions)
    match node.name.lower():
        case "filled_json":
            return f"TO_JSON({arguments})"
        case "list_position":
            return f"CAST(NULLIF(ARRAY_POSITION({arguments}), 0) AS INT)"
    return str(generator.anonymous_sql(node))


_REWRITES: dict[type[exp.Expr], _Rewrite] = {
    exp.Add: _add,
    exp.Anonymous: _call,
    exp.ArrayAgg: _list,
    exp.Concat: _concat,
    exp.GroupConcat: _joined,
    exp.Length: _length,
    exp.Bracket: _element,
    exp.Cast: _cast,
    exp.Div: _div,
    exp.Filter: _filtered,
    exp.Round: _round,
    # Spark knows QUALIFY itself.
    exp.Select: preprocess([unnest_to_explode]),
    exp.Sign: lambda generator, node: f"CAST(SIGN({generator.sql(node, 'this')}) AS INT)",
    exp.Sub: _sub,
    exp.TimestampTrunc: _truncated,
}


class SparkDialect(Spark):
    """Spark with the rewrites that DuckDB's meaning needs."""

    class Generator(SparkGenerator):
        TRANSFORMS: ClassVar[dict[Any, Any]] = {**SparkGenerator.TRANSFORMS, **_REWRITES}
        TYPE_MAPPING: ClassVar[dict[Any, Any]] = {
            **SparkGenerator.TYPE_MAPPING,
            exp.DType.INT128: "DECIMAL(38, 0)",
        }
