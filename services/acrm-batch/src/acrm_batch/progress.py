"""Progress: a bar on a terminal, plain lines elsewhere, nothing where JSON is asked for."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from acrm_batch.runner import Step


class Progress:
    """Shows the steps of a run as they end, and keeps how long each of its phases took."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._ended: dict[str, float] = {}
        self._now = "starting"
        self._since = time.monotonic()
        self._console = console
        self._quiet = quiet
        self._bar = Bar(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(), console=console, transient=True,
            disable=quiet or not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("starting", total=None)
        self._skipped = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self._bar.stop()

    def phases(self) -> dict[str, float]:
        """Seconds of every phase, the one under way included, in the order of their start."""
        took = time.monotonic() - self._since
        return self._ended | {self._now: self._ended.get(self._now, 0.0) + took}

    def phase(self, text: str) -> None:
        """What is being done now."""
        self._ended = self.phases()
        self._now, self._since = text, time.monotonic()
        self._bar.update(self._task, description=text)

    def expect(self, steps: int) -> None:
        """How many steps there will be."""
        self._bar.update(self._task, total=steps)

    def step(self, step: Step) -> None:
        """A step ended; those that had nothing to do are not worth a line."""
        self._bar.update(self._task, advance=1, description=step.model)
        if self._quiet or step.outcome == "skipped":
            return
        rows = "" if step.rows is None else f" {step.rows:>10,} rows {step.seconds:6.2f} s"
        why = "" if step.outcome == "made" else f" {step.reason}"
        self._console.print(
            f"{step.as_of} {step.model:<32} {step.outcome}{rows}{why}",
            highlight=False, soft_wrap=True, markup=False,
        )  # fmt: skip
