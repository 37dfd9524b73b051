"""Servers of a line's own, reached through proxies, and all that can go wrong with them.

PostgreSQL can start anew, and it and the local broker can be cut off or fall silent.
"""

import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from crm_shared.settings import KafkaSettings
from crm_shared.testing.network import TcpProxy
from crm_shared.testing.waiting import wait_until
from deploy.local import processes
from deploy.local.errors import ServerDoesNotAnswer
from deploy.local.kafka_broker import KafkaBroker
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.servers import LocalServers
from deploy.local.state import State

SESSION_SECONDS = 1.5


@dataclass(frozen=True)
class Servers:
    """The servers and the network before them; `url` is PostgreSQL without the proxy."""

    local: LocalServers
    environment: dict[str, str]
    url: str
    database: TcpProxy
    network: TcpProxy | None

    @property
    def broker(self) -> KafkaSettings:
        """The broker, as the services see it."""
        return KafkaSettings(
            bootstrap=self.environment["CRM_KAFKA_BOOTSTRAP"],
            topic_prefix=self.environment["CRM_KAFKA_TOPIC_PREFIX"],
        )

    def restart_postgresql(self) -> None:
        """The immediate way: everybody is thrown out, and it recovers from its log."""
        process = State(self.local.data_dir).read("postgresql").process
        assert process is not None
        assert processes.stop(process, ((signal.SIGQUIT, 30.0),))
        self.local.up()

    def lose_the_database(self) -> None:
        """It takes connections and requests and never answers."""
        self.database.black_hole()
        time.sleep(2.5)
        self.database.black_hole(False)

    def flush_redis(self) -> None:
        """Whatever is cached is gone."""
        with redis.Redis.from_url(self.environment["CRM_REDIS_URL"]) as client:
            client.flushall()

    def cut_the_broker_off(self) -> None:
        """Connections break and none can be made, as while a broker is started anew."""
        assert self.network is not None
        self.network.cut()
        time.sleep(2)
        self.network.cut(False)

    def lose_the_broker(self) -> None:
        """It takes requests and never answers: they run into their time-outs."""
        assert self.network is not None
        self.network.black_hole()
        time.sleep(SESSION_SECONDS * 2)
        self.network.black_hole(False)

    def faults_of_the_broker(self) -> list[Callable[[], None]]:
        """None of a broker that is not of this line alone."""
        return [self.cut_the_broker_off, self.lose_the_broker] if self.network else []


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Servers of their own; the broker is that which the environment names, if it names one."""
    with ExitStack() as stack:
        network = None
        bootstrap = os.environ.get("CRM_KAFKA_BOOTSTRAP", "")
        if not bootstrap:
            network = stack.enter_context(_local_broker(folder))
            bootstrap = f"{LOOPBACK}:{network.port}"
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="tulou-faults-"))
        Path(place).chmod(0o711)
        local = stack.enter_context(
            LocalServers(place, durable=False, environment={"CRM_KAFKA_BOOTSTRAP": bootstrap})
        )
        given = local.environment()
        url = given["CRM_POSTGRES_URL"]
        # These servers spare themselves fsync; what is committed must be written all the same.
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter database crm set synchronous_commit = on")
        database = stack.enter_context(TcpProxy(LOOPBACK, urlsplit(url).port or 5432))
        yield Servers(local, _environment(given, database.port), url, database, network)


@contextmanager
def _local_broker(folder: Path) -> Iterator[TcpProxy]:
    """A broker that tells its clients the address of a proxy."""
    port = free_port()
    server = KafkaBroker(folder, "", durable=False)
    server.prepare(State(folder).read("kafka"))
    with TcpProxy(LOOPBACK, port) as proxy, (folder / "kafka.log").open("wb") as log:
        command = server.command(port)
        at = command.index("--advertised-listener-url") + 1
        command[at] = f"tcp://{LOOPBACK}:{proxy.port}"
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_until(lambda: _answers(server, server.url(port)), "the broker")
            yield proxy
        finally:
            process.kill()
            process.wait(10)


def _answers(server: KafkaBroker, url: str) -> bool:
    try:
        server.version_at(url)
    except ServerDoesNotAnswer:
        return False
    return True


def _environment(given: Mapping[str, str], port: int) -> dict[str, str]:
    """The services reach PostgreSQL by this port, and are quick to notice what has died."""
    code = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    proxied = {
        name: urlsplit(one)._replace(netloc=f"{urlsplit(one).netloc.rpartition(':')[0]}:{port}")
        for name, one in given.items()
        if one.startswith("postgresql://")
    }
    return {
        **code,
        **given,
        **{name: one.geturl() for name, one in proxied.items()},
        "CRM_KAFKA_TOPIC_PREFIX": f"faults-{secrets.token_hex(4)}.",
        "CRM_KAFKA_CONSUMER_SESSION_TIMEOUT_MS": str(int(SESSION_SECONDS * 1000)),
        # Longer than any wait for PostgreSQL: who leaves for slowness may upset the local broker.
        "CRM_KAFKA_CONSUMER_MAX_POLL_INTERVAL_MS": "30000",
        "ALERTING_STALL_SECONDS": "20",
        "ALERTING_MAX_BATCH_RECORDS": "40",
        "ALERTING_STATEMENT_TIMEOUT_SECONDS": "1",
        "ALERTING_RULES_RELOAD_SECONDS": "0.5",
        "ALERTING_CANARY_SECONDS": "1",
        "OCRM_DEMO": "1",
    }
