"""How much memory the demo holds at most: the demo, its services, and its servers."""

import threading
from collections.abc import Iterable
from contextlib import suppress

import psutil

_EVERY_SECONDS = 0.5


class PeakMemory:
    """Samples this process, its descendants and the given processes while the block runs.

    Adds up proportional shares (PSS), so that memory which processes share counts once.
    """

    def __init__(self, others: Iterable[int]) -> None:
        self._others = list(others)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_bytes = 0

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def peak_gigabytes(self) -> float:
        """The highest sum seen."""
        return round(self.peak_bytes / 2**30, 2)

    def _watch(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            self.peak_bytes = max(self.peak_bytes, sum(map(_share, self._processes())))

    def _processes(self) -> set[psutil.Process]:
        found: set[psutil.Process] = set()
        for root in (psutil.Process().pid, *self._others):
            with suppress(psutil.Error):
                process = psutil.Process(root)
                found |= {process, *process.children(recursive=True)}
        return found


def _share(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.Error, AttributeError):
        return 0
