"""Servers of a line's own, reached through proxies, and all that can go wrong with them.

PostgreSQL and the broker can start anew, be cut off or fall silent; the broker can lose its topics.
"""

import os
import secrets
import signal
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
from deploy.local import processes
from deploy.local.ports import LOOPBACK
from deploy.local.servers import LocalServers
from deploy.local.state import State
from tests.faults.broker import Broker, broker

SESSION_SECONDS = 1.5

#: As POSIX writes it, which every machine understands.
_ZONE = "EST5EDT,M3.2.0,M11.1.0"


@dataclass(frozen=True)
class Servers:
    """The servers and the network before them; `url` is PostgreSQL without the proxy."""

    local: LocalServers
    environment: dict[str, str]
    url: str
    database: TcpProxy
    own_broker: Broker | None

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
        assert self.own_broker is not None
        self.own_broker.network.cut()
        time.sleep(2)
        self.own_broker.network.cut(False)

    def lose_the_broker(self) -> None:
        """It takes requests and never answers: they run into their time-outs."""
        assert self.own_broker is not None
        self.own_broker.network.black_hole()
        time.sleep(SESSION_SECONDS * 2)
        self.own_broker.network.black_hole(False)

    def kill_the_broker(self) -> None:
        """`kill -9`, and started again with its log."""
        assert self.own_broker is not None
        self.own_broker.kill()
        self.own_broker.start()

    def begin_the_broker_anew(self) -> None:
        """`kill -9`, and started again with nothing."""
        assert self.own_broker is not None
        self.own_broker.kill()
        self.own_broker.forget()
        self.own_broker.start()

    def faults_of_the_broker(self) -> list[Callable[[], None]]:
        """None of a broker that is not of this line alone."""
        if self.own_broker is None:
            return []
        kept = [self.kill_the_broker] if self.own_broker.keeps_topics else []
        return [self.cut_the_broker_off, self.lose_the_broker, *kept]


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Servers of their own; the broker is that which the environment names, if it names one."""
    with ExitStack() as stack:
        own_broker = None
        bootstrap = os.environ.get("CRM_KAFKA_BOOTSTRAP", "")
        if not bootstrap:
            own_broker = stack.enter_context(broker(folder / "broker"))
            bootstrap = f"{LOOPBACK}:{own_broker.network.port}"
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
        yield Servers(local, _environment(given, database.port), url, database, own_broker)


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
        # The clocks of New York, which change; the days of the bank are its own.
        "TZ": _ZONE,
        "PGTZ": _ZONE,
        "OCRM_DEMO": "1",
    }
