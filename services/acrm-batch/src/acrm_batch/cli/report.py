"""What a run did, as a page: report."""

from pathlib import Path
from typing import Annotated

import typer

from acrm_batch.cli.options import Day, Json, Warehouse, settings_of
from acrm_batch.cli.output import print_json, say, sentences
from acrm_batch.ledger import Ledger
from acrm_batch.pages import write
from acrm_batch.project import Project
from acrm_batch.report.facts import collect
from acrm_batch.report.files import file_of
from acrm_batch.report.page import render
from acrm_batch.report.texts import LANGUAGES, Language
from crm_shared.errors import UsageError

app = typer.Typer()


@app.command()
def report(
    *,
    day: Day,
    out: Annotated[Path | None, typer.Option(help="File; by default in the warehouse.")] = None,
    lang: Annotated[str, typer.Option(help="zh-CN or en.")] = "zh-CN",
    warehouse: Warehouse = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write the report of a date's last run as one HTML page."""
    with sentences():
        language = _language(lang)
        settings = settings_of(warehouse_dir=warehouse)
        with Ledger.open(settings.database_url.get_secret_value(), "acrm report") as ledger:
            facts = collect(ledger, Project.load(), settings.warehouse_dir, day)
        path = write(out or file_of(settings.warehouse_dir, day, language), render(facts, language))
        print_json({"business_date": day, "file": path}) if as_json else say(f"Written to {path}.")


def _language(lang: str) -> Language:
    for language in LANGUAGES:
        if lang == language:
            return language
    raise UsageError(f"There is no report in {lang!r}; say {' or '.join(LANGUAGES)}.")
