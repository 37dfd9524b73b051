"""Landing files as SQL relations for a bench, which trusts them: manifests are read, nothing is
checked."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from acrm_batch.engines.sql import empty_relation, file_list
from acrm_batch.inputs import File, Inputs, delivered_days
from crm_shared.errors import NotReadyError
from crm_shared.landing import TABLES, read_manifest


class Landed:
    """The days delivered up to a date."""

    def __init__(self, folder: Path, day: date) -> None:
        self.folder = folder
        self.day = day
        manifests = [read_manifest(folder, one) for one in delivered_days(folder, day)]
        if not manifests or manifests[-1].business_date != day:
            raise NotReadyError(
                f"The extract of {day} has not arrived in {folder}; name a day that was delivered."
            )
        self.inputs = Inputs(
            [one.business_date for one in manifests],
            [
                File(table, one.business_date, item.file, item.sha256, item.rows, item.full)
                for one in manifests
                for table, item in one.tables.items()
            ],
            [one.business_date for one in manifests if one.opening],
        )
        self.first_day = self.inputs.first_day(day)

    def rows(self, table: str, first: date, last: date) -> str:
        """Everything delivered of a table from one day to another."""
        return self.read(table, self.inputs.events(table, first, last))

    def rows_since_state(self, table: str, first: date) -> str:
        """Everything delivered of a table that tells its state on every day from the first on."""
        return self.read(table, self.inputs.state(table, self.day, since=first))

    def state(self, table: str, day: date) -> str:
        """A table as it stood on a day: what was delivered whole, but for keys that came anew."""
        found = [file for file in self.inputs.state(table, day) if file.rows]
        whole = self.read(table, [file for file in found if file.full])
        news = self.read(table, [file for file in found if not file.full])
        if all(file.full for file in found):
            return whole
        key = ", ".join(TABLES[table].key)
        return (
            f"(select * from {whole} as whole anti join {news} as news using ({key})"
            f" union all select * from {news} as news"
            f" qualify row_number() over (partition by {key} order by business_date desc) = 1)"
        )

    def read(self, table: str, files: Iterable[File]) -> str:
        """The rows of files of a table."""
        paths = [file.path(self.folder) for file in files if file.rows]
        if not paths:
            types = {column.name: column.type for column in TABLES[table].columns}
            return f"({empty_relation(types | {'business_date': 'DATE'})})"
        return (
            f"read_parquet({file_list(paths)}, hive_partitioning=true,"
            " hive_types={'business_date': DATE})"
        )
