"""TLS towards mail servers and receivers, which ends in time also while it begins."""

import socket
import ssl
from typing import Any

#: Hosts to which nothing needs to be encrypted.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Tls(ssl.SSLContext):
    """Encrypts towards one host, whose certificate must be good for this name.

    The handshake comes with the first byte: while the connection is made encrypted it is no
    attribute of anything yet, and nobody could cut it.
    """

    def __new__(cls, host: str) -> "Tls":
        del host
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, host: str) -> None:
        self._host = host
        self.load_default_certs()

    def wrap_socket(self, sock: socket.socket, *_: Any, **__: Any) -> ssl.SSLSocket:
        """Make a connection to the host an encrypted one, without a word so far."""
        return super().wrap_socket(sock, do_handshake_on_connect=False, server_hostname=self._host)


def wire_of(connection: Any) -> int:
    """The file descriptor of what has a `sock`, as connections of the standard library do."""
    sock: socket.socket | None = connection.sock
    if sock is None:
        raise OSError("There is no connection yet.")
    return sock.fileno()
