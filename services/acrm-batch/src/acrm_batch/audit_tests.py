"""What audits ask of a relation: sums compared with others, drifts against the partition before.

The relation is `staged`, the partition before `previous` (see `audits`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import isqrt
from typing import Any

from acrm_batch.engines.sql import literal
from acrm_batch.model import Model, bind_name


@dataclass(frozen=True, slots=True)
class Test:
    """One number asked of a relation, `source`: how many rows fail; `sample` asks which."""

    name: str
    severity: str
    source: str
    count: str
    sentence: str
    sample: str = ""


def key_text(key: tuple[str, ...] | list[str]) -> str:
    """A key as text: `customer_id 17, branch_id A`."""
    return " || ', ' || ".join(
        f"'{column} ' || coalesce(cast({column} as varchar), 'nothing')" for column in key
    )


def freshness(limits: dict[str, int], severity: str) -> Iterator[Test]:
    """The newest value of each column is at most so many days before the business date."""
    for column, days in limits.items():
        yield Test(
            f"freshness({column}, {days} days)", severity, "staged",
            f"case when coalesce(cast(max({column}) as date) >= $bd - {days}, false) then 0"
            " else 1 end",
            f"relation has no {column} within {days} days of the business date",
        )  # fmt: skip


def equal_sums(audit: dict[str, Any], severity: str) -> Iterator[Test]:
    """Columns summed per key here and in another relation must be equal, to the cent."""
    if audit.get("at_once"):
        yield _equal_sums_at_once(audit["with"], audit["by"], audit["columns"], severity)
        return
    other, by, columns = audit["with"], ", ".join(audit["by"]), audit["columns"]
    source = _differences(other, by, columns)
    what = f"values of {by}" if by else "totals"
    keys = f"{key_text(audit['by'])} || ' by ' || " if by else "'by ' || "
    order = f" order by {by}" if by else ""
    for n, column in enumerate(columns):
        yield Test(
            f"equal_sums({column}, {other})" if by else f"equal_sums(total {column}, {other})",
            severity, source, f"count(*) filter (where d{n} <> 0)", f"{what} differ from {other}",
            f"select {keys}d{n} from {source} where d{n} <> 0{order}",
        )  # fmt: skip


def _equal_sums_at_once(other: str, by: list[str], columns: list[str], severity: str) -> Test:
    """Columns summed per key, as one sum of them all, which needs the time and memory of few. Each
    is weighted by a number that no other has, so that an amount that stands in one column instead
    of another is seen, too."""
    key = ", ".join(by)
    weighted = " + ".join(
        f"{weight} * coalesce({one}, 0)" for weight, one in zip(_primes(), columns, strict=False)
    )
    source = (
        f"(select {key}, sum(d) as d from (select {key}, {weighted} as d from staged"
        f" union all select {key}, -({weighted}) from {other}) group by {key})"
    )
    apart = [f"case when d{n} <> 0 then '{one} by ' || d{n} end" for n, one in enumerate(columns)]
    amounts = f"concat_ws(', ', {', '.join(apart)})"
    return Test(
        f"equal_sums({len(columns)} columns, {other})", severity, source,
        "count(*) filter (where d <> 0)", f"values of {key} differ from {other}",
        f"select {key_text(by)} || ': ' || {amounts} from {_differences(other, key, columns)}"
        f" where {amounts} <> '' order by {key}",
    )  # fmt: skip


def _primes() -> Iterator[int]:
    return (n for n in count(2) if all(n % factor for factor in range(2, isqrt(n) + 1)))


def _differences(other: str, by: str, columns: list[str]) -> str:
    """Sums here less those of another relation, as d0, d1, …: a row per key, or one of totals."""
    if not by:
        sums = ", ".join(f"coalesce(sum({one}), 0) as s{n}" for n, one in enumerate(columns))
        less = ", ".join(f"here.s{n} - there.s{n} as d{n}" for n in range(len(columns)))
        return (
            f"(select {less} from (select {sums} from staged) as here"
            f" cross join (select {sums} from {other}) as there)"
        )
    sides = " union all ".join(
        f"select {by}, "
        + ", ".join(f"coalesce({column}, 0) * {sign} as d{n}" for n, column in enumerate(columns))
        + f" from {relation}"
        for relation, sign in (("staged", 1), (other, -1))
    )
    sums = ", ".join(f"sum(d{n}) as d{n}" for n in range(len(columns)))
    return f"(select {by}, {sums} from ({sides}) group by {by})"


def equal_totals(audit: dict[str, Any], severity: str) -> Iterator[Test]:
    """Columns summed over the rows of each value of `by` must come to the same total."""
    by, columns = audit["by"], audit["columns"]
    sums = ", ".join(f"sum({column}) as t{n}" for n, column in enumerate(columns))
    source = f"(select {by}, {sums} from staged group by {by})"
    for n, column in enumerate(columns):
        yield Test(
            f"equal_totals({column})", severity, source,
            f"case when max(t{n}) <> min(t{n}) then 1 end", f"total differs between values of {by}",
        )  # fmt: skip


def drifts(audit: dict[str, Any], columns: list[str], severity: str) -> Iterator[Test]:
    """Means, shares and numbers of rows against the partition before."""
    for column in columns if "mean_drift" in audit else ():
        yield _mean_drift(column, str(audit["mean_drift"]["max_pct"]), severity)
    for column in columns if "share_drift" in audit else ():
        yield _share_drift(column, str(audit["share_drift"]["max_points"]), severity)
    if columns and "holds_drift" in audit:
        yield _holds_drift(columns, str(audit["holds_drift"]["max_pct"]), severity)


def _mean_drift(column: str, limit: str, severity: str) -> Test:
    mean = f"avg(cast({column} as double))"
    source = f"(select (select {mean} from staged) as now, (select {mean} from previous) as before)"
    drifted = f"abs(now - before) * 100 > {bind(limit)} * abs(before)"
    return Test(
        f"mean_drift({column})", severity, source, f"count(*) filter (where {drifted})",
        f"mean of {column} moved by more than {limit} % since the partition before",
        f"select 'from ' || round(before, 4) || ' to ' || round(now, 4) from {source}"
        f" where {drifted}",
    )  # fmt: skip


def _share_drift(column: str, limit: str, severity: str) -> Test:
    sides = " union all ".join(
        f"select {column} as value, {sign}.0 * count(*) / sum(count(*)) over () as share"
        f" from {relation} group by {column}"
        for relation, sign in (("staged", 1), ("previous", -1))
    )
    source = f"(select value, sum(share) * 100 as points from ({sides}) group by value)"
    drifted = f"abs(points) > {bind(limit)}"
    return Test(
        f"share_drift({column})", severity, source, f"count(*) filter (where {drifted})",
        f"values of {column} moved by more than {limit} points of share since the partition before",
        "select coalesce(cast(value as varchar), 'nothing') || ' by ' || round(points, 1)"
        f" from {source} where {drifted} order by abs(points) desc, value",
    )  # fmt: skip


def _holds_drift(columns: list[str], limit: str, severity: str) -> Test:
    """Every flag in one pass. Of n rows in which it holds, chance moves about the root of n."""
    names = ", ".join(literal(column) for column in columns)
    counts = ", ".join(f"count(*) filter (where {column})" for column in columns)
    counted = "(select unnest([{}]) as flag, unnest([{}]) as held from {})"
    source = (
        "(select flag, now.held as held, before.held as held_before"
        f" from {counted.format(names, counts, 'staged')} as now"
        f" inner join {counted.format(names, counts, 'previous')} as before using (flag))"
    )
    moved = "abs(held - held_before)"
    drifted = (
        f"{moved} * 100 > {bind(limit)} * held_before and {moved} > 3 * sqrt(held + held_before)"
    )
    return Test(
        "holds_drift", severity, source, f"count(*) filter (where {drifted})",
        f"flags hold of more or fewer rows by more than {limit} % since the partition before",
        f"select flag || ' from ' || held_before || ' to ' || held from {source} where {drifted}"
        f" order by {moved} desc, flag",
    )  # fmt: skip


def bind(condition: str) -> str:
    """Parameters of a condition or limit as bind variables, like those of a model."""
    probe = Model("", "", "", "as_of", condition)
    for code in probe.parameters:
        condition = condition.replace(f"param('{code}')", "$" + bind_name(code))
    return condition
