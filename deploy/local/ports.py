"""Ports on loopback, outside the range from which clients draw theirs."""

import random
import socket

from deploy.local.errors import PortTaken

LOOPBACK = "127.0.0.1"
FIRST, LAST = 20_000, 31_999


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    for _ in range(200):
        port = random.randint(FIRST, LAST)
        if is_free(port):
            return port
    raise PortTaken(f"No free port was found between {FIRST} and {LAST}: stop some servers.")
