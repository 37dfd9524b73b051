"""Pruning: old partitions leave the warehouse, which holds personal data in clear; with them go
snapshots, reports, published dates, the history of runs, and what killed processes left aside.

What the kept dates are carried from or compared with stays: month ends, the same days of last year,
the first day of the history, and what organisations had the day before the first that is kept; it
holds balances and no personal data. A date that was pruned can be run again as long as its landing
files are there.
"""

import shutil
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from acrm_batch import snapshot
from acrm_batch.ledger import Ledger
from acrm_batch.project import Project
from acrm_batch.publish import drop_old
from acrm_batch.report import files as reports
from acrm_batch.settings import BatchSettings
from crm_shared import postgres
from crm_shared.business_calendar import is_month_end
from crm_shared.errors import CrmError

_YEAR = timedelta(days=366)
#: Looking holds no lock, and is over long before that.
_LONGEST_LOOK_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed: partitions and reports of dates before the first that is kept, snapshots
    and published dates beyond those that the settings keep, runs older than their days, and folders
    that killed processes left aside."""

    first_kept: date | None
    partitions: int = 0
    snapshots: int = 0
    reports: int = 0
    published_dates: int = 0
    runs: int = 0
    left_aside: int = 0


def prune(settings: BatchSettings, keep_days: int, keep_runs_days: int) -> Pruned:
    """Remove what is older than the newest `keep_days`, and runs older than `keep_runs_days`."""
    removed = 0
    with Ledger.open(settings.database_url.get_secret_value(), "acrm prune") as ledger:
        published = drop_old(ledger, settings.keep_dates)
        runs = _forget_runs(ledger, keep_runs_days)
        left_aside = _remove_left_aside(ledger, settings.warehouse_dir / ".aside")
        made = [as_of for _, as_of in ledger.partitions()]
        if not made:
            return Pruned(None, published_dates=published, runs=runs, left_aside=left_aside)
        first_kept = max(made) - timedelta(days=keep_days - 1)
        for day, folders in _old(settings.warehouse_dir, first_kept, max(made)).items():
            with postgres.advisory_lock(ledger.connection, f"acrm {day}"):
                ledger.connection.commit()
                # The ledger first: what is killed in between leaves nothing that would be trusted.
                ledger.forget_partitions(day, [folder.parent.name for folder in folders])
                for folder in folders:
                    _remove(folder)
            removed += len(folders)
    return Pruned(
        first_kept,
        removed,
        snapshot.prune(settings.warehouse_dir, settings.keep_snapshots),
        _remove_reports(settings.warehouse_dir, first_kept),
        published,
        runs,
        left_aside,
    )


def _remove_left_aside(ledger: Ledger, aside: Path) -> int:
    """What dates that nobody runs any more, and looks that ended long ago, left of a kill; one that
    ends meanwhile takes its folder away itself."""
    removed = 0
    for folder in sorted(one for one in aside.glob("*") if one.is_dir()):
        if folder.name.startswith("acrm-"):
            with suppress(FileNotFoundError):
                if folder.stat().st_mtime < time.time() - _LONGEST_LOOK_SECONDS:
                    _remove(folder)
                    removed += 1
            continue
        with (
            suppress(postgres.AlreadyRunningError),
            postgres.advisory_lock(ledger.connection, f"acrm {folder.name}"),
        ):
            if folder.exists():
                _remove(folder)
                removed += 1
    return removed


def _forget_runs(ledger: Ledger, keep_days: int) -> int:
    """Runs that ended so long ago, with their steps and audits, except those readers still see."""
    old = (
        "select run_id from acrm.runs where finished_at < clock_timestamp() - make_interval("
        "days => %s) and run_id not in (select run_id from acrm.publications)"
    )
    with ledger.connection.transaction():
        for table in ("steps", "audits"):
            ledger.connection.execute(
                f"delete from acrm.{table} where run_id in ({old})".encode(), (keep_days,)
            )
        return ledger.connection.execute(
            f"delete from acrm.runs where run_id in ({old})".encode(), (keep_days,)
        ).rowcount


def _remove_reports(warehouse: Path, first_kept: date) -> int:
    old = [
        path
        for path in reports.folder_of(warehouse).glob("acrm_????-??-??.*.html")
        if date.fromisoformat(path.name[5:15]) < first_kept
    ]
    for path in old:
        path.unlink()
    return len(old)


def _old(warehouse: Path, first_kept: date, newest: date) -> dict[date, list[Path]]:
    """The folders of partitions that may go, by date."""
    project = Project.load()
    carried, compared = _carried(project), _compared(project)
    # What nothing makes for the sake of the first date that is kept must be there to compare with.
    day_before = first_kept - timedelta(days=1)
    if_made = {name for model in project.models.values() for name in model.if_made}
    found: dict[date, list[Path]] = defaultdict(list)
    for model, days in _partitions(warehouse).items():
        for day in days:
            is_needed = is_month_end(day) and model in carried | compared
            if model in compared:
                last_year = first_kept - _YEAR <= day <= newest - _YEAR + timedelta(days=1)
                is_needed = is_needed or last_year or day == min(days)
            is_needed = is_needed or (model in if_made and day == day_before)
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
