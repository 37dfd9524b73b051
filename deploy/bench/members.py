"""Topics of a benchmark, and processes of `alerting run` that work on them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from crm_shared import kafka
from crm_shared.errors import CrmError
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings
from deploy.bench import stream
from deploy.bench.measured import measure
from deploy.local.ports import LOOPBACK

_LONGEST_SECONDS = 900.0

_DONE = "select coalesce(sum(processed), 0)::bigint, count(distinct owner) from alerting.partitions"
_EMPTY = (
    "truncate alerting.partitions, alerting.inbox, alerting.outbox, alerting.reminders,"
    " alerting.evidence, alerting.retractions, alerting.dead_letters"
)

#: What a running bank has stored before: a transfer of every customer within what windows look back
#: on, and a reminder of every fiftieth.
_KNOWN_TRANSFERS = """
insert into alerting.inbox (event_id, customer_id, occurred_at, amount, branch_id, currency)
select gen_random_uuid(), 1000 + one,
    timestamptz '2026-06-30 07:00Z' + one %% 20000 * interval '1 s', 100, 'BR00001', 'CNY'
from generate_series(0, %(customers)s - 1) as one
"""
_KNOWN_REMINDERS = """
insert into alerting.reminders (reminder_id, rule_code, customer_id, subject, reminder_window)
select gen_random_uuid(), 'R01.LARGE_OUTFLOW', 1000 + one, 'customer:' || 1000 + one, 'known'
from generate_series(0, %(customers)s - 1, 50) as one
"""

_FIRED = "select count(*) from alerting.outbox where rule_version is not null"

#: Memory is looked at so often, at equal parts of the events.
LOOKS = 20


@dataclass(frozen=True)
class Run:
    """A run to the end of the topics: events a second from when every process has its partitions
    to the last durable batch; CPU seconds of the processes and of PostgreSQL; reminders raised of a
    thousand events; and MB of memory of the processes at each of `LOOKS` parts of the events."""

    rate: float
    cpu_seconds: float
    fired: float
    megabytes: list[float]


@dataclass(frozen=True)
class Bench:
    """Topics of their own with that many events, and where the servers are."""

    name: str
    servers: dict[str, str]
    records: int
    say: Callable[[str], None]

    @property
    def environment(self) -> dict[str, str]:
        """What the processes of this benchmark see."""
        return self.servers | {"CRM_KAFKA_TOPIC_PREFIX": f"{self.name}."}

    @property
    def kafka(self) -> KafkaSettings:
        """The broker with this benchmark's topics."""
        return KafkaSettings(
            bootstrap=self.environment["CRM_KAFKA_BOOTSTRAP"],
            topic_prefix=self.environment["CRM_KAFKA_TOPIC_PREFIX"],
        )

    def fill(self, customers: int = stream.CUSTOMERS) -> None:
        """Put the events into the topics."""
        self.say(f"writing {self.records:,} events of {customers:,} customers")
        settings = self.kafka
        kafka.ensure_topics(settings, TOPICS)
        producer = kafka.producer(settings)
        for topic, event in stream.events(self.records, customers):
            producer.send(kafka.topic(settings, topic), key=event.key, value=event.to_bytes())
        producer.flush(timeout=120)
        producer.close()

    def reader(self, module: str, group: str, environment: dict[str, str] | None = None) -> float:
        """Records a second by another program that reads the topics."""
        seen = self.environment | (environment or {})
        found = measure("-m", module, group, str(self.records), environment=seen).document()
        return float(found["records"]) / float(found["seconds"])

    @contextmanager
    def running(
        self, count: int, customers: int = 0
    ) -> Iterator[tuple[psycopg.Connection, list[int]]]:
        """So many processes of a new group, on tables that are empty or hold what a bank of so many
        `customers` has stored; their numbers, and a connection."""
        with psycopg.connect(self.environment["ALERTING_DATABASE_URL"], autocommit=True) as known:
            known.execute(_EMPTY)
            if customers:
                known.execute(_KNOWN_TRANSFERS, {"customers": customers})
                known.execute(_KNOWN_REMINDERS, {"customers": customers})
                known.execute("vacuum (analyze) alerting.inbox, alerting.reminders")
            environment = os.environ | self.environment | {
                "ALERTING_GROUP": f"bench-{time.time_ns()}",
                "ALERTING_CANARY_SECONDS": "0",
                "ALERTING_OPERATIONS_HOST": LOOPBACK,
                "ALERTING_OPERATIONS_PORT": "0",
            }  # fmt: skip
            command = [sys.executable, str(Path(sys.executable).parent / "alerting"), "run"]
            started = [
                subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for _ in range(count)
            ]  # fmt: skip
            try:
                yield known, [one.pid for one in started]
            finally:
                for one in started:
                    one.terminate()
                for one in started:
                    one.wait(60)

    def members(self, count: int, customers: int = 0) -> Run:
        """So many processes, to the end of the topics, as `running` starts them."""
        with self.running(count, customers) as (connection, pids):
            first, began = 0, 0.0
            megabytes: list[float] = []
            backend = connection.info.backend_pid
            before = _cpu_of_postgresql(backend)
            deadline = time.monotonic() + _LONGEST_SECONDS
            while True:
                row = connection.execute(_DONE).fetchone()
                done, owners, now = (*row, time.monotonic()) if row else (0, 0, 0.0)
                if done and owners == count and not began:
                    first, began = done, now
                if done * LOOKS >= self.records * (len(megabytes) + 1):
                    megabytes.append(_kilobytes(pids) / 1024)
                if done >= self.records:
                    break
                if now > deadline or any(not _alive(pid) for pid in pids):
                    raise CrmError(
                        f"`alerting run` worked on {done} of {self.records} events only."
                    )
                time.sleep(0.05)
            if not began or done == first:
                raise CrmError(f"{count} processes had not begun when all was done; take more.")
            cpu = _cpu_seconds(pids) + _cpu_of_postgresql(backend) - before
            fired = connection.execute(_FIRED).fetchone()
            return Run((done - first) / (now - began), cpu,
                       1000 * (fired or [0])[0] / self.records, megabytes)  # fmt: skip


def _alive(pid: int) -> bool:
    return _status(pid)[0] != "Z"


def _kilobytes(pids: list[int]) -> int:
    """Memory of the processes together, as they are now."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time of the processes together, so far."""
    return sum(sum(_times(pid)[:2]) for pid in pids)


def _cpu_of_postgresql(backend: int) -> float:
    """Processor time of the server of a backend, so far: of all its processes, also ended ones."""
    server = _parent(backend)
    children = [
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdecimal() and _parent(int(path.name)) == server
    ]
    return sum(_times(server)) + _cpu_seconds(children)


def _times(pid: int) -> list[float]:
    """Seconds of processor time: own, for it by the kernel, and both of children that ended."""
    return [int(one) / os.sysconf("SC_CLK_TCK") for one in _status(pid)[11:15]]


def _parent(pid: int) -> int:
    return int(_status(pid)[1])


def _status(pid: int) -> list[str]:
    """The fields of a process behind its name; zeros where it has just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["Z", *"0" * 20]
