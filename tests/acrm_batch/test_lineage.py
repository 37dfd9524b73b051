"""Lineage down to columns: of small queries, and of everything in the package."""

import json

import pytest
from typer.testing import CliRunner

from acrm_batch import portability
from acrm_batch.cli import app
from acrm_batch.column_lineage import ROWS, Tracer
from acrm_batch.dictionary import entries
from acrm_batch.lineage import Origins
from acrm_batch.model import Model
from acrm_batch.project import Project
from crm_shared.errors import UsageError
from crm_shared.landing import TABLES
from crm_shared.published import TABLES as PUBLISHED

LANDING = {"landing.a": ("id", "x", "y", "of"), "landing.b": ("id", "z", "kind")}


@pytest.fixture(scope="module")
def origins() -> Origins:
    """What everything in the package is made of."""
    return Origins(Project.load())


def traced(sql: str) -> dict[str, set[str]]:
    """The columns of a query over landing tables a and b, and under `*` its rows."""
    model = Model("new", "base", "", "as_of", sql, before={"x": "integer"})
    found = Tracer(LANDING).trace(model)
    every = {**found.columns, ROWS: found.rows}
    return {
        name: {f"{relation.removeprefix('landing.')}.{column}" for relation, column in made_of}
        for name, made_of in every.items()
    }


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select x, y + x as total from landing.a", {"x": {"a.x"}, "total": {"a.x", "a.y"}}),
        ("select * exclude (y, of) from landing.a", {"id": {"a.id"}, "x": {"a.x"}}),
        (
            "select * exclude (of) replace (x + y as y, 1 as id) from landing.a",
            {"id": {"a.*"}, "x": {"a.x"}, "y": {"a.x", "a.y"}},
        ),
        ("select columns('x|y') from landing.a", {"x": {"a.x"}, "y": {"a.y"}}),
        ("select case when y > 0 then x end as v from landing.a", {"v": {"a.x", "a.y"}}),
        ("select x + 1 as p, p * 2 as q from landing.a", {"p": {"a.x"}, "q": {"a.x"}}),
        ("with t (v, w) as (select x, y from landing.a) select t.w from t", {"w": {"a.y"}}),
        (
            "select x as v from landing.a union all select z from landing.b",
            {"v": {"a.x", "b.z"}},
        ),
        (
            "select x, y from landing.a union all select z, z from landing.b",
            {"x": {"a.x", "b.z"}, "y": {"a.y", "b.z"}},
        ),
        (
            "select x, y, of, id from landing.a union all"
            " select b.id, b.* from landing.b join landing.a on a.id = b.id",
            {
                "x": {"a.x", "b.id"},
                "y": {"a.y", "b.id"},
                "of": {"a.of", "b.z"},
                "id": {"a.id", "b.kind"},
            },
        ),
        (
            "select 1 as p, 2 as q, 3 as r, 4 as s from (select id from landing.a) as one"
            " union all select * from (select id, z from landing.b) as two"
            " join (select id, kind from landing.b) as three on two.id = three.id",
            {
                "p": {"a.*", "b.id"},
                "q": {"a.*", "b.z"},
                "r": {"a.*", "b.*", "b.id"},
                "s": {"a.*", "b.*", "b.kind"},
            },
        ),
        (
            "select 1 as p, 2 as q, 3 as r from (select id from landing.a) as one"
            " union all select * from (select id, z from landing.b) as two"
            " join (select id, kind from landing.b) as three using (id)",
            {"p": {"a.*", "b.id"}, "q": {"a.*", "b.z"}, "r": {"a.*", "b.*", "b.kind"}},
        ),
        ("select x, x, y from landing.a", {"x": {"a.x"}, "x_1": {"a.x"}, "y": {"a.y"}}),
        ("select v from (select x as v from landing.a) as below", {"v": {"a.x"}}),
        ("select x from new_before", {"x": {"new.x"}}),
        ("select 1 as one, x from landing.a", {"one": {"a.*"}, "x": {"a.x"}}),
        (
            "select sum(x) as v, count(*) as n from landing.a where y > 0",
            {"v": {"a.x", "a.y", "a.*"}, "n": {"a.y", "a.*"}},
        ),
        (
            "select sum(x) filter (where y > 0) as v from landing.a group by of",
            {"v": {"a.x", "a.y", "a.of", "a.*"}},
        ),
        (
            "select row_number() over (partition by x order by y) as n from landing.a",
            {"n": {"a.x", "a.y", "a.*"}},
        ),
        # What is looked up is made of what it is looked up by, if that is not the common key.
        (
            "select b.z from landing.a as a left join landing.b as b on b.id = a.id",
            {"z": {"b.z", "b.*"}},
        ),
        (
            "select b.z from landing.a as a left join landing.b as b"
            " on b.id = a.of and b.kind = 'k'",
            {"z": {"b.z", "b.*", "b.id", "a.of", "b.kind"}},
        ),
        (
            "select b.id is not null as has from landing.a as a"
            " left join landing.b as b on b.id = a.id",
            {"has": {"b.id", "b.*"}},
        ),
        (
            "select x from landing.a qualify row_number() over (partition by of order by y) = 1",
            {"x": {"a.x", "a.y", "a.of", "a.*"}},
        ),
        (
            "select (select max(z) from landing.b where b.id = a.id) as v from landing.a as a",
            {"v": {"b.z", "b.id", "a.id", "b.*"}},
        ),
        (
            "select list_transform([x], one -> one + y) as v from landing.a".replace(
                "one ->", "lambda one:"
            ),
            {"v": {"a.x", "a.y"}},
        ),
        (
            "select code from (values ('p', 1), ('q', 2)) as listed (code, n)",
            {"code": set()},
        ),
    ],
)
def test_a_column_is_made_of_what_its_query_says(sql: str, columns: dict[str, set[str]]) -> None:
    found = traced(sql)
    del found[ROWS]
    assert found == columns


