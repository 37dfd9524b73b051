"""Topics of a benchmark, and processes of `alerting run` that work on them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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

#: Memory is looked at when this share of the events is done, and at the end.
_SETTLED = 0.2


@dataclass(frozen=True)
class Run:
    """A run to the end of the topics: events a second from when every process has its partitions
    to the last durable batch, CPU seconds of the processes, and memory at the end to that at a
    fifth of the events."""

    rate: float
    cpu_seconds: float
    memory_grown: float


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
        kafka.ensure_topics(self.kafka, TOPICS)
        producer = kafka.producer(self.kafka)
        for topic, event in stream.events(self.records, customers):
            producer.send(kafka.topic(self.kafka, topic), key=event.key, value=event.to_bytes())
        producer.flush(timeout=120)
        producer.close()

    def reader(self, module: str, group: str, environment: dict[str, str] | None = None) -> float:
        """Records a second by another program that reads the topics."""
        seen = self.environment | (environment or {})
        found = measure("-m", module, group, str(self.records), environment=seen).document()
        return float(found["records"]) / float(found["seconds"])

    @contextmanager
    def running(self, count: int) -> Iterator[tuple[psycopg.Connection, list[int]]]:
        """So many processes of a new group, on empty tables; their numbers, and a connection."""
        with psycopg.connect(self.environment["ALERTING_DATABASE_URL"], autocommit=True) as known:
            known.execute(_EMPTY)
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

    def members(self, count: int) -> Run:
        """So many processes, to the end of the topics."""
        with self.running(count) as (connection, pids):
            settled, first, began = 0, 0, 0.0
            deadline = time.monotonic() + _LONGEST_SECONDS
            while True:
                row = connection.execute(_DONE).fetchone()
                done, owners, now = (*row, time.monotonic()) if row else (0, 0, 0.0)
                if done and owners == count and not began:
                    first, began = done, now
                if not settled and done > _SETTLED * self.records:
                    settled = _kilobytes(pids)
                if done >= self.records:
                    break
                if now > deadline or any(not _alive(pid) for pid in pids):
                    raise CrmError(
                        f"`alerting run` worked on {done} of {self.records} events only."
                    )
                time.sleep(0.05)
            if not began or done == first:
                raise CrmError(f"{count} processes had not begun when all was done; take more.")
            return Run((done - first) / (now - began), _cpu_seconds(pids),
                       _kilobytes(pids) / settled)  # fmt: skip


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def _kilobytes(pids: list[int]) -> int:
    """Memory of the processes together, as they are now."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _cpu_seconds(pids: list[int]) -> float:
    """Processor time of the processes together, so far."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")
