"""Background tasks of a process of the interface, and how they end."""

import asyncio
from collections.abc import Iterable
from typing import Any


async def stop(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all have ended.

    Once is not always enough: redis-py swallows a cancellation while it connects, and so does
    ``asyncio.wait_for`` of Python 3.11 when what it waits for comes at the same moment.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.2)
