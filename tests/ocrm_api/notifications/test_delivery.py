"""At least once and under one id: receivers that fail, die, hang or were told already."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_shared.clock import bank_date, now
from crm_shared.testing.waiting import wait_until
from ocrm_api.notifications import delivery, notifier
from tests.ocrm_api import bank
from tests.ocrm_api.notifications.conftest import SECRET, Desk
from tests.ocrm_api.notifications.receivers import (
    Received,
    mail_server,
    receiving_mail,
)

OCRM = Path(sys.executable).with_name("ocrm")
URGENT = "R01.LARGE_OUTFLOW"


def test_what_fails_is_tried_again_under_the_same_id_until_it_is_there(
    desk: Desk, receiver: Received
) -> None:
    receiver.status = 500
    desk.bank.raise_reminder(4, URGENT)
    given = desk.webhook(receiver.port)
    desk.turn("2026-07-01T10:00", **given)
    assert desk.statuses() == [("M1", "waiting", 1)]
    desk.turn("2026-07-01T10:00:10", **given)
    assert len(receiver.requests) == 1
    receiver.status = 204
    desk.turn("2026-07-01T10:00:30", **given)
    assert desk.statuses() == [("M1", "sent", 2)]
    assert len(set(receiver.ids)) == 1


def test_what_fails_too_often_has_failed_with_a_reason(desk: Desk, receiver: Received) -> None:
    receiver.status = 503
    desk.bank.raise_reminder(4, URGENT)
    for hour in (10, 12):
        desk.turn(f"2026-07-01T{hour}:00", attempts=2, **desk.webhook(receiver.port))
    assert desk.statuses() == [("M1", "failed", 2)]
    assert desk.bank.execute("select reason from ocrm.notifications") == [
        ("The receiver answered 503; its log says why.",)
    ]
    desk.turn("2026-07-01T18:00", attempts=2, **desk.webhook(receiver.port))
    assert len(receiver.requests) == 2


def test_pauses_grow_and_are_bounded() -> None:
    for attempts in range(1, 40):
        whole = min(timedelta(seconds=30) * 2 ** (attempts - 1), timedelta(hours=1))
        assert whole / 2 <= delivery.pause_after(attempts) <= whole


def test_a_receiver_that_never_answers_holds_up_neither_the_notifier_nor_other_channels(
    desk: Desk, receiver: Received
) -> None:
    desk.bank.execute(
        "insert into ocrm.notification_preferences (employee_id, channel) values ('M2', 'file')"
    )
    for customer in (4, 2):
        desk.bank.raise_reminder(customer, URGENT, bank.CUSTOMERS[customer][0])
    receiver.meanwhile = lambda: time.sleep(3)
    given = desk.webhook(receiver.port) | {"timeout_seconds": 0.3}
    sender = desk.notifier(**given)
    assert sender.turn().outcomes == {"put_off": 1, "sent": 1}
    assert desk.statuses() == [("M1", "waiting", 1), ("M2", "sent", 1)]
    assert sender.metrics.waiting.labels("push")._value.get() == 1


def test_how_long_the_oldest_waits_is_measured_until_it_is_sent_and_not_in_quiet_hours(
    desk: Desk, receiver: Received
) -> None:
    receiver.status = 503
    desk.bank.raise_reminder(4, URGENT)
    given = desk.webhook(receiver.port)

    def oldest(now: str) -> float:
        sender = desk.notifier(now, **given)
        sender.turn()
        return float(sender.metrics.oldest.labels("push")._value.get())

    assert oldest("2026-07-01T19:00") == 0
    assert oldest("2026-07-01T19:11") == 660
    assert oldest("2026-07-01T21:00") == 0
    receiver.status = 204
    assert oldest("2026-07-02T08:00") == 0
    assert desk.statuses() == [("M1", "sent", 3)]


def test_a_receiver_that_is_not_there_is_left_alone_for_a_while(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "FIRST_REST_SECONDS", 60.0)
    for customer in (4, 2, 9):
        desk.bank.raise_reminder(customer, URGENT, bank.CUSTOMERS[customer][0])
    given = desk.webhook(9) | {"parallel": 1}
    desk.turn(**given)
    assert sorted(attempts for _, _, attempts in desk.statuses()) == [0, 0, 1]


def test_what_was_withdrawn_before_it_was_sent_is_dropped(desk: Desk, receiver: Received) -> None:
    receiver.status = 500
    first, second = (desk.bank.raise_reminder(one, URGENT) for one in (4, 5))
    other = desk.bank.raise_reminder(2, URGENT, "B2")
    given = desk.webhook(receiver.port)
    desk.turn("2026-07-01T10:00", **given)
    desk.bank.execute(
        "update ocrm.reminders set status = 'withdrawn' where reminder_id = any (%s)",
        [first, other],
    )
    receiver.status = 200
    desk.turn("2026-07-01T10:01", **given)
    assert desk.statuses() == [("M1", "sent", 2), ("M2", "dropped", 1)]
    [last] = [json.loads(body)["data"] for _, body in receiver.requests[2:]]
    assert (last["reminder_id"], last["title"]) == (str(second), "1 条紧急提醒待处理")


def test_nothing_of_a_customer_leaves_the_system(desk: Desk, receiver: Received) -> None:
    for customer in bank.CUSTOMERS:
        for rule in (URGENT, "R02.LOAN_MATURES", "R05.LOBBY_ARRIVAL"):
            facts = {"ticket_id": f"TICKET-{customer}", "name": bank.NAMES[customer]}
            desk.bank.raise_reminder(
                customer, rule, bank.CUSTOMERS[customer][0], facts=facts, amount="123456.78",
                subject=f"account:{bank.document(customer)}",
            )  # fmt: skip
    desk.came("2026-07-01T08:30")
    with receiving_mail() as mail:
        choices = enumerate(("push", "file", "email"), 1)
        for number, channel in choices:
            desk.bank.execute(
                "insert into ocrm.notification_preferences (employee_id, channel)"
                " values (%s, %s)", f"M{number}", channel,
            )  # fmt: skip
        desk.turn(**mail_server(mail.port), **desk.webhook(receiver.port))
    said = [
        *(json.dumps(json.loads(body), ensure_ascii=False) for _, body in receiver.requests),
        *(json.dumps(one, ensure_ascii=False) for one in desk.written),
        *(str(one["subject"]) + one.get_content() for one in mail.mails),
    ]
    assert (len(receiver.requests), len(desk.written), len(mail.mails)) == (2, 2, 2)
    secrets = [*bank.NAMES.values(), "123456", "123,456", "TICKET-", "3500001990", "account:"]
    assert [one for one in secrets if any(one in text for text in said)] == []


def test_two_notifiers_send_each_notification_once(desk: Desk, receiver: Received) -> None:
    for number in range(12):
        reminder = desk.bank.raise_reminder(4, URGENT)
        desk.bank.execute(
            "update ocrm.reminders set owner_id = %s where reminder_id = %s", f"E{number}", reminder
        )
    receiver.meanwhile = lambda: time.sleep(0.05)
    notifiers = [desk.notifier(**desk.webhook(receiver.port), parallel=2) for _ in range(2)]
    with ThreadPoolExecutor(2) as side_by_side:
        done = list(side_by_side.map(lambda one: one.turn(), notifiers))
    assert sum(one.outcomes.get("sent", 0) for one in done) == 12
    assert (len(receiver.ids), len(set(receiver.ids))) == (12, 12)


def test_a_notifier_that_loses_postgresql_goes_on_when_it_is_back(desk: Desk) -> None:
    sender = desk.notifier(poll_seconds=0.02)
    with ThreadPoolExecutor(1) as aside:
        running = aside.submit(sender.run)
        try:
            desk.bank.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'ocrm-notify' and datname = current_database()"
            )
            desk.bank.raise_reminder(4, URGENT)
            wait_until(lambda: desk.written or running.done(), "the notification", seconds=60)
        finally:
            sender._stop.set()
        running.result(60)
    assert desk.statuses() == [("M1", "sent", 1)]


def test_what_is_urgent_does_not_wait_for_digests(desk: Desk, receiver: Received) -> None:
    for customer in (4, 2, 9):
        desk.bank.raise_reminder(customer, "R04.BIRTHDAY", bank.CUSTOMERS[customer][0])
    desk.came("2026-07-01T08:00")
    given = desk.webhook(receiver.port) | {"parallel": 1}
    receiver.status = 500
    desk.turn("2026-07-01T09:00", **given)
    desk.bank.raise_reminder(9, URGENT, "B3")
    receiver.status = 200
    sender = desk.notifier("2026-07-01T10:00", **given)
    turned = sender.turn(batches=1)
    assert (turned.more, turned.outcomes) == (True, {"sent": 1})
    assert json.loads(receiver.requests[-1][1])["type"] == "notification.urgent"
    assert sender.turn().outcomes == {"sent": 3}


def test_a_turn_ends_in_time_and_every_channel_has_had_its_turn(
    desk: Desk, receiver: Received
) -> None:
    desk.bank.execute(
        "insert into ocrm.notification_preferences (employee_id, channel) values ('M3', 'file')"
    )
    for customer in (4, 2, 9):
        desk.bank.raise_reminder(customer, URGENT, bank.CUSTOMERS[customer][0])
    sender = desk.notifier(**desk.webhook(receiver.port), parallel=1)
    turned = sender.turn(seconds=0)
    assert (turned.more, turned.outcomes) == (True, {"sent": 2})
    assert (len(receiver.requests), len(desk.written)) == (1, 1)
    assert sender.turn().outcomes == {"sent": 1}


@pytest.mark.parametrize(
    ("answer", "status"), [(550, "failed"), (450, "waiting")], ids=["for good", "for now"]
)
def test_a_recipient_who_is_refused_holds_up_nobody_else_on_his_channel(
    desk: Desk, answer: int, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "FIRST_REST_SECONDS", 60.0)
    for customer in (4, 2, 9):
        desk.bank.raise_reminder(customer, URGENT, bank.CUSTOMERS[customer][0])
    with receiving_mail() as mail:
        mail.status = answer
        desk.turn(**mail_server(mail.port, channel="email", parallel=1))
    assert desk.statuses() == [(one, status, 1) for one in ("M1", "M2", "M3")]
    reasons = desk.bank.execute("select distinct reason from ocrm.notifications")
    assert [str(answer) in reason for (reason,) in reasons] == [True]


def test_what_waits_for_a_channel_that_was_taken_away_fails_and_says_so(
    desk: Desk, receiver: Received
) -> None:
    receiver.status = 500
    desk.bank.raise_reminder(4, URGENT)
    desk.turn("2026-07-01T10:00", **desk.webhook(receiver.port))
    sender = desk.notifier("2026-07-01T11:00")
    sender.turn()
    assert desk.statuses() == [("M1", "waiting", 1)]
    desk.notifier("2026-07-01T11:01").once(regardless=False)
    assert desk.statuses() == [("M1", "waiting", 1)]
    sender = desk.notifier("2026-07-01T11:01")
    sender.turn()
    assert desk.statuses() == [("M1", "failed", 1)]
    [(reason,)] = desk.bank.execute("select reason from ocrm.notifications")
    assert reason.startswith("The channel push is not set up any more; set it up")
    assert sender.metrics.attempts.labels("push", "failed")._value.get() == 1
    assert sender.metrics.failed.labels("push")._value.get() == 1


def test_what_was_settled_long_ago_is_deleted(desk: Desk) -> None:
    desk.bank.raise_reminder(4, URGENT)
    desk.turn("2026-07-01T10:00")
    desk.turn("2026-07-31T09:59")
    assert len(desk.statuses()) == 1
    desk.turn("2026-07-31T10:01")
    assert desk.statuses() == []


def _connected(desk: Desk) -> list[Any]:
    """The connections of notifiers."""
    return desk.bank.execute(
        "select pid from pg_stat_activity"
        " where application_name = 'ocrm-notify' and datname = current_database()"
    )


@pytest.mark.faults
def test_a_notifier_that_sleeps_within_a_transaction_lets_go(
    desk: Desk, receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bank.raise_reminder(4, URGENT)
    monkeypatch.setattr(notifier, "_IDLE", b"set local idle_in_transaction_session_timeout = '1s'")
    receiver.meanwhile = lambda: wait_until(lambda: not _connected(desk), "to let go", seconds=4)
    with pytest.raises(notifier.RETRYABLE):
        desk.turn(**desk.webhook(receiver.port))


@pytest.mark.faults
def test_killed_between_sending_and_marking_it_sends_again_under_the_same_id(
    desk: Desk, receiver: Received, environment: dict[str, str]
) -> None:
    desk.bank.raise_reminder(4, URGENT)
    env = (
        os.environ | environment | desk.bank.database.environment()
        | {
            "OCRM_DEMO": "1", "OCRM_NOTIFY_CHANNEL": "push", "OCRM_NOTIFY_WEBHOOK_SECRET": SECRET,
            "OCRM_NOTIFY_PUSH_URL": f"http://127.0.0.1:{receiver.port}/",
        }
    )  # fmt: skip
    killed: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        killed[0].kill()
        killed[0].wait()

    receiver.meanwhile = kill
    killed.append(subprocess.Popen([OCRM, "notify", "--once", "--now"], env=env))
    assert killed[0].wait(60) == -signal.SIGKILL
    assert desk.statuses() == [("M1", "waiting", 0)]
    receiver.meanwhile = lambda: None
    wait_until(lambda: not _connected(desk), "PostgreSQL to notice", seconds=60)
    tomorrow = bank_date(now() + timedelta(days=1))
    desk.notifier(f"{tomorrow}T23:59", **desk.webhook(receiver.port)).turn(regardless=True)
    assert desk.statuses() == [("M1", "sent", 1)]
    assert (len(receiver.requests), len(set(receiver.ids))) == (2, 1)
