"""Waiting for something to become true, with a limit."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    probe: Callable[[], T],
    what: str,
    *,
    seconds: float = 30.0,
    every: float = 0.05,
) -> T:
    """The first truthy answer of the probe; `TimeoutError` that names what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:g} s for {what}; last answer: {answer!r}")
        time.sleep(every)
