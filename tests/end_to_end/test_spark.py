"""DuckDB and Spark make the same of every model and of every function that models may call."""

import shutil
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from acrm_batch.engines.compare import BothEngines, compare
from acrm_batch.engines.spark import SparkEngine, check_installed
from bank_simulator.generate import generate
from bank_simulator.plan import Plan
from crm_shared.errors import CrmError, UsageError
from deploy.local.state import State
from deploy.spark import cluster

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        find_spec("pyspark") is None or shutil.which("java") is None,
        reason="PySpark or Java is not there: make test-spark",
    ),
]

#: Expressions over SAMPLE, each of which uses functions that lint lets pass.
EXPRESSIONS = [
    "n - 1", "n % 3", "-n // 2", "abs(n)", "sign(amount)", "d - date '2026-01-01'", "d + 40",
    "d - to_months(1)", "d - to_years(1)", "d - interval 1 month", "date_diff('day', d, e)",
    "date_trunc('month', d)", "date_trunc('year', d)", "date_trunc('quarter', d)",
    "date_trunc('week', d)", "last_day(d)", "year(d)", "month(d)", "day(d)", "quarter(d)",
    "extract(month from d)", "strftime(d, '%Y-%m-%d')", "strftime(d, '%Y%m')", "d < e",
    "bank_date(t)", "amount / 3", "n / 4", "round(amount, 1)", "round(amount)", "round(x, 2)",
    "round(x)", "floor(x)", "ceil(x)", "floor(amount)", "cast(x as integer)",
    "cast(amount as integer)", "cast(amount as bigint)", "cast(x as decimal(18,2))",
    "cast(x as decimal(18,4))", "cast(amount as decimal(18,1))", "cast(amount as double)",
    "cast(n as decimal(18,2)) * amount", "amount * amount", "amount * 0.1", "exp(x / 1000)",
    "ln(abs(x) + 1)", "sqrt(abs(x))", "power(abs(x), 0.5)", "greatest(n, 3)", "least(n, null)",
    "coalesce(s, 'none')", "nullif(s, 'a')", "if(n > 2, 'x', 'y')", "s || '-' || n",
    "concat(s, n)", "concat_ws('/', s, 'z')", "upper(s)", "lower(s)", "length(s)", "trim(s)",
    "substr(s, 2, 2)", "left(s, 2)", "right(s, 2)", "replace(s, 'a', 'b')", "lpad(s, 5, '.')",
    "instr(s, 'b')", "starts_with(s, 'a')", "ends_with(s, 'c')", "contains(s, 'b')",
    "s like '%b%'", "s in ('a', 'abc')", "s is distinct from 'a'", "n between 2 and 4",
    "md5(s)", "sha1(s)", "cast(amount as varchar)", "cast(d as varchar)", "cast(n > 2 as varchar)",
    "try_cast(s as integer)", "n > 2 or null", "not (n > 2)", "[n, 2, 3]", "['a', 'b', 'c'][n]",
    "['a', 'b'][2]", "list_position(['a', 'abc'], s)", "list_contains(['a', 'abc'], s)",
    "len([n, n])", "list_filter([s, 'q'], lambda one: one is not null)",
    "list_transform([n, 2], lambda one: one + 1)", "case when n > 3 then 'big' when n is null "
    "then 'none' end", "case s when 'a' then 1 else 2 end", "ratio(amount, 2000000 + n)",
    "average(amount, 7)", "overlap_days(d, e, date '2026-01-10', date '2026-02-20')",
    "reminder_id('R02.LOAN_MATURES', s, 'due:' || strftime(d, '%Y-%m-%d'))",
    "filled_json({'N': n, 's.t': s, 'b': n > 2, 'inner': {'a': s, 'l': [{'q': 1}]},"
    " 'd': cast(d as varchar)})",
]  # fmt: skip

WINDOWS = [
    "row_number() over (order by s, k)", "rank() over (order by s)",
    "dense_rank() over (order by s)",
    "row_number() over (order by s desc, k)", "ntile(3) over (order by amount, k)",
    "percent_rank() over (order by amount)", "cume_dist() over (order by n)",
    "lag(n) over (order by k)", "lead(n, 1, 9) over (order by k)",
    "sum(amount) over (partition by s order by k)", "count(*) over ()",
    "cast(sum(n) over (order by k rows between 2 preceding and current row) as bigint)",
    "first_value(s) over (order by amount, k)", "max(amount) over (partition by s)",
]  # fmt: skip

