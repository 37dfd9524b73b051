"""The folder a bank is written to, and what can go wrong with it, in one sentence each."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from crm_shared.errors import CrmError, UsageError


class OutputError(CrmError):
    """The output folder cannot take what is to be written."""

    code = "output_failed"


def prepare_folder(out: Path) -> None:
    """Make `out` a new, empty folder that can be written."""
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(
                f"{out} is not empty: name a new folder, or empty this one before generating."
            )
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(_sentence(error, out)) from None


@contextmanager
def readable_disk_errors(out: Path) -> Iterator[None]:
    """Turn what the disk or DuckDB says while writing to `out` into one sentence."""
    try:
        yield
    except OSError as error:
        raise OutputError(_sentence(error, out)) from None
    except duckdb.OutOfMemoryException as error:
        raise OutputError(
            f"Memory and the disk of {out} do not suffice for so many customers "
            f"({str(error).splitlines()[0]}): free some space, or ask for fewer."
        ) from None
    except duckdb.IOException as error:
        if "No space left" in str(error) or "could not write all bytes" in str(error).lower():
            raise OutputError(_sentence(OSError(errno.ENOSPC, "disk full"), out)) from None
        raise


def _sentence(error: OSError, out: Path) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk of {out} is full: free some space there, or name a folder elsewhere."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{out} cannot be written (no permission): name a folder that is yours."
    return f"{out} cannot be written ({error.strerror}): name another folder."
