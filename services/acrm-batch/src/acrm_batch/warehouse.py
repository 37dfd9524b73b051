"""The warehouse's folders: one Parquet file per model and date, put in place by rename."""

import os
import shutil
from datetime import date
from pathlib import Path


def partition_path(warehouse: Path, model: str, as_of: date) -> Path:
    """Where a partition lies."""
    return warehouse / model / f"as_of={as_of.isoformat()}" / "data.parquet"


def put_in_place(staged: Path, path: Path) -> None:
    """Rename a file that is on disk to where it belongs; it is there, whatever happens next."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clean_aside(folder: Path) -> None:
    """Remove what a killed run of the same date left aside; the caller holds the date's lock."""
    shutil.rmtree(folder, ignore_errors=True)
