"""Runs the product's own console commands, one after another or side by side, and stops them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from crm_shared.errors import CrmError

#: How long a service may take to stop before it is killed.
STOP_SECONDS = 15.0

#: So often a service is started anew within so many seconds.
REVIVALS = 3
REVIVAL_SECONDS = 60.0

#: Who gets one of these was asked to end.
_ASKED_TO_END = (signal.SIGTERM, signal.SIGINT)


class Programs:
    """Console commands of this installation, with one environment and one folder of logs."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = {**os.environ, **environment}
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, Sequence[str]] = {}
        self._revived: dict[str, list[float]] = {}

    def run(self, *command: str, shown: bool = False) -> str:
        """Run a command to its end; its output, unless it is `shown` on the terminal as it comes.

        A command that fails raises `CrmError` with the last lines it said.
        """
        log = self._logs / f"{command[0]}-{command[1]}.log"
        if shown:
            code = subprocess.call(self._line(command), env=self._environment)
            if code:
                raise CrmError(f"`{' '.join(command)}` ended with {code}; it said why above.")
            return ""
        with log.open("wb") as errors:
            done = subprocess.run(
                self._line(command), env=self._environment, stdout=subprocess.PIPE, stderr=errors,
                check=False,
            )  # fmt: skip
        if done.returncode:
            said = (log.read_text(errors="replace") + done.stdout.decode(errors="replace")).strip()
            raise CrmError(
                f"`{' '.join(command)}` ended with {done.returncode}: "
                + "\n".join(said.splitlines()[-8:])
            )
        return done.stdout.decode()

    def start(self, name: str, *command: str) -> None:
        """Start a service under a name; its output goes to the log of that name."""
        self._commands[name] = command
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._line(command),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, what: str, done: Callable[[], bool], seconds: float) -> None:
        """Wait for something the services bring about; fails when one of them has died."""
        deadline = time.monotonic() + seconds
        while not done():
            self.check()
            if time.monotonic() > deadline:
                raise CrmError(
                    f"{what} did not happen within {seconds:.0f} s; look into {self._logs}."
                )
            time.sleep(0.25)

    def check(self) -> None:
        """Raise `CrmError` if a service has ended by itself, with the last lines of its log."""
        for name, process in self._running.items():
            code = process.poll()
            if code is not None and code < 0:
                again = (
                    f" after {REVIVALS} starts within {REVIVAL_SECONDS:.0f} s"
                    if self._revivals(name) >= REVIVALS
                    else ""
                )
                raise CrmError(
                    f"The service {name} was killed (signal {-code}){again}, so the demo ends; its "
                    f"log is {self._logs / name}.log."
                )
            if code is not None:
                tail = (self._logs / f"{name}.log").read_text(errors="replace").splitlines()[-8:]
                raise CrmError(f"The service {name} ended with {code}: " + "\n".join(tail))

    def revive(self) -> list[str]:
        """Start anew what was killed, as the supervisor of a bank would; their names. Not whom
        somebody asked to end, nor whom that does not help: `check` tells of these."""
        killed = [
            name
            for name, process in self._running.items()
            if (code := process.poll() or 0) < 0
            and -code not in _ASKED_TO_END
            and self._revivals(name) < REVIVALS
        ]
        for name in killed:
            self._revived.setdefault(name, []).append(time.monotonic())
            self.start(name, *self._commands[name])
        return killed

    def _revivals(self, name: str) -> int:
        since = time.monotonic() - REVIVAL_SECONDS
        return sum(at > since for at in self._revived.get(name, ()))

    def stop(self) -> None:
        """Ask every service to stop, all at once; kill, by pid, what has not after a while."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    @staticmethod
    def _line(command: Sequence[str]) -> list[str]:
        return [str(Path(sys.executable).parent / command[0]), *command[1:]]
