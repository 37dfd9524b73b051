"""Where reports are written: one file per date and language, whole or not at all."""

from datetime import date
from pathlib import Path

from acrm_batch.ledger import Ledger
from acrm_batch.project import Project
from acrm_batch.report.facts import collect
from acrm_batch.report.page import render
from acrm_batch.report.texts import LANGUAGES, Language
from crm_shared.errors import CrmError


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


def write(path: Path, page: str) -> Path:
    """A page, put in place by a rename; `CrmError` where it cannot be written."""
    aside = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(page, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise CrmError(
            f"The report {path} cannot be written ({error.strerror}); make room, or give the right"
            " to write there."
        ) from error
    return path