def test_a_left_join_keeps_the_rows_of_its_left_side() -> None:
    joined = "from landing.a as a left join landing.b as b on b.id = a.id"
    assert traced(f"select a.x, 1 as one {joined}") == {"x": {"a.x"}, "one": {"a.*"}, ROWS: {"a.*"}}
    assert traced(f"select count(*) as n {joined}")["n"] == {"a.*", "b.*", "a.id", "b.id"}


def test_the_rows_of_a_query_are_those_that_its_conditions_leave() -> None:
    sql = (
        "select a.id from landing.a as a inner join landing.b as b using (id) where a.x > 0"
        " qualify row_number() over (partition by a.id order by b.z) = 1"
    )
    assert traced(sql)[ROWS] == {"a.*", "b.*", "a.id", "b.id", "a.x", "b.z"}


@pytest.mark.parametrize(
    "sql", ["select nothing from landing.a", "select x from landing.c", "select x frm landing.a,"]
)
def test_what_cannot_be_followed_is_said(sql: str) -> None:
    with pytest.raises(UsageError, match="What new is made of cannot be told"):
        traced(sql)


@pytest.mark.slow
def test_every_model_has_the_columns_that_duckdb_finds(origins: Origins) -> None:
    relations, faults = portability.described(origins.project)
    assert faults == []
    for name in origins.project.models:
        assert list(origins.columns_of(name)) == [one.lower() for one in relations[name]]


def test_every_code_is_made_of_landing_columns(origins: Origins) -> None:
    known = {f"{table.name}.{c.name}" for table in TABLES.values() for c in table.columns}
    known |= {f"{table}.{name}" for table in TABLES for name in ("business_date", ROWS)}
    for code, inputs in origins.inputs().items():
        assert inputs, code
        assert set(inputs) <= known, code


@pytest.mark.parametrize(
    ("code", "inputs"),
    [
        ("LOAN_CNT", ["loans.branch_id", "loans.customer_id", "loans.status"]),
        ("BASIC/SEX/FEMALE", ["customers.customer_id", "customers.sex", "customers.status"]),
        (
            "DEP_BAL",
            ["balances.account_id", "balances.balance", "deposit_accounts.account_id",
             "deposit_accounts.branch_id", "deposit_accounts.closed_on",
             "deposit_accounts.customer_id", "deposit_accounts.opened_on"],
        ),
    ],
)  # fmt: skip
def test_a_code_is_made_of_what_its_formula_says(
    origins: Origins, code: str, inputs: list[str]
) -> None:
    assert origins.inputs()[code] == inputs


def test_a_key_customer_is_made_of_all_that_the_rule_looks_at(origins: Origins) -> None:
    inputs = set(origins.inputs()["IN_BANK/KEY"])
    assert inputs >= {
        "balances.balance",
        "loans.balance",
        "loans.days_overdue",
        "loans.interest_arrears",
        "loans.last_overdue_on",
        "loans.status",
        "customers.home_branch_id",
    }


def test_every_published_column_has_its_landing_columns(origins: Origins) -> None:
    for table in PUBLISHED.values():
        for column in table.column_names:
            found = origins.of_published(table.name, column)
            assert bool(found) is (table.name != "dictionary"), f"{table.name}.{column}"
    assert origins.of_published("customers", "phone_index") == ["customers.phone"]
    assert origins.of_published("customers", "document_masked") == ["customers.document_no"]
    assert origins.of_published("customers", "document_type") == ["customers.document_type"]


def test_lineage_goes_from_a_code_over_models_to_landing_columns() -> None:
    shown = CliRunner().invoke(app, ["lineage", "LOAN_CNT", "--json"])
    found = json.loads(shown.stdout)
    steps = dict(found["columns"])
    assert next(iter(steps)) == "ind_balances.loan_cnt"
    assert "stg_loans.status" in steps["ind_balances.loan_cnt"]
    assert steps["stg_loans.status"] == ["landing.loans.status"]
    assert "loans.status" in found["landing_columns"]
    [said] = [row for row in entries(Project.load()) if row["code"] == "LOAN_CNT"]
    words = [said["formula_zh"], said["formula_en"]]
    assert [found["formula_zh"], found["formula_en"]] == words
    lines = CliRunner().invoke(app, ["lineage", "LOAN_CNT"]).stdout.splitlines()
    assert lines[:2] == [f"LOAN_CNT: {formula}" for formula in words]
    told = CliRunner().invoke(app, ["lineage", "TIER/gold"]).stdout
    assert "TIER/gold: Visits a year:" in told
    told = CliRunner().invoke(app, ["lineage", "org_units.legal_entity_id"]).stdout
    assert "pub_org_units.legal_entity_id <- int_org_units.legal_entity_id" in told
    assert "landing columns: org_units.org_id, org_units.org_type, org_units.parent_id" in told


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("NO_SUCH_CODE", "Nothing is called NO_SUCH_CODE"),
        ("coverage.nothing", "coverage has no column nothing; it has branch_id"),
    ],
)
def test_an_unknown_code_is_refused(origins: Origins, code: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        origins.lineage(code)
