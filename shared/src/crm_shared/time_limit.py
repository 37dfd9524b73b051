"""An end to a conversation over the network: time-outs of sockets and libpq are of each byte or
answered by a kernel, this is of all of it.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_AGAIN_SECONDS = 0.5


@contextmanager
def cut_after(seconds: float, wire: Callable[[], int]) -> Iterator[None]:
    """Cut a connection when the block outlasts `seconds`; what waits on it then raises.

    `wire` gives its file descriptor, or raises `OSError` while there is none. Cut again and again
    until the block ends: there may be no connection yet, or another one after it.
    """
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(seconds, wire, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        # After this nothing is cut: the number of the descriptor may soon be another's.
        watch.join()


def _watch(seconds: float, wire: Callable[[], int], over: threading.Event) -> None:
    pause = seconds
    while not over.wait(pause):
        with suppress(OSError), socket.socket(fileno=os.dup(wire())) as twin:
            twin.shutdown(socket.SHUT_RDWR)
        pause = _AGAIN_SECONDS
