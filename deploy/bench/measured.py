"""A command run as a process of its own: how long it took, on how much processor and memory."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_shared.errors import CrmError


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: wall seconds, CPU seconds of it and its children, GiB at most, and what it said."""

    seconds: float
    cpu_seconds: float
    gigabytes: float
    said: str

    def document(self) -> Any:
        """The JSON document it printed."""
        return json.loads(self.said)


def measure(*command: str | Path, environment: Mapping[str, str] | None = None) -> Measured:
    """Run `python COMMAND…` (a program of this environment, or `-m module`) to its end; `CrmError`
    where it fails. Its standard error is shown."""
    words = [str(word) for word in command]
    if not words[0].startswith("-"):
        words[0] = str(Path(sys.executable).parent / words[0])
    # As after an installation: modules are compiled once, and not by every process anew.
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True,
                               stdin=subprocess.DEVNULL, env=own | dict(environment or {})
                               )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CrmError(f"`{' '.join(words)}` ended with {process.returncode}; it said why above.")
    # Linux gives kilobytes.
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20, said)
