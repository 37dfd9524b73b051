"""The unprivileged account that runs PostgreSQL, which refuses to run as root."""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.errors import NoWritePermission

PREFERRED = ("nobody", "daemon")


@dataclass(frozen=True)
class Account:
    """An account of the operating system."""

    name: str
    uid: int
    gid: int

    def as_process_arguments(self) -> dict[str, Any]:
        """The arguments of `subprocess` that make a child run as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may(self, path: Path, permission: int) -> bool:
        """Whether this account has a permission (4 read, 2 write, 1 enter) and reaches the path."""
        resolved = path.resolve()
        if not resolved.exists():
            return False
        enter_all = all(self._has(parent, 1) for parent in resolved.parents)
        return enter_all and self._has(resolved, permission)

    def _has(self, path: Path, permission: int) -> bool:
        about = path.stat()
        shift = 6 if about.st_uid == self.uid else 3 if about.st_gid == self.gid else 0
        return stat.S_IMODE(about.st_mode) >> shift & permission == permission


def unprivileged_account() -> Account | None:
    """The account to run PostgreSQL as: None for an ordinary user, who runs it directly."""
    if os.geteuid() != 0:
        return None
    for account in _candidates():
        try:
            subprocess.run(["/bin/sh", "-c", ":"], check=True, **account.as_process_arguments())
        except (OSError, subprocess.SubprocessError):
            continue
        return account
    raise NoWritePermission(
        "PostgreSQL refuses to run as root and no other account can be used here: "
        "run the command as an ordinary user, or set CRM_POSTGRES_URL to a server that runs."
    )


def _candidates() -> Iterator[Account]:
    entries = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    names = [name for name in PREFERRED if name in entries]
    names += [name for name in entries if name not in PREFERRED]
    for name in names:
        yield Account(name, entries[name].pw_uid, entries[name].pw_gid)
