"""Spark as the engine: the models' rows are made by Spark, everything else stays with DuckDB.

Both engines look at the same Parquet files under the same names. DuckDB checks a model's text and
says the types of its columns, accepts, audits and publishes; Spark runs the translated text and
writes the partition. Landing folder and warehouse therefore have to be file systems that this
machine and every executor see under the same path.
"""

import hashlib
import logging
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from acrm_batch.catalogue import ParameterValue
from acrm_batch.engines import spark_dialect, spark_text
from acrm_batch.engines.duckdb import Bound, Engine, variables_of
from acrm_batch.engines.spark_text import NotTranslatableError, spark_name, spark_type, translated
from acrm_batch.inputs import File, source
from crm_shared.errors import CrmError, UsageError
from crm_shared.landing import TABLES

#: The oldest Java that Spark 4 runs on.
OLDEST_JAVA = 17

_VERSION = hashlib.sha256(
    Path(spark_text.__file__).read_bytes() + Path(spark_dialect.__file__).read_bytes()
).hexdigest()

_LOGGING = """rootLogger.level = error
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c{1}: %m%n
"""


@dataclass(frozen=True, slots=True)
class _Query:
    """A relation that is a query over others."""

    sql: str


@dataclass(frozen=True, slots=True)
class _Files:
    """A landing table: delivered files, of which the newest row per key counts where it is so."""

    table: str
    files: tuple[File, ...]


_Definition = _Query | _Files | Path


class SparkEngine(Engine):
    """One Spark session, started when the first model has to be made, beside one DuckDB."""

    keeps_newest_rows = False

    def __init__(
        self, landing: Path, aside: Path, memory_limit: str, threads: int, master: str = ""
    ) -> None:
        check_installed()
        self._definitions: dict[str, _Definition] = {}
        self._values: list[ParameterValue] = []
        self._session: Any = None
        self._settings = (memory_limit, threads, master)
        super().__init__(landing.absolute(), aside.absolute(), memory_limit, threads)

    @property
    def version(self) -> str:
        """Changes with the engine, its macros and the translation."""
        return f"spark {super().version} {_VERSION}"

    def set_parameters(self, values: Sequence[ParameterValue]) -> None:
        super().set_parameters(values)
        self._values = list(values)

    def landing_relation(self, table: str, files: Sequence[File]) -> None:
        super().landing_relation(table, files)
        filled = tuple(file for file in files if file.rows)
        self._definitions[f"landing.{table}"] = _Files(table, filled)

    def view(self, name: str, query: str) -> None:
        super().view(name, query)
        self._definitions[name] = _Query(query)

    def partition_view(
        self, name: str, path: Path, declared: Mapping[str, str] | None = None
    ) -> None:
        # What a file lacks of the columns that DuckDB finds is empty in Spark, too.
        super().partition_view(name, path, declared)
        self._definitions[name] = path.absolute()

    def stage(
        self,
        name: str,
        sql: str,
        key: Sequence[str],
        bound: Mapping[str, Bound],
        ranges_of: str | None = None,
    ) -> tuple[Path, int]:
        from py4j.protocol import Py4JError  # noqa: PLC0415  only where Spark is installed
        from pyspark.errors import PySparkException  # noqa: PLC0415

        types = self._types(sql, bound)
        path = self.aside / f"{name}.parquet"
        folder = self.aside / f"{name}.spark"
        try:
            session = self._started()
            session.sparkContext.setJobDescription(name)
            text = self._translated(sql, bound)
            columns = [f"CAST(`{one}` AS {spark_type(kind)}) AS `{one}`"
                       for one, kind in types.items()]  # fmt: skip
            rows = session.sql(text).selectExpr(*columns).repartition(1)
            if key:
                rows = rows.sortWithinPartitions(*(rows[one].asc_nulls_last() for one in key))
            rows.write.mode("overwrite").parquet(_url(folder), compression="zstd")
        except NotTranslatableError as error:
            raise UsageError(f"Model {name} cannot be translated for Spark: {error}") from error
        except (PySparkException, Py4JError, ConnectionError) as error:
            raise _failure(name, error) from error
        [written] = folder.glob("part-*.parquet")
        written.replace(path)
        shutil.rmtree(folder)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        return path, int(pq.read_metadata(path).num_rows)

    def close(self) -> None:
        if self._session is not None:
            self._session.stop()
        super().close()

    def _types(self, sql: str, bound: Mapping[str, Bound]) -> dict[str, str]:
        """The columns of a query and their types, as DuckDB finds them."""
        described = self.connection.execute(f"describe {sql}", variables_of(sql, bound)).fetchall()
        return {str(name): str(kind) for name, kind, *_ in described}

    def _started(self) -> Any:
        """The session; starting it takes some seconds, which a run without work is spared."""
        if self._session is None:
            self._session = _start(self.aside, *self._settings)
        return self._session

    def _translated(self, sql: str, bound: Mapping[str, Bound]) -> str:
        """The query for Spark, after everything that it reads is there under its name."""
        names = [name for name in _tables(sql) if name in self._definitions]
        for name in names:
            self._frame(name).createOrReplaceTempView(spark_name(name))
        relations = {name: self._types(f"select * from {name}", {}) for name in names}
        return translated(sql, relations, bound, self._values)

    def _frame(self, name: str) -> Any:
        """A relation as Spark reads it."""
        definition = self._definitions[name]
        if isinstance(definition, _Query):
            return self._started().sql(self._translated(definition.sql, {}))
        if isinstance(definition, Path):
            schema = _schema(self._types(f"select * from {name}", {}))
            return self._started().read.schema(schema).parquet(_url(definition))
        return self._landing_frame(definition)

    def _landing_frame(self, landed: _Files) -> Any:
        session = self._started()
        name, is_history = source(landed.table)
        contract = TABLES[name]
        types = {column.name: column.type for column in contract.columns}
        schema = _schema(types | {"business_date": "DATE"})
        if not landed.files:
            return session.createDataFrame([], schema)
        paths = [_url(file.path(self.landing)) for file in landed.files]
        reader = session.read.schema(schema).option("basePath", _url(self.landing))
        frame = reader.parquet(*paths)
        if is_history or contract.kind != "state" or len(paths) == 1:
            return frame
        key = ", ".join(contract.key)
        rank = f"row_number() over (partition by {key} order by business_date desc) as newest_first"
        return frame.selectExpr("*", rank).where("newest_first = 1").drop("newest_first")


