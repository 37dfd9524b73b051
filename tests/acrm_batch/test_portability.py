"""What lint refuses because DuckDB and Spark take it differently, and what Spark is given."""

from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlglot

from acrm_batch import portability
from acrm_batch.catalogue import Catalogue, ParameterValue
from acrm_batch.engines.duckdb import Bound
from acrm_batch.engines.spark import SparkEngine
from acrm_batch.engines.spark_text import NotTranslatableError, translated
from acrm_batch.model import Model, bind_name
from acrm_batch.project import Project
from crm_shared.errors import UsageError

LOANS = {
    "loan_id": "BIGINT", "amount": "DECIMAL(18,2)", "rate": "DOUBLE", "granted_on": "DATE",
    "settled_on": "DATE", "branch_id": "VARCHAR", "status": "VARCHAR",
}  # fmt: skip


@cache
def package() -> Project:
    return Project.load()


def faults(sql: str) -> list[str]:
    """What lint says of a model that reads the loans."""
    loans = package().models["stg_loans"]
    model = Model("int_new", "base", "x", "as_of", sql, key=("loan_id",))
    return portability.faults(Project({"stg_loans": loans, "int_new": model},
                                      Catalogue((), (), ())))  # fmt: skip


def spark(expression: str, **bound: date | int) -> str:
    """An expression over the loans as Spark gets it."""
    text = translated(f"select {expression} as x from loans", {"loans": LOANS}, bound, [])
    return text.removeprefix("SELECT ").replace("`loans`.", "").replace("`", "").split(" AS x ")[0]


@pytest.mark.slow
def test_the_spark_text_of_every_model_is_one_that_sqlglot_reads_as_sparks() -> None:
    project = package()
    relations, refused = portability.described(project)
    assert refused == []
    for model in project.models.values():
        bound: dict[str, Bound] = {"bd": date(2026, 1, 31), "first_day": date(2026, 1, 1)}
        bound |= {"month_days": 31, "year_days": 31, "version": 1}
        bound |= {bind_name(code): 1 for code in model.parameters}
        read = {*model.reads, *model.references, f"{model.name}_before"} & relations.keys()
        known = {name: relations[name] for name in read}
        text = translated(model.bound_sql, known, bound, project.catalogue.parameters)
        assert isinstance(sqlglot.parse_one(text, read="spark"), sqlglot.exp.Query), model.name


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        (
            "avg(amount)",
            "calls avg(), which is not the same on Spark; write cast(sum(x) as double)",
        ),
        ("arg_max(amount, granted_on)", "write row_number() over (… order by …) = 1"),
        ("any_value(status)", "write min(x) or max(x)"),
        ("mode(status)", "ties go either way"),
        ("median(amount)", "take the row in the middle"),
        ("quantile_cont(amount, 0.5)", "write percent_rank() or row_number()"),
        ("first(status)", "first_value(x) over"),
        ("list(status)", "collects a list in any order; write list(… order by …)"),
        ("list_sort(list(status order by loan_id))", "sorts a list that may hold empty values"),
        ("string_agg(status, ',')", "joins texts in any order"),
        ("approx_count_distinct(status)", "write count(distinct x)"),
        ("sum(loan_id)", "int_new.x is a HUGEINT, which does not keep in Parquet as it is"),
        ("list(status order by loan_id) over ()", "collects over a window"),
    ],
)
def test_aggregates_that_differ_are_refused(expression: str, fault: str) -> None:
    [found] = faults(f"select 1 as loan_id, {expression} as x from stg_loans")
    assert found.startswith("int_new") and fault in found


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("dayofweek(granted_on)", "count the days from a Monday"),
        ("date_diff('month', granted_on, settled_on)", "counts months between dates"),
        ("no_such(granted_on)", "is refused by DuckDB"),
        ("amount // 7", "divides by // in"),
        ("cast(cast(rate as double) as varchar)", "writes a double as text"),
        ("json_object('a', loan_id)", "write filled_json({'name': value})"),
        ("to_json({'a': loan_id})", "write filled_json({'name': value})"),
        ("filled_json({'a': amount})", "puts the number or time a into filled_json()"),
        ("regexp_matches(status, 'r.*')", "patterns differ"),
        ("status similar to 'r.*'", "similar to"),
        ("random()", "a model is the same whenever it is made"),
        ("current_date", "write $bd"),
        ("hash(status)", "every engine hashes in its own way"),
        ("row_number() over (partition by status)", "numbers rows in any order"),
        ("[1, 2, 3][1:2]", "takes a slice"),
        ("{'a': loan_id}['a']", "takes a field by its name"),
        ("unnest([1, 2])", "a row per element"),
        ("levenshtein(status, 'x')", "write it with the functions that docs/spark.md lists"),
    ],
)
def test_expressions_that_differ_are_refused(expression: str, fault: str) -> None:
    assert any(fault in one for one in faults(f"select loan_id, {expression} as x from stg_loans"))


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("select loan_id, loan_id > 1 as x from stg_loans where x", "cannot be translated"),
        ("select loan_id from stg_loans limit 5", "limits rows in any order"),
        ("select distinct on (status) loan_id from stg_loans", "uses distinct on"),
        ("select loan_id from stg_loans union all by name select loan_id from stg_loans",
         "unites by name"),
        ("select a.loan_id from stg_loans as a asof join stg_loans as b"
         " on a.granted_on >= b.granted_on", "joins by asof"),
        ("select loan_id from stg_loans using sample 10 rows", "takes a sample"),
        ("select * from (pivot stg_loans on status using count(*))", ""),
    ],
)  # fmt: skip
def test_queries_that_differ_are_refused(sql: str, fault: str) -> None:
    found = faults(sql)
    assert found and all(one.startswith("int_new ") for one in found) and fault in found[0]


