"""What is remembered between `up` and `down`: ports, processes and places, in one JSON file."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.errors import DiskFull, LocalServerError, NoWritePermission
from deploy.local.processes import ProcessIdentity


@dataclass
class Record:
    """One server: its port once chosen, its process while it runs, its home if not the usual."""

    port: int | None = None
    process: ProcessIdentity | None = None
    home: str | None = None


class State:
    """The file `servers.json` of a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.path = data_dir / "servers.json"

    def read(self, name: str) -> Record:
        """What is known about a server; an empty record when nothing is."""
        value = self._load().get(name, {})
        process = value.get("process")
        return Record(
            port=value.get("port"),
            process=ProcessIdentity.from_json(process) if process else None,
            home=value.get("home"),
        )

    def write(self, name: str, record: Record) -> None:
        """Remember a server, atomically."""
        content = self._load()
        content[name] = {
            "port": record.port,
            "process": record.process.to_json() if record.process else None,
            "home": record.home,
        }
        write_private(self.path, json.dumps(content, indent=2) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the data folder alone: two commands at once would start two sets of servers."""
        with explained(self.data_dir):
            self.data_dir.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.data_dir / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _load(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise LocalServerError(
                f"{self.path} is damaged: stop what it names by hand, remove the file, start again."
            )
        return content


def write_private(path: Path, text: str, *, replace: bool = True) -> None:
    """Write a file that only its owner can read, in one step; an existing one may be kept."""
    with explained(path.parent):
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            fresh.replace(path)
            return
        with suppress(FileExistsError):
            path.hardlink_to(fresh)
        fresh.unlink()


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn a refusal of the file system into a sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise NoWritePermission(
                f"There is no permission to write in {folder}: "
                "give it to this user, or name another folder with CRM_LOCAL_DIR."
            ) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {folder} is full: make room and start again.") from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            raise NoWritePermission(
                f"{folder} is not a folder: remove the file, or name another with CRM_LOCAL_DIR."
            ) from error
        raise