def _schema(types: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}` {spark_type(kind)}" for name, kind in types.items())


def _url(path: Path) -> str:
    """A path that Spark does not look for in a distributed file system."""
    return f"file://{path}"


@lru_cache(maxsize=512)
def _tables(sql: str) -> tuple[str, ...]:
    """The relations that a query names, its own common table expressions among them."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    found = {f"{one.db}.{one.name}".lstrip(".").lower() for one in tree.find_all(exp.Table)}
    return tuple(sorted(found))


def check_installed() -> None:
    """`UsageError` that says what to install where PySpark or Java is not there."""
    if find_spec("pyspark") is None:
        raise UsageError(
            "The engine spark needs PySpark, which is not installed beside acrm: install"
            " deploy/spark/requirements.lock, or run with --engine duckdb."
        )
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    advice = (f"install Java {OLDEST_JAVA} or newer (on Debian and Ubuntu the package is called"
              f" openjdk-{OLDEST_JAVA}-jre-headless) or set JAVA_HOME to it, or run with --engine"
              " duckdb.")  # fmt: skip
    if java is None:
        raise UsageError(f"Spark needs Java, which was not found: {advice}")
    try:
        told = subprocess.run([java, "-version"], check=False, capture_output=True, text=True)
    except OSError as error:
        raise UsageError(f"{java} does not start ({error.strerror}): {advice}") from error
    found = re.search(r'version "(\d+)', told.stderr)
    if found is None or int(found[1]) < OLDEST_JAVA:
        version = f"Java {found[1]}" if found else "of no known version"
        raise UsageError(f"{java} is {version}, too old for Spark: {advice}")


def _start(aside: Path, memory_limit: str, threads: int, master: str) -> Any:
    """A session whose dates, decimals and empty values mean what they do in DuckDB."""
    from py4j.protocol import Py4JError  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    # PySpark logs what it raises, and the run says it in a sentence of its own.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).disabled = True
    builder = SparkSession.builder.appName("acrm")
    for name, value in _configuration(aside, memory_limit, threads, master):
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except (PySparkException, Py4JError, OSError) as error:
        raise UsageError(
            f"Spark does not start with master {master or 'local'} ({_first_line(error)}); correct"
            " ACRM_SPARK_MASTER, ACRM_MEMORY_LIMIT or the files that SPARK_CONF_DIR names."
        ) from error


#: Java up to 21 gives an allocation up as out of memory after two tries while other threads are
#: within native code, as those that compress are; on a busy machine a broadcast fails for that.
_JAVA_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions -XX:+UnlockDiagnosticVMOptions"
    " -XX:GCLockerRetryAllocationCount=100"
)


def _configuration(
    aside: Path, memory_limit: str, threads: int, master: str
) -> Iterator[tuple[str, str]]:
    yield "spark.sql.session.timeZone", "UTC"
    yield "spark.ui.showConsoleProgress", "false"
    yield "spark.sql.ansi.enabled", "true"
    yield "spark.sql.jsonGenerator.ignoreNullFields", "true"
    yield "spark.sql.warehouse.dir", str(aside / "catalog")
    yield "spark.driver.memory", f"{_megabytes(memory_limit)}m"
    yield "spark.driver.defaultJavaOptions", _JAVA_OPTIONS
    if master:
        yield "spark.master", master
        return
    logging_file = aside / "log4j2.properties"
    logging_file.write_text(_LOGGING, encoding="utf-8")
    yield "spark.master", f"local[{threads}]"
    yield "spark.driver.host", "127.0.0.1"
    yield "spark.driver.bindAddress", "127.0.0.1"
    yield "spark.driver.extraJavaOptions", f"-Dlog4j2.configurationFile={logging_file}"
    yield "spark.local.dir", str(aside / "spill")
    yield "spark.sql.shuffle.partitions", str(2 * threads)
    yield "spark.ui.enabled", "false"


def _megabytes(memory_limit: str) -> int:
    """A memory limit of DuckDB (2GB, 500MB) in megabytes; Spark needs 512 at least."""
    found = re.fullmatch(r"([\d.]+)\s*([KMGT])i?B", memory_limit.strip(), re.IGNORECASE)
    if found is None:
        raise UsageError(
            f"The memory limit {memory_limit!r} is no size for Spark; write it like 2GB."
        )
    scale = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024}[found[2].upper()]
    return max(512, int(float(found[1]) * scale))


def _failure(name: str, error: Exception) -> CrmError:
    """A failure of Spark as a sentence that says what to do."""
    reason = _first_line(error)
    advice = "correct the model or the data, and start again"
    if "OutOfMemory" in reason or isinstance(error, ConnectionError):
        advice = "give it more memory (ACRM_MEMORY_LIMIT, spark.executor.memory) and start again"
    return CrmError(f"Model {name} failed in Spark ({reason}); {advice}.")


def _first_line(error: Exception) -> str:
    """What Spark says went wrong: the cause of an exception of its own, without the stack."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines if "Exception:" in line or "Error:" in line), None)
    return (told or (lines[0] if lines else type(error).__name__)).strip(":. ")