def test_what_an_author_may_write_is_not_refused() -> None:
    sql = """
        select loan_id, list(status order by granted_on, loan_id) as statuses,
            count(*) filter (where amount > 0) as filled, max(granted_on - settled_on) as days,
            cast(sum(amount) as double) / count(amount) as mean
        from stg_loans
        group by loan_id
        qualify row_number() over (order by loan_id) <= 10
    """
    assert faults(sql) == []


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("granted_on - settled_on", "CAST(DATEDIFF(granted_on, settled_on) AS BIGINT)"),
        ("granted_on - 7", "granted_on - 7"),
        ("granted_on - to_years(2)", "ADD_MONTHS(granted_on, -12 * (2))"),
        ("amount / 3", "CAST(amount AS DOUBLE) / 3"),
        ("cast(amount as integer)", "CAST(ROUND(amount) AS INT)"),
        ("cast(rate as integer)", "CAST(RINT(rate) AS INT)"),
        ("cast(loan_id as integer)", "CAST(loan_id AS INT)"),
        ("date_trunc('month', granted_on)", "TRUNC(granted_on, 'MONTH')"),
        ("list_position(['a', 'b'], status)",
         "CAST(NULLIF(ARRAY_POSITION(ARRAY('a', 'b'), status), 0) AS INT)"),
        ("['a', 'b'][1]", "TRY_ELEMENT_AT(ARRAY('a', 'b'), CAST(1 AS INT))"),
        ("['a', 'b'][loan_id]", "TRY_ELEMENT_AT(ARRAY('a', 'b'), CAST(loan_id AS INT))"),
        ("filled_json({'A_b': loan_id})", "TO_JSON(STRUCT(loan_id AS A_b))"),
    ],
)  # fmt: skip
def test_each_rewrite_says_what_duckdb_means(expression: str, text: str) -> None:
    assert spark(expression) == text


def test_bind_variables_are_written_as_values() -> None:
    assert spark("$bd - 1", bd=date(2026, 1, 31)) == "CAST('2026-01-31' AS DATE) - 1"


def test_a_parameter_of_a_legal_entity_goes_before_the_unions() -> None:
    since = date(1900, 1, 1)
    values = [ParameterValue("contact.cap", "*", since, 4),
              ParameterValue("contact.cap", "L2", since, 2)]  # fmt: skip
    text = translated("select param('contact.cap', branch_id) as x from loans", {"loans": LOANS},
                      {}, values)  # fmt: skip
    assert "CASE `loans`.`branch_id` WHEN 'L2' THEN 2 ELSE 4 END" in text


def test_a_macro_with_the_wrong_number_of_arguments_is_refused() -> None:
    with pytest.raises(NotTranslatableError, match="ratio takes 2 arguments"):
        spark("ratio(amount)")


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="PySpark is there")
def test_where_pyspark_is_not_installed_the_engine_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"deploy/spark/requirements\.lock, or run with --engine"):
        SparkEngine(tmp_path, tmp_path / "aside", "500MB", 1)
