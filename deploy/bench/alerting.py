"""`python -m deploy.bench.alerting`, which `make bench-alerting` runs: events a second.

The same topics are read in turn by plain kafka-python, which decodes nothing, and by `alerting run`
with all rules and PostgreSQL; what is compared runs right after one another, several times, because
other work on a machine comes and goes. The figure is the median of the rounds.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from crm_shared import kafka
from crm_shared.errors import CrmError
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings
from deploy.bench import stream
from deploy.bench.figures import Figures
from deploy.bench.measured import measure
from deploy.local.servers import LocalServers

BENCH = Path(".local/bench")
_LONGEST_SECONDS = 900.0

_DONE = "select coalesce(sum(processed), 0)::bigint from alerting.partitions"
_EMPTY = (
    "truncate alerting.partitions, alerting.inbox, alerting.outbox, alerting.reminders,"
    " alerting.evidence, alerting.retractions, alerting.dead_letters"
)


@dataclass(frozen=True)
class Bench:
    """Topics with that many events, and where the servers are."""

    environment: dict[str, str]
    records: int
    say: Callable[[str], None]

    def fill(self) -> None:
        """Put the events into the topics."""
        settings = KafkaSettings(bootstrap=self.environment["CRM_KAFKA_BOOTSTRAP"])
        kafka.ensure_topics(settings, TOPICS)
        producer = kafka.producer(settings)
        for topic, event in stream.events(self.records):
            producer.send(kafka.topic(settings, topic), key=event.key, value=event.to_bytes())
        producer.flush(timeout=120)
        producer.close()

    def polling(self, number: int) -> float:
        """Records a second by plain kafka-python."""
        found = measure("-m", "deploy.bench.polling", f"plain-{number}", str(self.records),
                        environment=self.environment).document()  # fmt: skip
        return float(found["records"]) / float(found["seconds"])

    def alerting(self, number: int) -> float:
        """Records a second by `alerting run`, on empty tables."""
        url = self.environment["ALERTING_DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_EMPTY)
            environment = self.environment | {
                "ALERTING_GROUP": f"bench-{number}",
                "ALERTING_CANARY_SECONDS": "0",
                "ALERTING_OPERATIONS_PORT": "0",
            }
            program = str(Path(sys.executable).parent / "alerting")
            process = subprocess.Popen(
                [sys.executable, program, "run"], env=environment, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                return self._rate(connection, process)
            finally:
                process.terminate()
                process.wait(60)

    def _rate(self, connection: psycopg.Connection, process: subprocess.Popen[bytes]) -> float:
        """From the first batch that is durable to the last."""
        first, began = 0, time.monotonic()
        deadline = began + _LONGEST_SECONDS
        while True:
            row = connection.execute(_DONE).fetchone()
            done, now = int(row[0]) if row else 0, time.monotonic()
            if done and not first:
                first, began = done, now
            if done >= self.records:
                return (done - first) / (now - began)
            if process.poll() is not None or now > deadline:
                raise CrmError(f"`alerting run` worked on {done} of {self.records} events only.")
            time.sleep(0.05)


def main(
    records: Annotated[int, typer.Option(help="Events in the topics.")] = 500_000,
    rounds: Annotated[int, typer.Option(help="How often both are measured.")] = 3,
) -> None:
    """Measure alerting; the figures are written to .local/bench/alerting.json."""
    console = Console()
    figures = Figures(BENCH / "alerting.json")
    BENCH.mkdir(parents=True, exist_ok=True)
    try:
        with (
            TemporaryDirectory(dir=BENCH, prefix="run-") as folder,
            LocalServers(Path(folder) / "servers", report=console.print) as servers,
        ):
            Path(folder).chmod(0o711)
            measure("alerting", "migrate", environment=servers.environment())
            _measure(Bench(servers.environment(), records, console.print), figures, rounds)
    except CrmError as error:
        console.print(str(error))
        raise typer.Exit(int(error.exit_code)) from None
    finally:
        figures.print(console)


def _measure(bench: Bench, figures: Figures, rounds: int) -> None:
    bench.say(f"writing {bench.records:,} events")
    bench.fill()
    plain, ours = [], []
    for number in range(rounds):
        bench.say(f"round {number + 1} of {rounds}")
        plain.append(bench.polling(number))
        ours.append(bench.alerting(number))
    share = statistics.median(one / other for one, other in zip(ours, plain, strict=True))
    figures.add("records", bench.records, "events")
    figures.add("plain_polling", statistics.median(plain), "events/s")
    figures.add("alerting", statistics.median(ours), "events/s")
    figures.add("share_of_plain_polling", share, "ratio", at_least=0.6)


if __name__ == "__main__":
    typer.run(main)
