"""Processes that outlive the command that started them, known by more than their pid.

A pid alone proves nothing: after a crash or a reboot it may belong to a stranger. A process is
ours when its start time and its command line are those that were recorded.
"""

import atexit
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from deploy.local.accounts import Account

_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class ProcessIdentity:
    """What tells our process from any other that may carry its pid later."""

    pid: int
    started: float
    command: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As it is written to a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ProcessIdentity":
        """As it was written."""
        return cls(int(value["pid"]), float(value["started"]), tuple(value["command"]))


def start(
    command: Sequence[str],
    log: Path,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
) -> ProcessIdentity:
    """Start a process in a session of its own, with its output appended to a private log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch(mode=0o600)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env=dict(environment) if environment is not None else None,
            **(account.as_process_arguments() if account else {}),
        )
    _children.append(child)
    return ProcessIdentity(child.pid, _started(child.pid), tuple(command))


def is_running(identity: ProcessIdentity) -> bool:
    """Whether the very process that was recorded still runs.

    One whose program is still being read from a cold disk has no command line yet.
    """
    _reap()
    try:
        process = psutil.Process(identity.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        same_start = abs(process.create_time() - identity.started) < 2
        return same_start and tuple(process.cmdline()) in ((), identity.command)
    except psutil.NoSuchProcess:
        return False


def stop(
    identity: ProcessIdentity,
    steps: Sequence[tuple[signal.Signals, float]] = (
        (signal.SIGTERM, 10.0),
        (signal.SIGKILL, 5.0),
    ),
) -> bool:
    """Stop the process, each signal given its seconds; False when it survived all of them."""
    for step, seconds in steps:
        if not is_running(identity):
            return True
        psutil.Process(identity.pid).send_signal(step)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_running(identity):
                return True
            time.sleep(0.02)
    return not is_running(identity)


def _started(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


@atexit.register
def _let_go() -> None:
    """At the end of this program the living go on by themselves, as they are meant to."""
    _reap()
    for child in _children:
        child.returncode = 0


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]
