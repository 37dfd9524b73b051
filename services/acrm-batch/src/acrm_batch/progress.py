"""Progress: a bar on a terminal, plain lines elsewhere, nothing where JSON is asked for."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console

from acrm_batch.steps import Step

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Progress:
    """Shows the steps of a run as they end, and keeps how long each of its phases took."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._ended: dict[str, float] = {}
        self._now = "starting"
        self._since = time.monotonic()
        self._console = console
        self._quiet = quiet
        self._bar = _bar(console) if console.is_terminal and not quiet else None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._bar is not None:
            self._bar.stop()

    def phases(self) -> dict[str, float]:
        """Seconds of every phase, the one under way included, in the order of their start."""
        took = time.monotonic() - self._since
        return self._ended | {self._now: self._ended.get(self._now, 0.0) + took}

    def phase(self, text: str) -> None:
        """What is being done now."""
        self._ended = self.phases()
        self._now, self._since = text, time.monotonic()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], description=text)

    def expect(self, steps: int) -> None:
        """How many steps there will be."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], total=steps)

    def step(self, step: Step) -> None:
        """A step ended; those that had nothing to do are not worth a line."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], advance=1, description=step.model)
        if self._quiet or step.outcome == "skipped":
            return
        rows = "" if step.rows is None else f" {step.rows:>10,} rows {step.seconds:6.2f} s"
        why = "" if step.outcome == "made" else f" {step.reason}"
        self._console.print(
            f"{step.as_of} {step.model:<32} {step.outcome}{rows}{why}",
            highlight=False, soft_wrap=True, markup=False,
        )  # fmt: skip


def _bar(console: Console) -> "Bar":
    """A bar with one task, the run."""
    from rich.progress import (  # noqa: PLC0415  a night has no terminal, and imports no bar
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import Progress as Bar  # noqa: PLC0415

    bar = Bar(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=True,
    )  # fmt: skip
    bar.add_task("starting", total=None)
    return bar
