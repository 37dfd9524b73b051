"""Webhooks and e-mail as their receivers see them: signed, encrypted, cut off in time, refused."""

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crm_shared.errors import UsageError
from ocrm_api.notifications import signing
from ocrm_api.settings import NotifySettings
from tests.ocrm_api import bank
from tests.ocrm_api.notifications.conftest import SECRET, Desk
from tests.ocrm_api.notifications.receivers import (
    Received,
    certificate,
    dripping,
    dripping_encrypted,
    mail_server,
    receiving_http,
    receiving_mail,
)

URGENT = "R01.LARGE_OUTFLOW"


def signature(key: bytes, content: bytes) -> str:
    """HMAC-SHA256 as RFC 2104 writes it, in base64: not by the code under test."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + content).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()
    return base64.b64encode(outer).decode()


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


#: How TLS begins: a record of the handshake, 16 KiB long.
HANDSHAKE = b"\x16\x03\x03\x40\x00"
#: An answer whose body begins, on a connection that is not used again.
LAST_WORDS = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("scheme", "smtp_tls", "web_says", "mail_says"),
    [("http", "none", b"HTTP/1.1 ", b"220-"),
     ("http", "none", LAST_WORDS, b"220-"),
     ("https", "tls", HANDSHAKE, HANDSHAKE)],
)  # fmt: skip
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
