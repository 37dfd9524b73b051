"""The dictionary page: every code, and every column that is published."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from acrm_batch.cli import app
from acrm_batch.dictionary_page import render
from acrm_batch.project import Project
from crm_shared.published import TABLES
from tests.acrm_batch.conftest import SECOND, Batch


@pytest.fixture(scope="module")
def page() -> str:
    """The page of the package."""
    return render(Project.load())


def test_every_code_is_there_with_both_names(page: str) -> None:
    for row in Project.load().catalogue.dictionary({}):
        assert f'id="{row["code"]}"' in page
        assert row["name_zh"] in page and row["owner"] in page


def test_no_published_column_is_missing(page: str) -> None:
    for table in TABLES.values():
        for column in ("business_date", *table.column_names):
            assert f"<code>{table.name}.{column}</code>" in page


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
