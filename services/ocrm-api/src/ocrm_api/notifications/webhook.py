"""Notifications by webhook, signed by Standard Webhooks: to a robot of WeCom or like it, and to a
gateway of app push. They go to the address in the settings and follow no redirect.
"""

import http.client
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr

from crm_shared.errors import UsageError
from crm_shared.time_limit import cut_after
from ocrm_api.notifications import signing, texts
from ocrm_api.notifications.delivery import Notification
from ocrm_api.notifications.errors import NotDeliveredError
from ocrm_api.notifications.tls import LOOPBACK, Tls, wire_of
from ocrm_api.settings import NotifySettings

#: Of an answer no more is read: a robot says in a line how it went.
_READ_BYTES = 65_536

Body = Callable[[Notification, str | None], Mapping[str, Any]]


def robot_body(notification: Notification, link: str | None) -> Mapping[str, Any]:
    """A text in a chat that mentions the employee."""
    content = f"{texts.title(notification)}\n{texts.text(notification, link)}"
    return {
        "msgtype": "text",
        "text": {"content": content, "mentioned_list": [notification.employee_id]},
    }


def push_body(notification: Notification, link: str | None) -> Mapping[str, Any]:
    """An event for a gateway: to whom, what is shown, and the same for a program."""
    return {
        "type": f"notification.{notification.kind}",
        "timestamp": notification.created_at.isoformat(),
        "data": {
            "employee_id": notification.employee_id,
            "language": notification.language,
            "title": texts.title(notification),
            "text": texts.text(notification, link),
            "link": link,
            "reminder_id": notification.reminder_id,
            "reminders": [
                {
                    "rule_code": line.rule_code, "priority": line.priority,
                    "escalated": line.went_up, "count": line.number,
                }
                for line in notification.lines
            ],
        },
    }  # fmt: skip


class Webhook:
    """A receiver: where, signed with what, and how a notification looks there."""

    def __init__(self, name: str, url: SecretStr, settings: NotifySettings, body: Body) -> None:
        secret = settings.webhook_secret
        if secret is None:
            raise UsageError(
                f"{name} needs OCRM_NOTIFY_WEBHOOK_SECRET, with which the receiver checks who"
                ' sends; make one with echo "whsec_$(openssl rand -base64 32)".'
            )
        self._connect, self._target = _address(
            name, url.get_secret_value(), settings.timeout_seconds
        )
        self._keys = signing.keys(secret.get_secret_value())
        self._seconds, self._link, self._body = settings.timeout_seconds, settings.link, body

    def __call__(self, notification: Notification) -> None:
        """Hand a notification over; `NotDeliveredError` says what the receiver answered."""
        link = texts.link_of(notification, self._link)
        body = orjson.dumps(self._body(notification, link))
        signed = signing.headers(
            self._keys, str(notification.notification_id), int(time.time()), body
        )
        connection = self._connect()
        sockets: list[socket.socket] = []

        def wire() -> int:
            return sockets[0].fileno() if sockets else wire_of(connection)

        try:
            with cut_after(self._seconds, wire):
                connection.connect()
                # With `Connection: close` the connection forgets it, and the answer goes on.
                sockets.append(connection.sock)
                connection.request(
                    "POST", self._target, body, {"content-type": "application/json", **signed}
                )
                answer = connection.getresponse()
                status, said = answer.status, _whole(answer)
        except (OSError, http.client.HTTPException) as error:
            raise NotDeliveredError(
                f"The connection to the receiver failed ({type(error).__name__}); see whether it"
                " runs and answers in time, and whether this machine reaches it and trusts its"
                " certificate."
            ) from error
        finally:
            connection.close()
        _check(status, said)


def _whole(answer: http.client.HTTPResponse) -> bytes:
    """What the receiver says, in however many pieces it comes; nothing where the status says it.

    What ends early says neither that it was taken nor that it was not: `IncompleteRead`.
    """
    if not 200 <= answer.status < 300:
        return b""
    said = answer.read(_READ_BYTES)
    if len(said) < _READ_BYTES and answer.length:
        raise http.client.IncompleteRead(said, answer.length)
    return said


def _check(status: int, said: bytes) -> None:
    """A robot of WeCom says 200 also where it refuses, and a number that is not 0."""
    if not 200 <= status < 300:
        raise NotDeliveredError(f"The receiver answered {status}; its log says why.")
    try:
        answered = orjson.loads(said)
    except orjson.JSONDecodeError:
        return
    code = answered.get("errcode", 0) if isinstance(answered, dict) else 0
    if code != 0:
        raise NotDeliveredError(f"The receiver answered errcode {code!s:.20}; its manual says why.")


def _address(
    name: str, url: str, seconds: float
) -> tuple[Callable[[], http.client.HTTPConnection], str]:
    """How to connect, and what to ask for there."""
    refused = UsageError(f"{name} must be an https:// address; http:// is for this machine alone.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refused from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(
            f"{name} holds a character that no address has; write it as %XX, as in a browser's bar."
        )
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (plain or parts.scheme == "https"):
        raise refused
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if plain:
        return partial(http.client.HTTPConnection, parts.hostname, port, timeout=seconds), target
    return partial(
        http.client.HTTPSConnection, parts.hostname, port, timeout=seconds,
        context=Tls(parts.hostname),
    ), target  # fmt: skip
