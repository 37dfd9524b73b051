"""Pruning: old partitions leave the warehouse, which holds personal data in clear.

What the kept dates are carried from or compared with stays: month ends, the same days of last year,
and the first day of the history; it holds balances and no personal data. A date that was pruned can
be run again as long as its landing files are there.
"""

import shutil
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

from acrm_batch.ledger import Ledger
from acrm_batch.project import Project
from acrm_batch.settings import BatchSettings
from crm_shared import postgres
from crm_shared.business_calendar import is_month_end
from crm_shared.errors import CrmError

_YEAR = timedelta(days=366)


def prune(settings: BatchSettings, keep_days: int) -> tuple[date | None, int]:
    """Remove the partitions of dates before the newest `keep_days`; the first date that is kept,
    and how many were removed."""
    removed = 0
    with Ledger.open(settings.database_url.get_secret_value(), "acrm prune") as ledger:
        made = [as_of for _, as_of in ledger.partitions()]
        if not made:
            return None, 0
        first_kept = max(made) - timedelta(days=keep_days - 1)
        for day, folders in _old(settings.warehouse_dir, first_kept, max(made)).items():
            with postgres.advisory_lock(ledger.connection, f"acrm {day}"):
                ledger.connection.commit()
                # The ledger first: what is killed in between leaves nothing that would be trusted.
                ledger.forget_partitions(day, [folder.parent.name for folder in folders])
                for folder in folders:
                    _remove(folder)
            removed += len(folders)
    return first_kept, removed


def _old(warehouse: Path, first_kept: date, newest: date) -> dict[date, list[Path]]:
    """The folders of partitions that may go, by date."""
    project = Project.load()
    carried, compared = _carried(project), _compared(project)
    found: dict[date, list[Path]] = defaultdict(list)
    for model, days in _partitions(warehouse).items():
        for day in days:
            is_needed = is_month_end(day) and model in carried | compared
            if model in compared:
                last_year = first_kept - _YEAR <= day <= newest - _YEAR + timedelta(days=1)
                is_needed = is_needed or last_year or day == min(days)
            if day < first_kept and not is_needed:
                found[day].append(warehouse / model / f"as_of={day}")
    return found


def _partitions(warehouse: Path) -> dict[str, list[date]]:
    """The dates of every model's partitions, in order."""
    found: dict[str, list[date]] = defaultdict(list)
    for folder in sorted(warehouse.glob("*/as_of=*")):
        found[folder.parent.name].append(date.fromisoformat(folder.name.removeprefix("as_of=")))
    return found


def _compared(project: Project) -> set[str]:
    """The models that are compared with days further back than the day before."""
    return {
        name
        for model in project.models.values()
        for name, references in model.at.items()
        if set(references) != {"day"}
    }


def _carried(project: Project) -> set[str]:
    """The models that are made of their own month end before, and what they are made of."""
    chained = {model.name for model in project.models.values() if model.partition == "month_end"}
    return chained | {above for name in chained for above in project.upstream(name)}


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise CrmError(
            f"{folder} cannot be removed ({error.strerror}); give the right to write there, and"
            " prune again."
        ) from error
