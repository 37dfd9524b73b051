"""What the user of `make demo` may choose, read from the environment `make` passes on."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from crm_shared.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]

#: The first day and the last of the generated bank: 13 months, then the day that is replayed.
FIRST_DAY = date(2025, 6, 1)
REPLAY_DAY = date(2026, 7, 1)

#: What the planted answers need, as the simulator says.
SMALLEST_BANK = 800


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`once` ends after the report; `data` is the generated bank or the real Berka files."""

    once: bool
    data: Literal["generated", "berka"]
    customers: int
    real_data: Path
    folder: Path

    @classmethod
    def from_environment(cls) -> "DemoOptions":
        """`ONCE=1`, `DATA=berka`, `CUSTOMERS=20000`, `CRM_REAL_DATA=folder`."""
        data = os.environ.get("DATA") or "generated"
        if data not in ("generated", "berka"):
            raise UsageError(f"DATA={data} is not known; leave it out, or write DATA=berka.")
        customers = os.environ.get("CUSTOMERS") or "20000"
        if not customers.isdecimal() or int(customers) < SMALLEST_BANK:
            raise UsageError(
                f"CUSTOMERS={customers} is not a whole number of at least {SMALLEST_BANK}."
            )
        real_data = Path(os.environ.get("CRM_REAL_DATA") or ROOT.parent / "shared" / "data")
        return cls(
            once=os.environ.get("ONCE", "") not in ("", "0"),
            data="berka" if data == "berka" else "generated",
            customers=int(customers),
            real_data=real_data,
            folder=Path(os.environ.get("CRM_DEMO_DIR") or ROOT / ".local" / "demo").absolute(),
        )

    @property
    def berka_files(self) -> Path:
        """The real bank's .asc files, in the folder that was named or in `berka` below it."""
        here = (self.real_data / "account.asc").is_file()
        return self.real_data if here else self.real_data / "berka"

    @property
    def skipped(self) -> str | None:
        """Why this demo cannot be told here, in a sentence; None where it can."""
        if self.data == "berka" and not self.berka_files.is_dir():
            return (
                f"Skipped: the Berka files are not in {self.berka_files}. Get the PKDD'99 data set "
                "and name its folder in CRM_REAL_DATA, or leave DATA=berka out."
            )
        return None

    @property
    def landing(self) -> Path:
        """What the core bank delivers."""
        return self.folder / "landing"

    @property
    def warehouse(self) -> Path:
        """What the batch keeps."""
        return self.folder / "warehouse"

    @property
    def run_reports(self) -> Path:
        """What each night's batch says of itself, as pages in both languages."""
        return self.warehouse / "reports"

    @property
    def dictionary(self) -> Path:
        """Every code and published column, as a page."""
        return self.warehouse / "dictionary.html"

    @property
    def logs(self) -> Path:
        """What the services say."""
        return self.folder / "logs"

    @property
    def notifications(self) -> Path:
        """What employees are told, one JSON object a line."""
        return self.logs / "notifications.jsonl"

    @property
    def variables(self) -> Path:
        """The environment of the running demo, for a shell."""
        return self.folder / "env"

    @property
    def report(self) -> Path:
        """The report for programs."""
        return self.folder.with_suffix(".json")
