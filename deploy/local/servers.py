"""PostgreSQL, Redis and a Kafka-protocol broker of one data folder, as one set."""

import atexit
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.local.accounts import unprivileged_account
from deploy.local.bootstrap import bootstrap, role_urls
from deploy.local.credentials import credentials
from deploy.local.errors import (
    DiskFull,
    LocalServerError,
    NotRunning,
    ServerDoesNotAnswer,
    UnsupportedPlatform,
)
from deploy.local.guardian import Guardian
from deploy.local.kafka_broker import KafkaBroker
from deploy.local.lifecycle import start, stop, url_if_running
from deploy.local.postgres import PostgresServer
from deploy.local.redis_server import RedisServer
from deploy.local.server import LocalServer
from deploy.local.state import State, write_private

MINIMUM_FREE = 300 * 1024**2


@dataclass(frozen=True)
class ServerStatus:
    """One line of `make status`."""

    server: str
    state: str
    address: str
    pid: int | None
    version: str


class LocalServers:
    """The servers of one data folder; another folder is another, independent set.

    `with LocalServers(folder, durable=False) as servers` starts a throw-away set: it does without
    fsync and is removed at the end, also when this process is killed. A server whose URL is in
    `environment` is never started or stopped.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        durable: bool = True,
        environment: Mapping[str, str] | None = None,
        report: Callable[[str], None] = lambda sentence: None,
        minimum_free: int = MINIMUM_FREE,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.durable = durable
        self._given = dict(os.environ if environment is None else environment)
        self._report = report
        self._minimum_free = minimum_free
        self._state = State(self.data_dir)
        self._guardian: Guardian | None = None
        self._started_here: list[str] = []

    def up(self) -> list[str]:
        """Start what does not run yet; the names of what was started. Safe to repeat."""
        if sys.platform not in ("linux", "darwin"):
            raise UnsupportedPlatform(
                "The local servers run on Linux and macOS: elsewhere use docker compose up."
            )
        with self._state.locked():
            self._check_room()
            servers = self._servers()
            own = [server for server in servers if not self._answers_elsewhere(server)]
            started = [
                server.name
                for server in own
                if start(server, self._state, self._given, self._report)
            ]
            urls = self._urls()
            bootstrap(urls["CRM_POSTGRES_URL"], urls)
            write_private(self.data_dir / "env", as_shell(self.environment()))
        return started

    def down(self, names: Iterable[str] | None = None) -> list[str]:
        """Stop what runs (or the named ones); the names of what was stopped."""
        if not self.data_dir.exists():
            return []
        chosen = None if names is None else set(names)
        with self._state.locked():
            return [
                server.name
                for server in reversed(self._servers())
                if (chosen is None or server.name in chosen) and stop(server, self._state)
            ]

    def remove(self) -> None:
        """Stop everything and delete all data of the folder."""
        if not self.data_dir.exists():
            return
        self.down()
        postgres = self._servers()[0]
        if isinstance(postgres, PostgresServer):
            postgres.remove_home(self._state.read(postgres.name))
        for name in ("redis", "logs"):
            shutil.rmtree(self.data_dir / name, ignore_errors=True)
        for name in ("servers.json", "secrets.json", "env", "lock"):
            (self.data_dir / name).unlink(missing_ok=True)

    def status(self) -> list[ServerStatus]:
        """How every server is, seen by asking it."""
        return [self._status(server) for server in self._servers()]

    def environment(self) -> dict[str, str]:
        """The variables by which the services find these servers."""
        return self._urls() | {"CRM_DATA_KEY": self._data_key()}

    def __enter__(self) -> Self:
        self._guardian = Guardian(self.data_dir, delete=not self.durable)
        atexit.register(self.close)
        try:
            self._started_here = self.up()
        except BaseException:
            self._started_here = [server.name for server in self._servers()]
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what this object started; a throw-away set is removed."""
        atexit.unregister(self.close)
        if self.durable:
            self.down(self._started_here)
        else:
            self.remove()
        if self._guardian is not None:
            self._guardian.dismiss()
            self._guardian = None

    def _servers(self) -> list[LocalServer]:
        secret = credentials(self.data_dir)
        account = unprivileged_account()
        return [
            PostgresServer(self.data_dir, secret.postgresql, self.durable, account),
            RedisServer(self.data_dir, secret.redis, self.durable),
            KafkaBroker(self.data_dir, secret.kafka, self.durable),
        ]

    def _answers_elsewhere(self, server: LocalServer) -> bool:
        external = self._external(server)
        if external is None:
            return False
        try:
            server.version_at(external)
        except ServerDoesNotAnswer as error:
            raise ServerDoesNotAnswer(
                f"{server.title} at {server.variable} does not answer ({error}): start it, "
                "correct the variable, or unset it to have one started here."
            ) from error
        return True

    def _external(self, server: LocalServer) -> str | None:
        """The URL from the environment, unless it is the one of our own server."""
        given = self._given.get(server.variable)
        port = self._state.read(server.name).port
        own = server.url(port) if port is not None else None
        return given if given and given != own else None

    def _urls(self) -> dict[str, str]:
        urls = {}
        for server in self._servers():
            url = self._external(server) or url_if_running(server, self._state)
            if url is None:
                raise NotRunning(f"{server.title} does not run: start it with make up.")
            urls[server.variable] = url
        return urls | role_urls(urls["CRM_POSTGRES_URL"], self._given)

    def _data_key(self) -> str:
        return self._given.get("CRM_DATA_KEY") or credentials(self.data_dir).data_key

    def _status(self, server: LocalServer) -> ServerStatus:
        external = self._external(server)
        url = external or url_if_running(server, self._state)
        record = self._state.read(server.name)
        if url is None:
            return ServerStatus(server.title, "stopped", "-", None, "-")
        pid = record.process.pid if record.process and not external else None
        kind = "external" if external else "running"
        address = url.rpartition("@")[2]
        try:
            return ServerStatus(server.title, kind, address, pid, server.version_at(url))
        except LocalServerError as error:
            return ServerStatus(server.title, f"{kind}, silent", address, pid, str(error))

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.data_dir).free
        if free < self._minimum_free:
            raise DiskFull(
                f"Only {free // 1024**2} MB are free for {self.data_dir}, and the servers need "
                f"{self._minimum_free // 1024**2} MB: make room, or set CRM_LOCAL_DIR."
            )


def as_shell(variables: Mapping[str, str]) -> str:
    """Lines for `set -a; . .local/env; set +a`; every value is free of shell characters."""
    return "".join(f"{name}='{value}'\n" for name, value in variables.items())
