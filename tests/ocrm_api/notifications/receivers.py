"""Receivers on loopback: an HTTP server and a mail server that keep what they get."""

import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Received:
    """What a receiver got, and how it answers: a status, bytes as they are, or a call first; a mail
    server also how it takes its leave."""

    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    status: int = 200
    body: bytes = b"{}"
    leave: str = "221 bye"
    meanwhile: Callable[[], Any] = lambda: None
    port: int = 0

    @property
    def ids(self) -> list[str]:
        """The ids of the webhooks, in the order of arrival."""
        return [headers["webhook-id"] for headers, _ in self.requests]


class _HttpServer(ThreadingHTTPServer):
    #: As many as a notifier connects at a time; of more the kernel would drop some.
    request_queue_size = 64


@contextmanager
def receiving_http(tls: ssl.SSLContext | None = None) -> Iterator[Received]:
    """An HTTP server that keeps every request; with a context an HTTPS server."""
    got = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            got.meanwhile()
            self.send_response(got.status)
            if 300 <= got.status < 400:
                self.send_header("location", f"http://127.0.0.1:{got.port}/elsewhere")
            self.send_header("content-length", str(len(got.body)))
            self.end_headers()
            self.wfile.write(got.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with _serving(_HttpServer(("127.0.0.1", 0), Handler), got, tls):
        yield got


@contextmanager
def receiving_mail(
    tls: ssl.SSLContext | None = None, *, at_once: bool = False
) -> Iterator[Received]:
    """A mail server that keeps every message; with a context it offers STARTTLS, or begins so."""
    got = Received(status=250)

    class Handler(StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 mail.test")
            while line := self.rfile.readline():
                command = line.decode().split(":")[0].split()[0].upper()
                if command == "STARTTLS":
                    self.say("220 go ahead")
                    assert tls is not None
                    self.request = tls.wrap_socket(self.request, server_side=True)
                    self.setup()
                elif command == "DATA":
                    self.say("354 go ahead")
                    self.keep()
                    self.say("250 kept")
                elif command == "QUIT":
                    self.say(got.leave)
                    return
                elif command == "EHLO" and tls is not None and not at_once:
                    self.say("250-mail.test")
                    self.say("250 STARTTLS")
                else:
                    self.say(f"{got.status if command == 'RCPT' else 250} ok")

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def keep(self) -> None:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            parsed = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            got.mails.append(parsed)

    with _serving(ThreadingTCPServer(("127.0.0.1", 0), Handler), got, tls if at_once else None):
        yield got


@contextmanager
def dripping(first: bytes, then: bytes) -> Iterator[int]:
    """The port of a server that begins to answer and never ends, a byte every now and then."""

    def answer(client: StreamRequestHandler, gone: threading.Event) -> None:
        client.wfile.write(first)
        while not gone.wait(0.05):
            client.wfile.write(then)

    with _never_ending(answer) as port:
        yield port


@contextmanager
def in_pieces(pieces: Sequence[bytes]) -> Iterator[int]:
    """The port of an HTTP server that takes each request, answers so, in pieces that come one after
    the other, and closes the connection."""

    def answer(client: StreamRequestHandler, gone: threading.Event) -> None:
        length = 0
        while line := client.rfile.readline().strip().lower():
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        client.rfile.read(length)
        for piece in pieces:
            client.wfile.write(piece)
            gone.wait(0.1)

    with _never_ending(answer) as port:
        yield port


@contextmanager
def dripping_encrypted(tls: ssl.SSLContext, seconds: float) -> Iterator[int]:
    """The port of a mail server that takes so long to offer STARTTLS, as long again to begin it,
    and then never ends its answer."""

    def answer(client: StreamRequestHandler, gone: threading.Event) -> None:
        client.wfile.write(b"220 mail.test\r\n")
        client.rfile.readline()
        gone.wait(seconds)
        client.wfile.write(b"250-mail.test\r\n250 STARTTLS\r\n")
        client.rfile.readline()
        client.wfile.write(b"220 go ahead\r\n")
        gone.wait(seconds)
        with tls.wrap_socket(client.request, server_side=True) as encrypted:
            while not gone.wait(0.05):
                encrypted.sendall(b"2")

    with _never_ending(answer) as port:
        yield port


@contextmanager
def _never_ending(
    answer: Callable[[StreamRequestHandler, threading.Event], None],
) -> Iterator[int]:
    """The port of a server that answers so until the client has gone, or the block has ended."""
    gone = threading.Event()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                answer(self, gone)

    got = Received()
    with _serving(ThreadingTCPServer(("127.0.0.1", 0), Handler), got):
        try:
            yield got.port
        finally:
            gone.set()


@contextmanager
def _serving(
    server: ThreadingTCPServer | ThreadingHTTPServer,
    got: Received,
    tls: ssl.SSLContext | None = None,
) -> Iterator[None]:
    server.daemon_threads = True
    if tls is not None:
        # The handshake is the handler's: it must not hold up the server that accepts.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    got.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """The server's side of TLS for 127.0.0.1, and the file that a client trusts it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted = folder / "trusted.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    both = folder / "server.pem"
    both.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + trusted.read_bytes()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, trusted


def mail_server(port: int, **given: Any) -> dict[str, Any]:
    """Settings of a mail server on this machine."""
    return {
        "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none",
        "email_from": "crm@bank.test", "email_domain": "bank.test", **given,
    }  # fmt: skip
