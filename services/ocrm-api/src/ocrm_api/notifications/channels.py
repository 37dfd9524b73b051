"""The channels by which employees are reached. A channel is a function that hands a notification
over, or raises `NotDeliveredError`; it may be called from several threads.
"""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import orjson

from crm_shared.errors import UsageError
from ocrm_api.notifications import texts
from ocrm_api.notifications.delivery import Notification
from ocrm_api.notifications.errors import NotDeliveredError
from ocrm_api.notifications.mail import Mail
from ocrm_api.notifications.webhook import Webhook, push_body, robot_body
from ocrm_api.settings import ChannelName, NotifySettings


class Channel(Protocol):
    """A way to an employee."""

    def __call__(self, notification: Notification) -> None:
        """Hand it over."""


def configured(settings: NotifySettings) -> Mapping[ChannelName, Channel]:
    """The channels that are set up, first the one of everybody; `UsageError` where that is not."""
    found: dict[ChannelName, Channel] = {"console": partial(_print, settings.link)}
    if settings.file is not None:
        found["file"] = partial(_append, settings.file, settings.link)
    if settings.wecom_url is not None:
        url = settings.wecom_url
        found["wecom"] = Webhook("OCRM_NOTIFY_WECOM_URL", url, settings, robot_body)
    if settings.push_url is not None:
        url = settings.push_url
        found["push"] = Webhook("OCRM_NOTIFY_PUSH_URL", url, settings, push_body)
    if settings.smtp_host or settings.email_from or settings.email_domain:
        found["email"] = Mail(settings)
    if settings.channel not in found:
        needed = {"file": "FILE", "wecom": "WECOM_URL", "push": "PUSH_URL", "email": "SMTP_HOST"}
        raise UsageError(
            f"OCRM_NOTIFY_CHANNEL is {settings.channel}, which is not set up; set"
            f" OCRM_NOTIFY_{needed[settings.channel]}."
        )
    return {settings.channel: found[settings.channel], **found}


def _shown(notification: Notification, link: str | None) -> bytes:
    return orjson.dumps(
        {"notification_id": notification.notification_id, **push_body(notification, link)},
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _append(path: Path, base: str | None, notification: Notification) -> None:
    try:
        with path.open("ab", buffering=0) as file:
            file.write(_shown(notification, texts.link_of(notification, base)))
    except OSError as error:
        raise NotDeliveredError(
            f"The file cannot be written ({error.strerror}); correct OCRM_NOTIFY_FILE or the"
            " rights on its folder."
        ) from error


def _print(base: str | None, notification: Notification) -> None:
    link = texts.link_of(notification, base)
    said = f"{texts.title(notification)}\n{texts.text(notification, link)}"
    indented = said.replace("\n", "\n  ")
    sys.stdout.write(f"{notification.employee_id}: {indented}\n")
    sys.stdout.flush()