AGGREGATES = [
    "count(*)", "count(n)", "count(distinct s)", "count(distinct s) filter (where n > 1)",
    "sum(amount)", "sum(amount) filter (where n > 2)", "cast(sum(n) as bigint)", "min(s)", "max(d)",
    "sum(amount) / count(*)", "cast(sum(amount) as double) / count(amount)", "bool_and(n > 0)",
    "bool_or(n > 3)", "bit_or(n)", "cast(bit_count(bit_or(n)) as bigint)",
    "stddev(x)", "stddev_pop(x)", "string_agg(s, ',' order by s, k)",
    "list(s order by amount desc, k)", "list(n order by s, k) filter (where n is not null)",
    "list_sort(list_distinct(list(s)))",
]  # fmt: skip

SAMPLE = """
select k, cast(n as bigint) as n, cast(s as varchar) as s, cast(amount as decimal(18,2)) as amount,
    cast(x as double) as x, cast(d as date) as d, cast(e as date) as e,
    cast(d as timestamp) + interval 17 hour as t
from (values
    (1, 1, 'a', 0.05, 0.285, '2026-01-31', '2026-02-28'),
    (2, 2, 'abc', -2.50, 2.5, '2024-02-29', '2025-03-01'),
    (3, 3, ' b ', 1234567.89, -1.005, '2026-03-31', '2026-03-30'),
    (4, 4, '', 0.00, 1234.56789, '2025-12-31', null),
    (5, 1, null, 10.15, 3.5, '2026-01-01', '2026-01-01'),
    (6, 5, '中文', -0.05, 0.5, '2026-05-04', '2027-05-04'),
    (7, null, 'a', null, null, null, '2026-01-15')
) as listed (k, n, s, amount, x, d, e)
"""


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated bank of 800 customers."""
    folder = tmp_path_factory.mktemp("simulated") / "bank"
    generate(Plan(customers=800, first=date(2025, 11, 30), last=date(2026, 3, 1), seed=42), folder)
    return folder


@pytest.fixture
def both(tmp_path: Path) -> Iterator[BothEngines]:
    engine = BothEngines(tmp_path, tmp_path / "aside", "500MB", 2)
    engine.view("sample", SAMPLE)
    yield engine
    engine.close()


def columns(expressions: list[str]) -> str:
    return ", ".join(f"{text} as c{n}" for n, text in enumerate(expressions))


def test_every_portable_function_is_the_same_on_both_engines(both: BothEngines) -> None:
    both.stage("calls", f"select k, {columns(EXPRESSIONS)} from sample", ["k"], {})
    both.stage("ranks", f"select k, {columns(WINDOWS)} from sample", ["k"], {})
    both.stage("sums", f"select 1 as k, {columns(AGGREGATES)} from sample", ["k"], {})
    both.stage("groups", f"select n as k, {columns(AGGREGATES)} from sample group by n", ["k"], {})
    assert [one.model for one in both.compared] == ["calls", "ranks", "sums", "groups"]
    assert {one.model: one.differences for one in both.compared if one.differences} == {}


def test_every_model_is_the_same_on_both_engines(landing: Path, tmp_path: Path) -> None:
    found = compare(landing, tmp_path, date(2026, 2, 28), memory_limit="1GB")
    assert {one.model: one.differences for one in found if one.differences} == {}
    assert sum(one.rows for one in found) > 10_000
    assert {"mart_customers", "pub_customer_indicators"} <= {one.model for one in found}


def test_every_model_is_the_same_on_a_cluster_of_two_workers(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    folder = tmp_path / "cluster"
    state = State(folder)
    try:
        master = cluster.up(folder, state)
        found = compare(
            landing, tmp_path / "warehouse", date(2025, 12, 31), memory_limit="1GB", master=master
        )
    finally:
        cluster.down(folder, state)
    assert {one.model: one.differences for one in found if one.differences} == {}
    assert len(list(folder.glob("spark-worker-*/app-*"))) == 2


def test_a_model_that_fails_says_so_in_a_sentence(both: BothEngines) -> None:
    with pytest.raises(CrmError, match=r"Model bad failed in Spark \(.*CAST_INVALID_INPUT.*\); "):
        SparkEngine.stage(both, "bad", "select k, cast(s as integer) as x from sample", ["k"], {})


def test_a_master_that_is_none_is_refused(tmp_path: Path) -> None:
    engine = SparkEngine(tmp_path, tmp_path / "aside", "500MB", 1, "nonsense")
    engine.view("sample", SAMPLE)
    with pytest.raises(UsageError, match="correct ACRM_SPARK_MASTER"):
        engine.stage("any", "select k from sample", ["k"], {})
    engine.close()


def test_too_old_a_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.1\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r"is Java 11, too old for Spark: install Java 17"):
        check_installed()
