"""How indicators and tags are distributed on a date, so that two dates can be compared cheaply.

Written into the snapshot when it is made: a comparison then reads a few hundred rows and not two
days of customers. Tags are counted exactly; indicators on every n-th customer, chosen by a hash of
the id, so that the same customers are looked at on every date.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import duckdb

from acrm_batch.catalogue import Catalogue
from acrm_batch.engines.sql import literal

#: About so many customers are enough to see a distribution move.
SAMPLE = 20_000

#: Half decades of the absolute value, with its sign; 0 is a bin of its own, and so is nothing.
_BIN = (
    "case when value = 0 then 0 else"
    " cast(sign(value) * greatest(1, floor(2 * log10(abs(value))) + 9) as integer) end"
)

#: What is empty counts as this share, so that the index stays finite.
_LEAST_SHARE = 1e-4


@dataclass(frozen=True, slots=True)
class Drift:
    """An indicator on two dates: shares of zeros, means, and the population stability index, which
    is below 0.1 where little changed and above 0.25 where the population is another one."""

    code: str
    mean: float | None
    mean_before: float | None
    zero_share: float
    zero_share_before: float
    median: float | None
    median_before: float | None
    index: float


def statements(catalogue: Catalogue) -> Iterator[str]:
    """What makes `populations`, `statistics` and `distributions` of a snapshot's customers."""
    yield "create table snapshot.populations (path varchar, customers bigint)"
    if catalogue.tags:
        pairs = ", ".join(
            f"{{'path': {literal(tag.path)}, 'customers': count(*) filter (where {tag.column})}}"
            for tag in catalogue.tags
        )
        yield (
            f"insert into snapshot.populations select unnest([{pairs}], recursive := true)"
            " from snapshot.customers"
        )
    numbers = [
        one.column
        for one in catalogue.at_grain("customer")
        if one.unit in ("money", "count", "ratio")
    ]
    columns = ", ".join(numbers)
    values = ", ".join(f"cast({column} as double) as {column}" for column in numbers)
    yield (
        "create temp table sampled as"
        f" with n as (select greatest(1, count(*) // {SAMPLE}) as every from snapshot.customers),"
        f" chosen as (select {values} from snapshot.customers"
        " where hash(customer_id) % (select every from n) = 0)"
        f" select code, value from chosen unpivot include nulls (value for code in ({columns}))"
    )
    yield (
        "create table snapshot.statistics as select upper(code) as code, count(*) as customers,"
        " count(*) filter (where value is null) as empty,"
        " count(*) filter (where value = 0) as zero, avg(value) as mean,"
        " quantile_disc(value, 0.5) filter (where value <> 0) as median,"
        " min(value) as least, max(value) as most from sampled group by code order by code"
    )
    yield (
        f"create table snapshot.distributions as select upper(code) as code, {_BIN} as bin,"
        " count(*) as customers from sampled group by all order by all"
    )
    yield "drop table sampled"


def compare(now: duckdb.DuckDBPyConnection, before: duckdb.DuckDBPyConnection) -> list[Drift]:
    """The indicators that two snapshots have in common, those that moved most first."""
    query = (
        "select code, mean, zero / greatest(customers, 1), median from snapshot.statistics"
        " order by code"
    )
    old = {row[0]: row[1:] for row in before.execute(query).fetchall()}
    shares, shares_before = _shares(now), _shares(before)
    found = [
        Drift(code, mean, old[code][0], zero, old[code][1], median, old[code][2],
              stability_index(shares[code], shares_before[code]))
        for code, mean, zero, median in now.execute(query).fetchall()
        if code in old
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.index, one.code))


def _shares(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[int | None, float]]:
    """Per code, the share of the customers in each bin."""
    counts: dict[str, dict[int | None, int]] = defaultdict(dict)
    for code, bin_, customers in connection.execute(
        "select code, bin, customers from snapshot.distributions"
    ).fetchall():
        counts[code][bin_] = customers
    return {
        code: {bin_: n / sum(bins.values()) for bin_, n in bins.items()}
        for code, bins in counts.items()
    }


def stability_index(now: dict[int | None, float], before: dict[int | None, float]) -> float:
    """The population stability index: sum over bins of (p - q) ln(p / q)."""
    total = 0.0
    for bin_ in now.keys() | before.keys():
        p = max(now.get(bin_, 0.0), _LEAST_SHARE)
        q = max(before.get(bin_, 0.0), _LEAST_SHARE)
        total += (p - q) * log(p / q)
    return total
