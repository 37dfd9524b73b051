"""The dictionary page: every code, and every column that is published."""

import json
import os
import re
import subprocess
import sys
from html import escape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acrm_batch import snapshot_columns
from acrm_batch.catalogue import UNITS
from acrm_batch.catalogue_files import TIERS
from acrm_batch.cli import app
from acrm_batch.dictionary import entries
from acrm_batch.dictionary_page import render
from acrm_batch.project import Project
from acrm_batch.snapshot import attached, file_of
from acrm_batch.snapshot_columns import OWN
from crm_shared.published import TABLES
from crm_shared.published_columns import meaning
from crm_shared.published_names import names_of
from tests.acrm_batch.conftest import SECOND, Batch
from tests.acrm_batch.processes import environment


@pytest.fixture(scope="module")
def page() -> str:
    """The page of the package."""
    return render(Project.load())


def row_of(page: str, code: str) -> str:
    """The row of a code, without the places where a long word may be broken."""
    found = page.partition(f'<code id="{escape(code)}">')[2].partition("</tr>")[0]
    return found.replace("<wbr>", "")


def test_the_row_of_every_code_says_all_that_is_published_of_it(
    page: str, published: Batch
) -> None:
    told = published.query(
        "select code, name_zh, name_en, formula_zh, formula_en, expression, coalesce(unit, ''),"
        " owner, version, model, inputs"
        " from acrm.dictionary"
    )
    project = Project.load()
    assert {code for code, *_ in told} == {row["code"] for row in project.catalogue.dictionary({})}
    for code, *words, version, model, inputs in told:
        row = row_of(page, code)
        landing = {word for one in inputs for word in one.split(".")}
        key = f"unique({', '.join(project.models[model].key)})"
        wanted = {*words, *landing, key, f"version {version}<", f"#m-{model}"}
        assert {word for word in wanted if escape(word) not in row and word not in row} == set()


#: What SQL has and no sentence needs.
SQL = re.compile(
    r"\b(sum|max|min|count|coalesce|cast|param|strength_ratio)\(|>=|<=|<>| is not null| in \('|\$bd"
)


def test_every_code_says_its_formula_in_words_of_both_languages(published: Batch) -> None:
    told = published.query("select code, formula_zh, formula_en, expression from acrm.dictionary")
    told += [
        (row["code"], row["formula_zh"], row["formula_en"], row["expression"])
        for row in entries(Project.load()) if row["kind"] == "tier"
    ]  # fmt: skip
    assert len(told) > len(TIERS)
    for code, zh, en, expression in told:
        assert re.search("[\u4e00-\u9fff]", zh), code
        assert re.search("[a-z]”? [a-z]", en), code
        assert not re.search("[\u4e00-\u9fff]", en), code
        assert not SQL.search(zh) and not SQL.search(en), code
        assert zh.endswith("。") and en.endswith("."), code
        assert expression not in ("", zh, en), code
        # Nobody but the models knows these columns.
        assert not re.search(r"\b(pot_|tag_|strength_)", zh + en), code


def test_no_row_of_the_page_or_the_command_lacks_anything(page: str) -> None:
    rows = json.loads(CliRunner().invoke(app, ["dictionary", "--json"]).stdout)
    assert {row["kind"] for row in rows} == {"indicator", "tag", "tag_level", "tier"}
    for row in rows:
        for name in ("name_zh", "name_en", "formula_zh", "formula_en", "expression", "owner",
                     "inputs", "audits"):  # fmt: skip
            assert row[name], (row["code"], name)
        assert (row["unit"] in UNITS) is (row["kind"] not in ("tag", "tag_level"))
        assert escape(row["formula_zh"]) in row_of(page, row["code"])


def test_every_level_above_a_tag_has_its_names(page: str) -> None:
    for tag in Project.load().catalogue.tags:
        for n in range(2, tag.path.count("/") + 1):
            level = "/".join(tag.path.split("/")[:n])
            row = row_of(page, level)
            assert escape(tag.name_zh) in row and escape(tag.name_en) in row, level
    assert "年龄段<br>Age" in row_of(page, "BASIC/AGE")


