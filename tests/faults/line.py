"""A bank's whole line of work on servers of its own, and all that can go wrong with it.

The bank publishes, members of alerting judge, the intake of the OCRM takes over. PostgreSQL and the
local broker are reached through proxies, so that the network can fail as well.
"""

import os
import random
import secrets
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import redis
from kafka.errors import KafkaError

from crm_shared.errors import CrmError
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.network import TcpProxy
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from deploy.local import processes
from deploy.local.errors import ServerDoesNotAnswer
from deploy.local.kafka_broker import KafkaBroker
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.servers import LocalServers
from deploy.local.state import State
from tests.alerting.bookings import Event

SESSION_SECONDS = 1.5

#: What a supervisor takes as: start me again later.
_LATER = 75

Message = Event | tuple[bytes | None, bytes]


class Bank:
    """Publishes in the background, a share of everything for each time it is told to go on.

    What the network did not let it finish it sends once more, so some comes twice.
    """

    def __init__(self, broker: KafkaSettings, messages: Sequence[Message], shares: int) -> None:
        self._broker = broker
        size = -(-len(messages) // shares)
        self._shares = [messages[at : at + size] for at in range(0, len(messages), size)]
        self._allowed = threading.Semaphore(0)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._publish, daemon=True)

    def _publish(self) -> None:
        for share in self._shares:
            self._allowed.acquire()
            while not self._sent(share):
                time.sleep(0.1)

    def _sent(self, share: Sequence[Message]) -> bool:
        try:
            topics.publish(self._broker, transactions.TOPIC, share)
        except (KafkaError, CrmError):
            return False
        except Exception as error:
            self._failure = error
            raise
        return True

    def open(self) -> None:
        """Begin; nothing is published yet."""
        self._thread.start()

    def go_on(self) -> None:
        """Publish another share."""
        if self._failure:
            raise self._failure
        self._allowed.release()

    def close(self) -> None:
        """Publish all that is left, and end."""
        for _ in self._shares:
            self._allowed.release()
        self._thread.join(240)
        assert not self._thread.is_alive()


