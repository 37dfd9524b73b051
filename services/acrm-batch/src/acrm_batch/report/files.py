"""Where reports are written: one file per date and language, whole or not at all."""

from datetime import date
from pathlib import Path

from acrm_batch.ledger import Ledger
from acrm_batch.pages import write
from acrm_batch.project import Project
from acrm_batch.report.facts import collect
from acrm_batch.report.page import render
from acrm_batch.report.texts import LANGUAGES, Language


def folder_of(warehouse: Path) -> Path:
    """Where runs leave their reports."""
    return warehouse / "reports"


def file_of(warehouse: Path, day: date, language: Language) -> Path:
    """The report of a date in a language."""
    return folder_of(warehouse) / f"acrm_{day.isoformat()}.{language}.html"


def write_reports(ledger: Ledger, project: Project, warehouse: Path, day: date) -> list[Path]:
    """The report of a date in every language."""
    facts = collect(ledger, project, warehouse, day)
    return [
        write(file_of(warehouse, day, language), render(facts, language)) for language in LANGUAGES
    ]
