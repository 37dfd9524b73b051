"""A broker of a line's own behind a proxy, that can be killed, with its log or without.

The local broker keeps topics in memory, so it loses them whenever it is killed; Apache Kafka
(ALERTING_TEST_FAULT_BROKER=apache-kafka) has them on disk.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm_shared.testing.network import TcpProxy
from crm_shared.testing.waiting import wait_until
from deploy.kafka.broker import ApacheKafka
from deploy.local.errors import ServerDoesNotAnswer
from deploy.local.kafka_broker import KafkaBroker
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.state import State

APACHE_KAFKA = os.environ.get("ALERTING_TEST_FAULT_BROKER") == "apache-kafka"


class Broker:
    """A broker that tells its clients the address of the proxy before it."""

    def __init__(self, folder: Path, port: int, proxy: TcpProxy) -> None:
        self.network = proxy
        self.keeps_topics = APACHE_KAFKA
        self._folder = folder
        self._port = port
        kind = ApacheKafka if APACHE_KAFKA else KafkaBroker
        self._server = kind(folder, "", durable=False)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it on what it has, and wait until it answers."""
        if self._process is None:
            self._server.prepare(State(self._folder).read("kafka"))
        address = f"{LOOPBACK}:{self._port}"
        told = f"{LOOPBACK}:{self.network.port}"
        command = self._server.command(self._port)
        if APACHE_KAFKA:
            own = f"advertised.listeners=PLAINTEXT://{address}"
            command = [one.replace(own, own.replace(address, told)) for one in command]
        else:
            command[command.index("--advertised-listener-url") + 1] = f"tcp://{told}"
        with (self._folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, "the broker", seconds=90)

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def forget(self) -> None:
        """Lose all topics and groups; it must not run."""
        shutil.rmtree(self._folder / "topics", ignore_errors=True)
        self._process = None

    def _answers(self) -> bool:
        try:
            self._server.version_at(self._server.url(self._port))
        except ServerDoesNotAnswer:
            return False
        return True


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    """A broker that runs."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    with TcpProxy(LOOPBACK, port) as proxy:
        opened = Broker(folder, port, proxy)
        opened.start()
        try:
            yield opened
        finally:
            opened.kill()
