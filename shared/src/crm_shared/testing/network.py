"""A TCP proxy that stops answering or cuts off, as a broken network does, and a free port."""

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self


def free_port() -> int:
    """A port on loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TcpProxy:
    """Passes bytes on to a server, until told to swallow them (`black_hole`) or to `cut` them off.

    While it is a black hole it still accepts connections and reads what clients send, so the
    clients' kernels see a healthy peer. A server that is away cuts its clients off.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._swallow = threading.Event()
        self._severed = threading.Event()
        self._closing = threading.Event()
        #: Whose bytes were swallowed.
        self._lossy: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="tcp-proxy", daemon=True)

    def black_hole(self, on: bool = True) -> None:
        """Swallow everything, or pass on again; connections that have lost bytes then end, as no
        network leaves a hole in a stream and lets it go on."""
        if on:
            self._swallow.set()
        else:
            self._swallow.clear()

    def cut(self, on: bool = True) -> None:
        """Close every connection, and each new one at once; or let them be again."""
        if on:
            self._severed.set()
        else:
            self._severed.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._thread.join(5)

    def _serve(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._listener, selectors.EVENT_READ, None)
        peers: dict[socket.socket, socket.socket | None] = {}
        while not self._closing.is_set():
            for key, _ in selector.select(0.1):
                end = key.fileobj
                if end is self._listener:
                    self._accept(selector, peers)
                elif isinstance(end, socket.socket) and end in peers:
                    self._pass_on(selector, peers, end)
            if self._severed.is_set():
                for one in list(peers):
                    _end(selector, peers, one)
            if self._lossy and not self._swallow.is_set():
                for one in self._lossy & peers.keys():
                    _end_both(selector, peers, one)
                self._lossy.clear()
        for one in [*peers, self._listener]:
            one.close()
        selector.close()

    def _accept(
        self,
        selector: selectors.BaseSelector,
        peers: dict[socket.socket, socket.socket | None],
    ) -> None:
        client, _ = self._listener.accept()
        server = None
        if not self._swallow.is_set():
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.close()
                return
            server.settimeout(None)
            peers[server] = client
            selector.register(server, selectors.EVENT_READ)
        peers[client] = server
        selector.register(client, selectors.EVENT_READ)

    def _pass_on(
        self,
        selector: selectors.BaseSelector,
        peers: dict[socket.socket, socket.socket | None],
        end: socket.socket,
    ) -> None:
        other = peers[end]
        data = b""
        with contextlib.suppress(OSError):
            data = end.recv(65_536)
        if data and (self._swallow.is_set() or other is None):
            self._lossy.add(end)
            return
        if data and other is not None:
            with contextlib.suppress(OSError):
                other.sendall(data)
                return
        _end_both(selector, peers, end)


def _end_both(
    selector: selectors.BaseSelector,
    peers: dict[socket.socket, socket.socket | None],
    end: socket.socket,
) -> None:
    for one in (end, peers.get(end)):
        if one in peers:
            _end(selector, peers, one)


def _end(
    selector: selectors.BaseSelector,
    peers: dict[socket.socket, socket.socket | None],
    one: socket.socket,
) -> None:
    selector.unregister(one)
    del peers[one]
    one.close()