@dataclass
class Line:
    """The servers, the network and the processes; `url` is PostgreSQL without the proxy."""

    servers: LocalServers
    folder: Path
    environment: dict[str, str]
    url: str
    database: TcpProxy
    network: TcpProxy | None
    chance: random.Random
    members: list[RunningCommand] = field(default_factory=list)
    ports: dict[RunningCommand, int] = field(default_factory=dict)
    groups: int = 1
    intake: RunningCommand = field(init=False)
    wanted: list[RunningCommand] = field(default_factory=list)

    @property
    def broker(self) -> KafkaSettings:
        """The broker, as the services see it."""
        return KafkaSettings(
            bootstrap=self.environment["CRM_KAFKA_BOOTSTRAP"],
            topic_prefix=self.environment["CRM_KAFKA_TOPIC_PREFIX"],
        )

    def open(self) -> None:
        """Migrate and start: two members of three, and the intake."""
        for service in ("ocrm", "alerting"):
            migration = self._command(f"{service}.migrate", service, "migrate")
            assert migration.start().wait(120) == 0, migration.text()
        self.ports = dict(map(self._member, range(3)))
        self.members = list(self.ports)
        self.intake = self._command("intake", "ocrm", "intake")
        self.wanted = [*self.members[:2], self.intake]
        for one in self.wanted:
            one.start()

    def _member(self, number: int) -> tuple[RunningCommand, int]:
        port, log = free_port(), self.folder / f"member{number}.log"
        return RunningCommand(["alerting", "run"], self._of_a_member(port), log), port

    def _of_a_member(self, port: int) -> dict[str, str]:
        named = {"ALERTING_OPERATIONS_PORT": str(port), "ALERTING_GROUP": f"alerting{self.groups}"}
        return self.environment | named

    def _command(self, name: str, *words: str) -> RunningCommand:
        return RunningCommand(words, self.environment, self.folder / f"{name}.log")

    def tend(self) -> None:
        """Start again what asked for it or is stuck, as a supervisor does; nothing else may end."""
        for one in self.wanted:
            if not one.running():
                assert one.process.returncode == _LATER, one.text()[-4000:]
                one.start()
            elif one in self.members and (problems := self._problems(one)):
                self._begin_anew(one, problems)

    def _begin_anew(self, stuck: RunningCommand, problems: list[str]) -> None:
        """Start all members anew: as another group, which reads everything once more.

        The local broker has groups that never settle again (docs/operations.md); what is known
        changes nothing.
        """
        self.groups += 1
        print(f"{stuck.output.name} is stuck, all begin anew: {problems}", flush=True)
        working = [one for one in self.wanted if one in self.members]
        for one in working:
            one.kill()
        for member, port in self.ports.items():
            member.with_environment(self._of_a_member(port))
        for one in working:
            one.start()

    def _problems(self, member: RunningCommand) -> list[str]:
        """Why `/livez` wants the member started anew, if it does."""
        try:
            answer = httpx.get(f"http://{LOOPBACK}:{self.ports[member]}/livez", timeout=5)
        except httpx.HTTPError:
            return []
        return list(answer.json()["problems"])

    def close(self) -> None:
        """End everything in good order; what has only just been started may end by the signal."""
        for one in self.wanted:
            assert one.stop(60) in (0, -signal.SIGTERM, _LATER), one.text()[-4000:]

    def kill_all(self) -> None:
        """End what is left, however a test ended."""
        for one in (*self.members, self.intake):
            if one.started and one.running():
                one.kill()

    def number(self, query: str) -> int:
        """What a query counts."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query.encode()).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def get_on(self, bank: Bank) -> None:
        """Let some more be published, and wait until some of it has been worked on."""
        worked = "select sum(processed) from alerting.partitions"
        before = self.number(worked)
        bank.go_on()
        self.wait(lambda: self.number(worked) > before, "the work to go on")
        time.sleep(self.chance.random() * 0.3)

    def wait(self, probe: Callable[[], bool], what: str, seconds: float = 150) -> None:
        """Wait as a supervisor does."""

        def tended() -> bool:
            self.tend()
            return probe()

        wait_until(tended, what, seconds=seconds, every=0.1)

    def _pick(self) -> RunningCommand:
        return self.chance.choice([one for one in self.wanted if one is not self.intake])

    def kill_a_member(self) -> None:
        """`kill -9`, and started again."""
        one = self._pick()
        one.kill()
        one.start()

    def kill_the_intake(self) -> None:
        """`kill -9`, and started again."""
        self.intake.kill()
        self.intake.start()

    def stop_a_member_past_its_session(self) -> None:
        """A process that is thought dead and wakes up again."""
        one = self._pick()
        one.send(signal.SIGSTOP)
        time.sleep(SESSION_SECONDS * 2)
        one.send(signal.SIGCONT)

    def rebalance(self) -> None:
        """The third member joins, or is gone for good."""
        third = self.members[2]
        if third in self.wanted:
            self.wanted.remove(third)
            third.kill()
        else:
            self.wanted.append(third.start())

    def edit_a_rule(self) -> None:
        """A new version comes into force, alike for all customers that there are."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into alerting.rules (code, version, parameters, effective_from)"
                " select code, version + 1, parameters || jsonb_build_object("
                " 'movement.business_min_amount', (4000000 + version)::text), now()"
                " from alerting.rules where code = 'R01.LARGE_INFLOW'"
                " order by version desc limit 1"
            )

    def restart_postgresql(self) -> None:
        """The immediate way: everybody is thrown out, and it recovers from its log."""
        process = State(self.servers.data_dir).read("postgresql").process
        assert process is not None
        assert processes.stop(process, ((signal.SIGQUIT, 30.0),))
        self.servers.up()

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

    def faults(self) -> list[Callable[[], None]]:
        """One round of all that can go wrong here; members are killed twice."""
        of_the_network = [self.cut_the_broker_off, self.lose_the_broker] if self.network else []
        return [
            self.kill_a_member,
            self.kill_a_member,
            self.kill_the_intake,
            self.stop_a_member_past_its_session,
            self.rebalance,
            self.edit_a_rule,
            self.restart_postgresql,
            self.lose_the_database,
            self.flush_redis,
            *of_the_network,
        ]

    def handful(self) -> list[Callable[[], None]]:
        """Always the same few: what a change breaks must not depend on chance."""
        return [
            self.kill_a_member,
            self.restart_postgresql,
            self.stop_a_member_past_its_session,
            self.edit_a_rule,
            self.lose_the_database,
        ]


@contextmanager
def line(chance: random.Random, folder: Path) -> Iterator[Line]:
    """A line on servers of its own; on the broker that the environment names, if it names one."""
    with ExitStack() as stack:
        network = None
        bootstrap = os.environ.get("CRM_KAFKA_BOOTSTRAP", "")
        if not bootstrap:
            network = stack.enter_context(_local_broker(folder))
            bootstrap = f"{LOOPBACK}:{network.port}"
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="tulou-faults-"))
        Path(place).chmod(0o711)
        servers = stack.enter_context(
            LocalServers(place, durable=False, environment={"CRM_KAFKA_BOOTSTRAP": bootstrap})
        )
        given = servers.environment()
        real = urlsplit(given["CRM_POSTGRES_URL"])
        # These servers spare themselves fsync; what is committed must be written all the same.
        with psycopg.connect(given["CRM_POSTGRES_URL"], autocommit=True) as connection:
            connection.execute("alter database crm set synchronous_commit = on")
        database = stack.enter_context(TcpProxy(LOOPBACK, real.port or 5432))
        opened = Line(
            servers, folder, _environment(given, database.port), given["CRM_POSTGRES_URL"],
            database, network, chance,
        )  # fmt: skip
        opened.open()
        stack.callback(opened.kill_all)
        yield opened


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
