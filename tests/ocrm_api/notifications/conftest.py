"""A notifier on a bank, at a time of the test's choice, that writes into a file unless told."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crm_shared.clock import BANK_ZONE
from ocrm_api.notifications.notifier import Notifier, Turned
from ocrm_api.settings import NotifySettings, Settings
from tests.ocrm_api.conftest import Bank
from tests.ocrm_api.notifications.receivers import Received, receiving_http

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def at(text: str) -> datetime:
    """An instant on the bank's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=BANK_ZONE)


class Desk:
    """The bank, the notifier's clock and what it wrote."""

    def __init__(self, bank: Bank, folder: Path, stack: ExitStack) -> None:
        self.bank, self._file, self._stack = bank, folder / "notifications.jsonl", stack

    def notifier(self, now: str = "2026-07-01T10:00", **given: Any) -> Notifier:
        """A notifier at a time, on a Wednesday unless said."""
        values: dict[str, Any] = {"channel": "file", "file": self._file, "timeout_seconds": 5}
        settings = Settings(database_url=SecretStr(self.bank.database.ocrm_app), demo=True)
        made = Notifier(
            settings, NotifySettings(**(values | given)), threading.Event(), lambda: at(now)
        )
        self._stack.callback(made.close)
        return made

    def turn(self, now: str = "2026-07-01T10:00", **given: Any) -> Turned:
        """One turn of a notifier at a time."""
        return self.notifier(now, **given).turn()

    def webhook(self, port: int) -> dict[str, Any]:
        """Settings of a gateway of app push on this machine."""
        return {
            "channel": "push", "push_url": SecretStr(f"http://127.0.0.1:{port}/hook?bank=1"),
            "webhook_secret": SecretStr(SECRET), "link": "https://crm.test/reminders",
        }  # fmt: skip

    @property
    def written(self) -> list[dict[str, Any]]:
        """Every notification in the file."""
        if not self._file.exists():
            return []
        return [json.loads(line) for line in self._file.read_text().splitlines()]

    def came(self, instant: str) -> None:
        """Let everything in the outbox have come at a time."""
        self.bank.execute("update ocrm.notification_items set created_at = %s", at(instant))

    def statuses(self) -> list[tuple[str, str, int]]:
        """Employee, status and attempts of every notification."""
        return self.bank.execute(
            "select employee_id, status, attempts from ocrm.notifications order by 1, 2"
        )


@pytest.fixture
def desk(shared_bank: Bank, tmp_path: Path) -> Iterator[Desk]:
    """A desk where nothing has happened yet; what is raised came shortly before its usual time,
    whatever day it is outside."""
    shared_bank.execute(
        "alter table ocrm.notification_items"
        " alter created_at set default timestamptz '2026-07-01 09:59:00+08'"
    )
    shared_bank.execute(
        "truncate ocrm.reminders, ocrm.reminder_events, ocrm.notification_items,"
        " ocrm.notifications, ocrm.notification_preferences, ocrm.parameters"
    )
    with ExitStack() as stack:
        stack.callback(
            shared_bank.execute,
            "alter table ocrm.notification_items alter created_at set default now()",
        )
        yield Desk(shared_bank, tmp_path, stack)


@pytest.fixture
def receiver() -> Iterator[Received]:
    """An HTTP server of this test."""
    with receiving_http() as got:
        yield got
