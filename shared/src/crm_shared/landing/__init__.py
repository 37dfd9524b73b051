"""Landing files: what the core bank delivers every business date, and how it is checked.

`OUT/business_date=2026-06-30/<table>.parquet` and, written last, `_manifest.json`. A day without
its manifest is not there yet; a day without bookings has one all the same, so a gap between days is
a fault, unless the next day is marked as an `opening`. Two kinds of table:

* **state**: rows as they stand at the end of the day. In full on the first day and at every month
  end, otherwise only the rows that are new or changed that day. The state of a day is therefore
  the latest row per key since the last full delivery. Rows are never deleted; they end by a date
  or a status.
* **event**: what happened that day, complete, never repeated.

A manifest lists the tables its source has, every day: one without rows that day as an empty file.
A table that was listed before in the same history, since the last opening, must be listed on every
later day; a day without it is refused, so that a lost table is never taken for a quiet day.
"""

from crm_shared.landing.manifest import Manifest, TableFile, day_folder, read_manifest, sha256_of
from crm_shared.landing.schema import Column, Table
from crm_shared.landing.tables import TABLES, table

__all__ = [
    "TABLES",
    "Column",
    "Manifest",
    "Table",
    "TableFile",
    "day_folder",
    "read_manifest",
    "sha256_of",
    "table",
]
