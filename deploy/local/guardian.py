"""A process that stops a set of servers when the program that started them is gone.

It waits at a pipe whose other end only that program holds, so that any end of it counts.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WATCH = "deploy.local.watch"


class Guardian:
    """The watching process, seen from the program it watches."""

    def __init__(self, data_dir: Path, *, delete: bool) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", WATCH, str(data_dir), "delete" if delete else "keep"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=ROOT,
        )

    def dismiss(self) -> None:
        """End the watch after the servers were stopped in good order."""
        assert self._process.stdin is not None
        self._process.kill()
        self._process.stdin.close()
        self._process.wait()
