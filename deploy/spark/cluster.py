"""One master and two workers of Spark's standalone cluster, on loopback.

PySpark brings the whole of Spark along, so nothing is fetched. Workers have one core each and write
into the data folder; whoever uses the cluster has to see the same files as they do.
"""

import os
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

from deploy.kafka.broker import ToolMissing
from deploy.local.errors import ServerDoesNotAnswer
from deploy.local.lifecycle import start, stop, url_if_running
from deploy.local.ports import LOOPBACK
from deploy.local.server import LocalServer
from deploy.local.state import Record, State, explained

WORKERS = 2
WORKER_MEMORY = "1g"

#: The only Scala that Spark 4 is built for.
_SCALA = "2.13"

#: What Java 17 keeps from Spark otherwise.
_OPENED = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.lang", "java.lang.invoke", "java.io", "java.net", "java.nio",
                    "java.util", "java.util.concurrent", "sun.nio.ch", "sun.security.action")
)  # fmt: skip


def spark_home() -> Path:
    """Where PySpark lies; `ToolMissing` says how to get it."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise ToolMissing("PySpark was not found: make spark fetches it into .local/spark.")
    if shutil.which("java") is None:
        raise ToolMissing("Java was not found: Spark needs Java 17 or newer; install it.")
    return Path(spec.origin).parent


class _SparkProcess(LocalServer):
    """A daemon of the standalone cluster."""

    variable = ""
    main_class: str
    options: tuple[str, ...] = ()

    def prepare(self, record: Record) -> list[str]:
        with explained(self.data_dir):
            (self.data_dir / self.name).mkdir(parents=True, exist_ok=True)
        # A worker finds the programs of its executors by it.
        os.environ["SPARK_HOME"] = str(spark_home())
        os.environ["SPARK_LOCAL_IP"] = LOOPBACK
        # Spark's scripts would say it; without them a worker looks for a source tree.
        os.environ["SPARK_SCALA_VERSION"] = _SCALA
        return []

    def command(self, port: int) -> list[str]:
        java = shutil.which("java") or "java"
        return [
            java, "-Xmx256m", "-Dspark.master.rest.enabled=false", *_OPENED,
            "-cp", f"{spark_home() / 'jars'}{os.sep}*", self.main_class,
            *("--host", LOOPBACK), *("--port", str(port)), *("--webui-port", "0"), *self.options,
        ]  # fmt: skip

    def version_at(self, url: str) -> str:
        """Only whether somebody listens there: the daemons speak a protocol of their own."""
        host, _, port = url.removeprefix("spark://").partition(":")
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
        except OSError as error:
            raise ServerDoesNotAnswer(str(error)) from error
        return "standalone"

    def url(self, port: int) -> str:
        return f"spark://{LOOPBACK}:{port}"


class Master(_SparkProcess):
    """Knows the workers and gives them to applications."""

    name = "spark-master"
    title = "Spark's master"
    main_class = "org.apache.spark.deploy.master.Master"


def _worker(number: int, folder: Path, master: str) -> LocalServer:
    """A worker with one core; its name tells it from the other."""
    work = folder / f"spark-worker-{number}"

    class Worker(_SparkProcess):
        name = f"spark-worker-{number}"
        title = f"Spark's worker {number}"
        main_class = "org.apache.spark.deploy.worker.Worker"
        options = ("--cores", "1", "--memory", WORKER_MEMORY, "--work-dir", str(work), master)

    return Worker(folder, secret="")


def up(folder: Path, state: State) -> str:
    """Start what does not run; the address of the master."""
    master = Master(folder, secret="")
    start(master, state, {}, lambda sentence: None)
    address = url_if_running(master, state) or ""
    for number in range(1, WORKERS + 1):
        start(_worker(number, folder, address), state, {}, lambda sentence: None)
    return address


def down(folder: Path, state: State) -> bool:
    """Stop everything; False when nothing ran."""
    servers = [_worker(number, folder, "") for number in range(1, WORKERS + 1)]
    stopped = [stop(server, state) for server in [*servers, Master(folder, secret="")]]
    return any(stopped)


def address(folder: Path, state: State) -> str | None:
    """`spark://HOST:PORT` of the master, None while it does not run."""
    return url_if_running(Master(folder, secret=""), state)
