"""Fetching Apache Kafka with Maven and running one broker of it on loopback."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from signal import SIGKILL, SIGTERM

from deploy.local.errors import LocalServerError, ServerFailedToStart
from deploy.local.kafka_broker import KafkaBroker
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.state import Record, explained

HERE = Path(__file__).parent
OLDEST_JAVA = 17
CLUSTER_ID = "dHVsb3UtY3JtLWthZmthLQ"


class ToolMissing(LocalServerError):
    """Java or Maven is not there; try again where they are."""

    exit_code = 75


class ApacheKafka(KafkaBroker):
    """A broker on the Java machine; its topics are kept on disk."""

    title = "Apache Kafka"
    stop_steps = ((SIGTERM, 30.0), (SIGKILL, 5.0))

    def prepare(self, record: Record) -> list[str]:
        check_java()
        notices = fetch(HERE / "libs")
        with explained(self.data_dir):
            (self.data_dir / "logs").mkdir(parents=True, exist_ok=True)
            settings = (HERE / "server.properties").read_text() + f"log.dirs={self._topics}\n"
            settings += _addresses(free_port(), free_port())
            self._settings.write_text(settings)
        if not (self._topics / "meta.properties").exists():
            self._format()
        return notices

    def command(self, port: int) -> list[str]:
        addresses = _addresses(port, free_port()).splitlines()
        overrides = [part for line in addresses for part in ("--override", line)]
        return [*_java("-Xms128m", "-Xmx768m"), "kafka.Kafka", str(self._settings), *overrides]

    @property
    def _topics(self) -> Path:
        return self.data_dir / "topics"

    @property
    def _settings(self) -> Path:
        return self.data_dir / "server.properties"

    def _format(self) -> None:
        arguments = ["format", "-t", CLUSTER_ID, "-c", str(self._settings), "--ignore-formatted"]
        done = subprocess.run(
            [*_java(), "kafka.tools.StorageTool", *arguments],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip() or "nothing was said").splitlines()
            raise ServerFailedToStart(
                f"Apache Kafka could not prepare {self._topics}: {last[-1]} "
                "Remove that folder and start again."
            )


def check_java() -> None:
    """See that Java is there and new enough."""
    if shutil.which("java") is None:
        raise ToolMissing(
            f"Java was not found: Apache Kafka needs Java {OLDEST_JAVA} or newer; install it, or "
            "use the broker of make up."
        )
    said = subprocess.run(["java", "-version"], check=False, capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found.group(1)) < OLDEST_JAVA:
        raise ToolMissing(
            f"This Java is {found.group(1) if found else 'unknown'}, and Apache Kafka needs "
            f"{OLDEST_JAVA} or newer: install it, or use the broker of make up."
        )


def fetch(libs: Path) -> list[str]:
    """Have Maven copy the broker's libraries here, once for each version of pom.xml."""
    wanted = (HERE / "pom.xml").read_text()
    stamp = libs / "fetched-pom.xml"
    if stamp.exists() and stamp.read_text() == wanted:
        return []
    maven = shutil.which("mvn")
    if maven is None:
        raise ToolMissing(
            "Maven (mvn) was not found: it fetches Apache Kafka; install it, or use the broker of "
            "make up."
        )
    shutil.rmtree(libs, ignore_errors=True)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={libs}"]
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), *goal],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0 or not any(libs.glob("kafka_*.jar")):
        errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        reason = re.sub(r"\x1b\[\d*m", "", errors[0]) if errors else f"exit {done.returncode}"
        raise ToolMissing(
            f"Maven could not fetch Apache Kafka ({reason}): try again where a repository is "
            "reachable, or use the broker of make up."
        )
    with explained(libs):
        stamp.write_text(wanted)
    return ["Apache Kafka was fetched by Maven."]


def _addresses(port: int, controller_port: int) -> str:
    return (
        f"listeners=PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}\n"
        f"advertised.listeners=PLAINTEXT://{LOOPBACK}:{port}\n"
        f"controller.quorum.voters=1@{LOOPBACK}:{controller_port}\n"
    )


def _java(*options: str) -> list[str]:
    java = shutil.which("java") or "java"
    logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
    return [java, *options, logging, "-cp", f"{HERE / 'libs'}{os.sep}*"]
