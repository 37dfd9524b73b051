"""The intake of reminders as real processes, on a topic and a bank of one test."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crm_shared import kafka
from crm_shared.events import reminders as topic
from crm_shared.settings import KafkaSettings
from tests.ocrm_api.conftest import Bank

OCRM = Path(sys.executable).with_name("ocrm")


@dataclass
class Line:
    """A topic, the database behind it, and the intake processes between them."""

    bank: Bank
    environment: dict[str, str]
    log: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def settings(self) -> KafkaSettings:
        """The broker of this test."""
        return KafkaSettings(
            bootstrap=self.environment["CRM_KAFKA_BOOTSTRAP"],
            topic_prefix=self.environment["CRM_KAFKA_TOPIC_PREFIX"],
        )

    def publish(self, values: Sequence[bytes]) -> None:
        """Write messages to the topic, keyed in turn."""
        kafka.ensure_topics(self.settings, [topic.TOPIC])
        producer = kafka.producer(self.settings)
        for number, value in enumerate(values):
            key = str(number % 7).encode()
            producer.send(kafka.topic(self.settings, topic.TOPIC), key=key, value=value)
        producer.flush()
        producer.close()

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start an intake."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [OCRM, "intake"], env=self.environment | environment, stderr=log, stdout=log
            )
        self.processes.append(process)
        return process

    def taken_in(self) -> int:
        """Reminders in the database."""
        return int(self.bank.execute("select count(*) from ocrm.reminders")[0][0])

    def wait(self, until: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.1)


@pytest.fixture
def line(
    own_bank: Bank, environment: dict[str, str], kafka_prefix: str, redis_url: str, tmp_path: Path
) -> Iterator[Line]:
    """A line of this test alone."""
    own = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")},
        **environment,
        **own_bank.database.environment(),
        "CRM_KAFKA_TOPIC_PREFIX": kafka_prefix,
        "CRM_REDIS_URL": redis_url,
        "OCRM_DEMO": "1",
    }
    made = Line(own_bank, own, tmp_path / "intake.log")
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.kill()
        process.wait()