def test_the_command_shows_one_code_with_all_that_is_said_of_it() -> None:
    shown = CliRunner().invoke(app, ["dictionary", "IN_BANK/LOAN"]).stdout
    assert "formula_zh: 贷款笔数大于0。" in shown
    assert "formula_en: “Running loans” above 0." in shown
    assert "expression: loan_cnt > 0\n" in shown
    assert "audits: unique(customer_id)" in shown
    assert CliRunner().invoke(app, ["dictionary", "NO_SUCH"]).exit_code == 2


def test_no_published_column_is_missing_or_unexplained(page: str, published: Batch) -> None:
    found = published.query(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'acrm' and table_name = any(%s)", list(TABLES)
    )  # fmt: skip
    assert {name for name, _ in found} == set(TABLES)
    assert [one for one in found if f"<code>{one[0]}.{one[1]}</code>" not in page] == []
    for table in TABLES.values():
        for column in ("business_date", *table.column_names):
            assert f"<code>{table.name}.{column}</code>" in page
            said = meaning(table.name, column)
            assert escape(f"{said.zh}") in page and escape(said.en) in page
        called = names_of(table.name)
        assert re.search("[\u4e00-\u9fff]", called.zh) and called.description_zh in page
        assert f"{called.zh} {called.en} · {table.name}" in page


def test_no_column_of_the_snapshot_is_missing_or_unexplained(page: str, published: Batch) -> None:
    with attached(file_of(published.settings.warehouse_dir, SECOND)) as snapshot:
        found = snapshot.execute(
            "select table_name, column_name, data_type from duckdb_columns()"
            " where database_name = 'snapshot'"
        ).fetchall()
    assert {table for table, _, _ in found} == set(OWN)
    catalogue = Project.load().catalogue
    of_codes = {table: snapshot_columns.of_codes(catalogue, table) for table in OWN}
    for table, column, type_ in found:
        assert f"<code>{table}.{column}</code>" in page
        assert column in of_codes[table] or OWN[table][column].type == type_


def test_every_unit_is_named_where_it_is_published() -> None:
    said = re.findall(r"\w+", meaning("dictionary", "unit").en)
    assert UNITS.keys() <= set(said)


def test_a_landing_column_leads_to_the_codes_that_are_made_of_it(page: str) -> None:
    landing = page.partition('<h2 id="s6">')[2]
    row = landing.partition("<code>customers.sex</code>")[2].partition("</tr>")[0]
    assert 'href="#BASIC/SEX/FEMALE"' in row


def test_the_published_dictionary_names_landing_columns(published: Batch) -> None:
    inputs = dict(published.query("select code, inputs from acrm.dictionary"))
    assert inputs["LOAN_CNT"] == ["loans.branch_id", "loans.customer_id", "loans.status"]
    assert all(inputs.values())


def test_every_indicator_that_is_published_is_in_the_page(page: str, published: Batch) -> None:
    found = published.query(
        "select distinct json_object_keys(indicators) from acrm.customer_indicators union"
        " select distinct unnest(tags) from acrm.customer_tags where business_date = %s", SECOND
    )  # fmt: skip
    assert found
    for (code,) in found:
        assert f'id="{code}"' in page


def test_the_command_writes_it(tmp_path: Path) -> None:
    out = tmp_path / "dictionary.html"
    assert CliRunner().invoke(app, ["dictionary", "--html", str(out)]).exit_code == 0
    assert out.read_text().startswith("<!doctype html>")


def test_a_night_with_nothing_to_do_imports_nothing_that_it_does_not_need(
    published: Batch,
) -> None:
    script = (
        "import sys\nfrom acrm_batch.cli import app\n"
        "try:\n    app()\nfinally:\n"
        "    needless = {'sqlglot', 'rich.progress', 'pyarrow', 'kafka', 'acrm_batch.lineage'}\n"
        "    print(sorted(needless & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "run", "--date", SECOND.isoformat(), "--no-events"],
        env=os.environ | environment(published), capture_output=True, text=True, check=True,
    )  # fmt: skip
    said, imported = run.stdout.splitlines()
    assert "published before" in said
    assert imported == "[]"
