"""What every local server has to say about itself."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import ClassVar

from deploy.local.accounts import Account
from deploy.local.errors import UnsupportedPlatform
from deploy.local.state import Record


@dataclass
class LocalServer(ABC):
    """A server that is installed as a Python package and listens on loopback."""

    data_dir: Path
    secret: str
    durable: bool = True
    account: Account | None = None

    name: ClassVar[str]
    title: ClassVar[str]
    variable: ClassVar[str]
    stop_steps: ClassVar[Sequence[tuple[Signals, float]]] = ((SIGTERM, 10.0), (SIGKILL, 5.0))

    @property
    def log(self) -> Path:
        """Where the server writes what happens to it."""
        return self.data_dir / "logs" / f"{self.name}.log"

    @abstractmethod
    def prepare(self, record: Record) -> list[str]:
        """Make the data folder ready; what a person should know comes back as sentences."""

    @abstractmethod
    def command(self, port: int) -> list[str]:
        """The command that runs the server in the foreground."""

    @abstractmethod
    def url(self, port: int) -> str:
        """Where a client finds the server, with its credentials."""

    @abstractmethod
    def version_at(self, url: str) -> str:
        """The version of the server that answers there; `ServerDoesNotAnswer` when none does."""


def packaged(package: str, inside: str) -> Path:
    """A file or folder that an installed package carries for this platform."""
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        path = Path(place) / inside
        if path.exists():
            return path
    raise UnsupportedPlatform(
        f"The package {package} carries no {Path(inside).name} for this platform: use Linux or "
        "macOS on x86-64 or ARM, or name a server that runs in the environment (.env.example)."
    )
