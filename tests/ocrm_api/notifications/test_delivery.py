"""At least once and under one id: receivers that fail, die, hang or were told already."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crm_shared.clock import bank_date, now
from crm_shared.errors import UsageError
from crm_shared.testing.waiting import wait_until
from ocrm_api.notifications import delivery, notifier, signing
from ocrm_api.settings import NotifySettings
from tests.ocrm_api import bank
from tests.ocrm_api.notifications.conftest import SECRET, Desk
from tests.ocrm_api.notifications.receivers import (
    Received,
    certificate,
    dripping,
    dripping_encrypted,
    receiving_http,
    receiving_mail,
)

OCRM = Path(sys.executable).with_name("ocrm")
URGENT = "R01.LARGE_OUTFLOW"


@pytest.fixture
def receiver() -> Iterator[Received]:
    """An HTTP server of this test."""
    with receiving_http() as got:
        yield got


def signature(key: bytes, content: bytes) -> str:
    """HMAC-SHA256 as RFC 2104 writes it, in base64: not by the code under test."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + content).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()
    return base64.b64encode(outer).decode()


def mail_server(port: int, **given: Any) -> dict[str, Any]:
    """Settings of a mail server on this machine."""
    return {
        "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none",
        "email_from": "crm@bank.test", "email_domain": "bank.test", **given,
    }  # fmt: skip


def test_a_webhook_is_signed_by_standard_webhooks(desk: Desk, receiver: Received) -> None:
    reminder = desk.bank.raise_reminder(4, URGENT)
    newer = "whsec_" + base64.b64encode(b"n" * 32).decode()
    given = desk.webhook(receiver.port) | {"webhook_secret": SecretStr(f"{newer} {SECRET}")}
    desk.turn(**given)
    [(headers, body)] = receiver.requests
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    keys = b"n" * 32, base64.b64decode(SECRET.removeprefix("whsec_"))
    assert headers["webhook-signature"] == " ".join(f"v1,{signature(key, content)}" for key in keys)
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 300
    sent = json.loads(body)
    assert sent["data"]["link"] == f"https://crm.test/reminders/{reminder}"
    assert desk.statuses() == [("M1", "sent", 1)]


@pytest.mark.parametrize(
    "secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!"]
)
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(UsageError, match="must be whsec_ and 24 to 64 bytes"):
        signing.keys(secret)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/hook",
        "ftp://bank.test/",
        "https://",
        "https://x:port/",
        "https://[::",
        "file:///e",
    ],
)
def test_an_address_that_is_not_safe_is_refused(desk: Desk, url: str) -> None:
    with pytest.raises(UsageError, match="OCRM_NOTIFY_PUSH_URL must be an https"):
        desk.notifier(**(desk.webhook(1) | {"push_url": SecretStr(url)}))


@pytest.mark.parametrize("path", ["钥匙", "key 1", "key\x7f"])
def test_an_address_that_cannot_be_asked_is_refused(desk: Desk, path: str) -> None:
    url = SecretStr(f"https://bank.test/{path}")
    with pytest.raises(UsageError, match="OCRM_NOTIFY_PUSH_URL holds a character") as refused:
        desk.notifier(**(desk.webhook(1) | {"push_url": url}))
    assert path not in refused.value.sentence


def test_a_redirect_is_not_followed(desk: Desk, receiver: Received) -> None:
    receiver.status = 302
    desk.bank.raise_reminder(4, URGENT)
    desk.turn(**desk.webhook(receiver.port))
    assert [len(receiver.requests), *desk.statuses()] == [1, ("M1", "waiting", 1)]


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


def test_a_robot_that_refuses_with_200_has_not_taken_it(desk: Desk, receiver: Received) -> None:
    receiver.body = b'{"errcode": 45009, "errmsg": "too often"}'
    desk.bank.raise_reminder(4, URGENT)
    url = f"http://127.0.0.1:{receiver.port}/send?key=1"
    given = {"channel": "wecom", "wecom_url": SecretStr(url), "webhook_secret": SecretStr(SECRET)}
    desk.turn("2026-07-01T10:00", **given)
    assert desk.statuses() == [("M1", "waiting", 1)]
    receiver.body = b'{"errcode": 0}'
    desk.turn("2026-07-01T10:01", **given)
    sent = json.loads(receiver.requests[1][1])
    assert sent["msgtype"] == "text"
    assert sent["text"] == {
        "content": "1 条紧急提醒待处理\n大额资金流出：1 条（优先级 1）\n请登录系统查看。",
        "mentioned_list": ["M1"],
    }


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


#: How TLS begins: a record of the handshake, 16 KiB long.
HANDSHAKE = b"\x16\x03\x03\x40\x00"


@pytest.mark.parametrize(
    ("scheme", "smtp_tls", "web_says", "mail_says"),
    [("http", "none", b"HTTP/1.1 ", b"220-"), ("https", "tls", HANDSHAKE, HANDSHAKE)],
)
def test_a_server_that_never_ends_its_answer_is_cut_off(
    desk: Desk, scheme: str, smtp_tls: str, web_says: bytes, mail_says: bytes
) -> None:
    desk.bank.execute(
        "insert into ocrm.notification_preferences (employee_id, channel) values ('M2', 'email')"
    )
    for customer in (4, 2):
        desk.bank.raise_reminder(customer, URGENT, bank.CUSTOMERS[customer][0])
    with dripping(web_says, b"2") as web, dripping(mail_says, b"h") as mail:
        given = desk.webhook(web) | mail_server(mail, smtp_tls=smtp_tls)
        given |= {"push_url": SecretStr(f"{scheme}://127.0.0.1:{web}/"), "timeout_seconds": 0.5}
        assert desk.turn(**given).outcomes == {"put_off": 2}


