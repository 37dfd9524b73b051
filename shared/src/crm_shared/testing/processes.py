"""A console command of the product as a real process, to be signalled, killed and read."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class RunningCommand:
    """A process started from the environment of the tests; ended by its pid, output kept."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], output: Path
    ) -> None:
        self.command = tuple(command)
        self._environment = dict(environment)
        self.output = output
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, again if it has ended; the output of every start is kept."""
        program = Path(sys.executable).with_name(self.command[0])
        with self.output.open("ab") as sink:
            self._process = subprocess.Popen(
                [program, *self.command[1:]],
                env=os.environ | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        return self

    def with_environment(self, environment: Mapping[str, str]) -> Self:
        """Use these variables from the next start on."""
        self._environment = dict(environment)
        return self

    @property
    def started(self) -> bool:
        """Whether it has been started at all."""
        return self._process is not None

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process; start it first."""
        if self._process is None:
            raise RuntimeError(f"{self.command[0]} has not been started.")
        return self._process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, and its exit code; killed when it does not end in time."""
        if self.running():
            self.process.terminate()
        return self.wait(seconds)

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit code once it has ended by itself."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(
                f"{' '.join(self.command)} did not end in {seconds:g} s:\n{self.text()[-4000:]}"
            ) from None

    def text(self) -> str:
        """Everything it has printed so far."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.started and self.running():
            self.kill()
