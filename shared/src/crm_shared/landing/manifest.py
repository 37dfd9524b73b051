"""The manifest of a business date: which files there are, with their rows and checksums."""

import hashlib
import os
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_shared.errors import ContractError, NotReadyError

FILE_NAME = "_manifest.json"


class TableFile(BaseModel):
    """One delivered file. `full` says that a state table holds every row, not only changed ones."""

    model_config = ConfigDict(frozen=True)

    file: str
    rows: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    full: bool = False


class Manifest(BaseModel):
    """What the core bank says it delivered for one business date.

    `opening` marks the first day of a history, with every state table in full: nothing before it
    counts, and no window looks back across it. A table that an opening day leaves out is unknown.
    """

    model_config = ConfigDict(frozen=True)

    business_date: date
    source: str
    schema_version: int = 1
    opening: bool = False
    tables: dict[str, TableFile]

    def write(self, landing: Path) -> Path:
        """Publish the day: the manifest appears whole and last."""
        path = day_folder(landing, self.business_date) / FILE_NAME
        aside = path.with_suffix(".tmp")
        with aside.open("w", encoding="utf-8") as stream:
            stream.write(self.model_dump_json(indent=1))
            stream.flush()
            os.fsync(stream.fileno())
        aside.rename(path)
        return path


def day_folder(landing: Path, business_date: date) -> Path:
    """Where a day's files are."""
    return landing / f"business_date={business_date.isoformat()}"


def read_manifest(landing: Path, business_date: date) -> Manifest:
    """The manifest of a day: `NotReadyError` while missing, `ContractError` if not right."""
    path = day_folder(landing, business_date) / FILE_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise NotReadyError(
            f"The extract of {business_date} has not arrived: {path} is missing; "
            "have the core bank deliver the day (`bank-simulator generate` for a simulated one), "
            "then start again."
        ) from None
    except OSError as error:
        raise ContractError(
            f"{path} cannot be read ({error.strerror or error}); give the right to read it, or "
            "deliver the day again."
        ) from None
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ContractError(
            f"{path} is not a manifest ({error.error_count()} errors, first: "
            f"{error.errors()[0]['msg']}); deliver the day again."
        ) from None
    if manifest.business_date != business_date:
        raise ContractError(
            f"{path} speaks of {manifest.business_date}, but its folder is {business_date}; "
            "deliver the day again."
        )
    return manifest


def sha256_of(path: Path) -> str:
    """The checksum of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