def test_a_mail_server_that_never_ends_is_cut_off_though_encryption_begins_meanwhile(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bank.raise_reminder(4, URGENT)
    tls, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with dripping_encrypted(tls, seconds=0.3) as port:
        given = mail_server(port, channel="email", smtp_tls="starttls", timeout_seconds=0.5)
        assert desk.turn(**given).outcomes == {"put_off": 1}


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


def test_an_e_mail_goes_out_once_by_an_encrypted_line(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bank.raise_reminder(4, URGENT)
    desk.bank.execute(
        "insert into ocrm.notification_preferences (employee_id, language) values ('M1', 'en')"
    )
    tls, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with receiving_mail(tls) as mail:
        given = mail_server(mail.port, channel="email", smtp_tls="starttls")
        mail.status = 450
        desk.turn("2026-07-01T10:00", **given)
        mail.status = 250
        desk.turn("2026-07-01T10:01", **given)
    [message] = mail.mails
    [(notification_id,)] = desk.bank.execute("select notification_id from ocrm.notifications")
    assert (message["to"], message["subject"]) == ("M1@bank.test", "1 urgent reminder for you")
    assert message["message-id"] == f"<{notification_id}@bank.test>"
    assert "Large outflow: 1 (priority 1)" in message.get_content()


@pytest.mark.parametrize("leave", ["421 too many connections", ""])
def test_a_mail_that_was_taken_is_not_sent_again_however_the_server_takes_its_leave(
    desk: Desk, leave: str
) -> None:
    desk.bank.raise_reminder(4, URGENT)
    with receiving_mail() as mail:
        mail.leave = leave
        desk.turn(**mail_server(mail.port, channel="email"))
    assert (len(mail.mails), desk.statuses()) == (1, [("M1", "sent", 1)])


def test_a_mail_server_that_nobody_can_trust_gets_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.bank.raise_reminder(4, URGENT)
    tls, _ = certificate(tmp_path)
    with receiving_mail(tls) as mail:
        desk.turn(**mail_server(mail.port, channel="email", smtp_tls="starttls"))
    assert (mail.mails, desk.statuses()) == ([], [("M1", "waiting", 1)])
    [(reason,)] = desk.bank.execute("select reason from ocrm.notifications")
    assert "SSLCertVerificationError" in reason


def test_what_is_encrypted_from_the_first_byte_arrives_where_the_certificate_is_trusted(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bank.execute(
        "insert into ocrm.notification_preferences (employee_id, channel) values ('M2', 'email')"
    )
    for customer in (4, 2):
        desk.bank.raise_reminder(customer, URGENT, bank.CUSTOMERS[customer][0])
    tls, trusted = certificate(tmp_path)
    with receiving_http(tls) as web, receiving_mail(tls, at_once=True) as mail:
        given = desk.webhook(web.port) | mail_server(mail.port, smtp_tls="tls")
        given |= {"push_url": SecretStr(f"https://127.0.0.1:{web.port}/")}
        assert desk.turn("2026-07-01T10:00", **given).outcomes == {"put_off": 2}
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert desk.turn("2026-07-01T10:01", **given).outcomes == {"sent": 2}
    assert (len(web.requests), len(mail.mails)) == (1, 1)


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


def test_a_mail_server_that_takes_nothing_from_us_loses_no_mail(desk: Desk) -> None:
    for customer in (4, 2, 9):
        desk.bank.raise_reminder(customer, URGENT, bank.CUSTOMERS[customer][0])
    with receiving_mail() as mail:
        mail.status = 554
        desk.turn(**mail_server(mail.port, channel="email", parallel=1))
    assert {status for _, status, _ in desk.statuses()} == {"waiting"}
    reasons = desk.bank.execute("select reason from ocrm.notifications where reason is not null")
    assert {reason[:51] for (reason,) in reasons} == {
        "The mail server takes nothing from us (554); let it"
    }


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


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"smtp_host": "mail.bank.test"}, "would be sent unencrypted over the network"),
        ({"smtp_password": None}, "set both or none"),
    ],
)
def test_a_password_is_not_sent_where_everybody_can_read_it(
    desk: Desk, given: dict[str, Any], sentence: str
) -> None:
    login = {"smtp_user": "crm", "smtp_password": SecretStr("secret")}
    with pytest.raises(UsageError, match=sentence):
        desk.notifier(**(mail_server(25) | login | given))
    desk.notifier(**(mail_server(25) | login))


def test_an_address_by_which_anybody_may_post_is_not_shown(desk: Desk) -> None:
    settings = NotifySettings(**desk.webhook(1), wecom_url=SecretStr("https://x.test/?key=1"))
    assert [one for one in ("key=1", "bank=1", SECRET) if one in repr(settings)] == []


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
