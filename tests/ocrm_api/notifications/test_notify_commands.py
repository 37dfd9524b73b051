"""`ocrm notify` and `ocrm notifications`, as an operator uses them."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from crm_shared import logging
from crm_shared.testing.waiting import wait_until
from ocrm_api.cli import app
from tests.ocrm_api.notifications.conftest import Desk

OCRM = Path(sys.executable).with_name("ocrm")
URGENT = "R01.LARGE_OUTFLOW"
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(desk: Desk, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the desk's bank: exit code, and what it said."""
    # Signals and logs are set up for a whole process, and this one is the tests'.
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(logging, "configure", lambda _: None)

    def invoke(*arguments: str, **settings: str) -> tuple[int, str]:
        env = environment | desk.bank.database.environment() | {"OCRM_DEMO": "1"} | settings
        result = CliRunner().invoke(app, arguments, env=env)
        return result.exit_code, result.output

    return invoke


def failed(desk: Desk) -> str:
    """The id of a notification that has failed."""
    desk.bank.raise_reminder(4, URGENT)
    desk.turn(attempts=1, **desk.webhook(9))
    [(notification_id,)] = desk.bank.execute("select notification_id from ocrm.notifications")
    return str(notification_id)


def test_what_failed_is_listed_and_retried(desk: Desk, run: Run) -> None:
    one = failed(desk)
    code, said = run("notifications", "list", "--json")
    listed: dict[str, Any] = json.loads(said)
    assert (code, listed["notification_id"], listed["attempts"]) == (0, one, 1)
    assert listed["reason"].startswith("The connection to the receiver failed")
    head, line = run("notifications", "list")[1].splitlines()
    assert head.startswith("notification ")
    assert re.match(rf"{one}  2026-07-01T.* 1 +1  The", line)
    assert run("notifications", "retry", one) == (
        0, "1 notification will be tried again; what is no longer new is not sent.\n",
    )  # fmt: skip
    assert run("notifications", "list") == (0, "No notification is failed.\n")
    assert desk.statuses() == [("M1", "waiting", 0)]
    assert run("notifications", "retry", one)[0] == 2
    assert desk.bank.execute(
        "select subject_id from ocrm.audit_log where action = 'notification.retried'"
    ) == [(one,)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("notifications", "retry"), "Name the notifications to retry"),
        (("notifications", "list", "--status", "gone"), "take one of waiting, sent"),
        (("notifications", "prefer", "M1", "--channel", "pigeon"), "take one of console, file"),
        (("notifications", "prefer", "M0", "--off"), "M0 is no employee"),
        (("notify", "--now"), "--now goes with --once alone"),
    ],
)
def test_what_cannot_be_asked_is_said(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    code, said = run(*arguments)
    assert (code, sentence in said) == (2, True)


def test_a_channel_that_is_not_set_up_is_named(run: Run) -> None:
    code, said = run("notify", "--once", OCRM_NOTIFY_CHANNEL="email")
    assert (code, "set OCRM_NOTIFY_SMTP_HOST" in said) == (2, True)


def test_an_employees_wish_is_kept_and_shown(run: Run) -> None:
    run("notifications", "prefer", "M1", "--channel", "email", "--language", "en")
    code, said = run("notifications", "prefer", "M1", "--off", "--json")
    assert (code, json.loads(said)) == (
        0, {"employee_id": "M1", "enabled": False, "channel": "email", "language": "en"},
    )  # fmt: skip


def test_to_look_at_a_wish_changes_nothing(desk: Desk, run: Run) -> None:
    assert json.loads(run("notifications", "prefer", "M1", "--json")[1]) == {
        "employee_id": "M1", "enabled": True, "channel": None, "language": None,
    }  # fmt: skip
    assert desk.bank.execute("select 1 from ocrm.notification_preferences") == []
    run("notifications", "prefer", "M1", "--off")
    assert json.loads(run("notifications", "prefer", "M1", "--json")[1])["enabled"] is False


def test_once_sends_what_there_is_whatever_the_hour(desk: Desk, run: Run) -> None:
    desk.bank.raise_reminder(4, URGENT)
    desk.bank.raise_reminder(4, "R04.BIRTHDAY")
    code, said = run("notify", "--once", "--now")
    assert code == 0
    assert said.endswith("Notifications: 2 made, 2 sent.\n")
    assert "M1: 1 条紧急提醒待处理\n  大额资金流出：1 条（优先级 1）\n  请登录系统查看。\n" in said


def _metrics(port: int) -> str:
    """What the process tells of itself; nothing while it does not listen."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_the_process_shows_its_metrics_and_ends_when_it_is_told_to(
    desk: Desk, environment: dict[str, str]
) -> None:
    failed(desk)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = environment | desk.bank.database.environment()
    env |= {"OCRM_DEMO": "1", "OCRM_NOTIFY_OPERATIONS_PORT": str(port)}
    # What failed lies in the past of the desk's clock, and the process goes by the real one.
    env["OCRM_NOTIFY_RETENTION_DAYS"] = "36500"
    process = subprocess.Popen([OCRM, "notify"], env=env, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(
            lambda: (
                process.poll() is not None
                or 'ocrm_notifications_failed{channel="push"} 1.0' in _metrics(port)
            ),
            "the metrics",
            seconds=60,
        )
        process.terminate()
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, "notifier_stopped" in said) == (0, True)
