"""The day: fill, batch, serve, replay, wait, compare; each step a command of the product."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

import httpx
import psycopg
from rich.console import Console

from crm_shared.events import reminders
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings
from deploy.demo.api import Api
from deploy.demo.drained import lag
from deploy.demo.options import DemoOptions
from deploy.demo.programs import Programs
from deploy.demo.report import Report

DRAIN_SECONDS = 120.0
START_SECONDS = 60.0


def free_port() -> int:
    """A port of the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Bank(Protocol):
    """A source of landing files with known answers."""

    batch_dates: tuple[date, ...]
    replay_date: date
    currency: str
    staff: tuple[str, ...]  #: who may log in; empty: one of each kind

    def fill(self, programs: Programs, landing: Path) -> None:
        """Write the landing files."""

    def settle(self, connection: psycopg.Connection) -> None:
        """Set what the services' parameters must be for this bank's answers."""

    def compare(
        self, connection: psycopg.Connection, api: Api, landing: Path, report: Report
    ) -> None:
        """Enter into the report what is true, what was published, and what the first login sees."""


@dataclass(slots=True)
class Story:
    """One run of the demo on running servers."""

    options: DemoOptions
    bank: Bank
    environment: dict[str, str]
    console: Console
    report: Report = field(default_factory=Report)

    def tell(self, programs: Programs) -> Report:
        """Run the whole day; the report says what was right. Services keep running."""
        landing = self.options.landing
        with self._step("migrate", "creating schemas in PostgreSQL"):
            for command in ("ocrm", "acrm", "alerting"):
                programs.run(command, "migrate")
            with self._connect() as connection:
                self.bank.settle(connection)
        with self._step("generate", "writing what the core bank delivers"):
            self.bank.fill(programs, landing)
        with self._step("batch", "running the night's batch"):
            for day in self.bank.batch_dates:
                programs.run("acrm", "run", "--date", day.isoformat(), shown=True)
            programs.run("acrm", "dictionary", "--html", str(self.options.dictionary))
        with self._step("serve", "starting the API, the intake and alerting"):
            self._serve(programs)
        with self._step("replay", f"replaying {self.bank.replay_date} to Kafka"):
            programs.run(
                "bank-simulator", "replay", "--landing", str(landing),
                "--date", self.bank.replay_date.isoformat(), "--rate", "2000",
                "--duplicates", "2", "--disorder", "30", shown=True,
            )  # fmt: skip
        with self._step("drain", "waiting until every event is worked through"):
            programs.wait_until("Draining", self._drained, DRAIN_SECONDS)
        with self._step("notify", "telling employees, as a file here"):
            self.report.notified = programs.run("ocrm", "notify", "--once", "--now").strip()
            self.report.files["notified"] = str(self.options.notifications)
        with self._step("compare", "comparing with the truth"), self._connect() as connection:
            self.report.logins = json.loads(
                programs.run("ocrm", "create-demo-users", *self.bank.staff)
            )
            api = Api(self.report.urls["API"].removesuffix("/docs"), self.report.logins[0])
            self.bank.compare(connection, api, landing, self.report)
        return self.report

    def _serve(self, programs: Programs) -> None:
        api, operations = free_port(), self.environment["ALERTING_OPERATIONS_PORT"]
        programs.start("ocrm-api", "ocrm", "serve", "--port", str(api))
        programs.start("ocrm-intake", "ocrm", "intake")
        programs.start("alerting", "alerting", "run")
        base, watch = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{operations}"
        self.report.urls = {
            "API": f"{base}/docs",
            "OpenAPI": f"{base}/openapi.json",
            "alerting": f"{watch}/readyz",
            "metrics": f"{watch}/metrics",
            "PostgreSQL": self.environment["CRM_POSTGRES_URL"],
            "Kafka": self.environment["CRM_KAFKA_BOOTSTRAP"],
        }
        self.report.files = {
            "run reports": str(self.options.run_reports),
            "dictionary": str(self.options.dictionary),
        }
        programs.wait_until("The API", lambda: _answers(f"{base}/readyz"), START_SECONDS)
        programs.wait_until("Alerting", lambda: _answers(f"{watch}/readyz"), START_SECONDS)

    def _drained(self) -> bool:
        settings = KafkaSettings(
            bootstrap=self.environment["CRM_KAFKA_BOOTSTRAP"],
            topic_prefix=self.environment.get("CRM_KAFKA_TOPIC_PREFIX", ""),
        )
        if any(lag(settings, "alerting", topic) for topic in TOPICS):
            return False
        with self._connect() as connection:
            row = connection.execute(
                "select count(*) from alerting.outbox where sent_at is null"
            ).fetchone()
        return row == (0,) and lag(settings, "ocrm-intake", reminders.TOPIC) == 0

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.environment["CRM_POSTGRES_URL"])

    @contextmanager
    def _step(self, name: str, doing: str) -> Iterator[None]:
        self.console.print(f"[bold]{name:<9}[/] {doing} …")
        started = time.monotonic()
        yield
        self.report.seconds[name] = round(time.monotonic() - started, 1)
        self.console.print(f"{name:<9} done in {self.report.seconds[name]:.1f} s", style="dim")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
