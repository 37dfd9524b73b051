"""An end to every call over the network: time-outs of sockets are of each byte, this is of all."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cut_after(seconds: float, wire: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Cut a connection when the block outlasts `seconds`; what waits on it then raises."""
    timer = threading.Timer(seconds, _cut, (wire,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(wire: Callable[[], socket.socket | None]) -> None:
    with suppress(OSError):
        if (open_ := wire()) is not None:
            with socket.socket(fileno=os.dup(open_.fileno())) as twin:
                twin.shutdown(socket.SHUT_RDWR)
