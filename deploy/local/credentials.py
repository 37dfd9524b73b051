"""Passwords and the data key: random, made once, kept in a file that only the owner can read."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.errors import LocalServerError
from deploy.local.state import explained, write_private


@dataclass(frozen=True)
class Credentials:
    """The secrets of one data folder."""

    postgresql: str
    redis: str
    kafka: str
    data_key: str


def credentials(data_dir: Path) -> Credentials:
    """The secrets of the folder, made at the first call."""
    path = data_dir / "secrets.json"
    if not path.exists():
        with explained(data_dir):
            data_dir.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(asdict(_fresh()), indent=2) + "\n", replace=False)
    try:
        with explained(data_dir):
            return Credentials(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise LocalServerError(
            f"{path} is damaged: bring it back from a copy, or stop the servers by hand "
            f"and delete {data_dir}."
        ) from error


def _fresh() -> Credentials:
    return Credentials(
        postgresql=secrets.token_hex(24),
        redis=secrets.token_hex(24),
        kafka="",
        data_key=base64.b64encode(secrets.token_bytes(32)).decode(),
    )


def role_password(superuser_password: str, role: str) -> str:
    """The password of a role: who may be superuser can work it out, nobody else can."""
    return hmac.new(superuser_password.encode(), role.encode(), hashlib.sha256).hexdigest()
