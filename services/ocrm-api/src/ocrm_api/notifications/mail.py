"""Notifications by e-mail."""

import re
import smtplib
from contextlib import closing, suppress
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial

from crm_shared.clock import BANK_ZONE
from crm_shared.errors import UsageError
from crm_shared.time_limit import cut_after
from ocrm_api.notifications import texts
from ocrm_api.notifications.delivery import Notification
from ocrm_api.notifications.errors import NotDeliveredError, NotificationRefusedError
from ocrm_api.notifications.tls import LOOPBACK, Tls, wire_of
from ocrm_api.settings import NotifySettings

#: It leaves, wants a login, or has nothing against this address but against us.
_NOT_OF_THE_ADDRESS = (421, 530, 554)

_LOCAL_PART = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Mail:
    """A server of outgoing mail; an employee's address is his id at the bank's domain."""

    def __init__(self, settings: NotifySettings) -> None:
        if not (settings.smtp_host and settings.email_from and settings.email_domain):
            raise UsageError(
                "E-mail needs OCRM_NOTIFY_SMTP_HOST, OCRM_NOTIFY_EMAIL_FROM and"
                " OCRM_NOTIFY_EMAIL_DOMAIN; set all three or none."
            )
        _check_login(settings)
        self._settings, self._host = settings, settings.smtp_host
        self._sender, self._domain = settings.email_from, settings.email_domain
        self._tls = Tls(settings.smtp_host) if settings.smtp_tls != "none" else None

    def __call__(self, notification: Notification) -> None:
        """Hand a notification over; `NotDeliveredError` says what the server answered."""
        if not _LOCAL_PART.fullmatch(notification.employee_id):
            raise NotificationRefusedError(
                "The employee's id cannot be an e-mail address; let him choose another channel.",
                for_good=True,
            )
        try:
            self._send(self._message(notification))
        except smtplib.SMTPResponseException as error:
            raise NotDeliveredError(
                f"The mail server answered {error.smtp_code}; its log says why."
            ) from error
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            if code in _NOT_OF_THE_ADDRESS or b"5.7." in said or b"relay" in said.lower():
                raise NotDeliveredError(
                    f"The mail server takes nothing from us ({code}); let it relay for this"
                    " machine, or correct OCRM_NOTIFY_SMTP_USER."
                ) from error
            raise NotificationRefusedError(
                f"The mail server refused the employee's address with {code}; create the mailbox,"
                " or let him choose another channel.",
                for_good=code >= 500,
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            raise NotDeliveredError(
                "The mail server offers no encryption or no login, or not before it is encrypted;"
                " correct OCRM_NOTIFY_SMTP_TLS and OCRM_NOTIFY_SMTP_USER."
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            # A line that breaks is `SMTPServerDisconnected`; what broke it stands behind that.
            fault = type(error.__context__ or error).__name__
            raise NotDeliveredError(
                f"The connection to the mail server failed ({fault}); see whether it runs, and"
                " whether this machine reaches it and trusts its certificate."
            ) from error

    def _message(self, notification: Notification) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = texts.title(notification)
        message["From"] = self._sender
        message["To"] = f"{notification.employee_id}@{self._domain}"
        message["Date"] = format_datetime(notification.created_at.astimezone(BANK_ZONE))
        message["Message-ID"] = f"<{notification.notification_id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        link = texts.link_of(notification, self._settings.link)
        message.set_content(texts.text(notification, link))
        return message

    def _send(self, message: EmailMessage) -> None:
        given = self._settings
        server = self._server()
        with closing(server), cut_after(given.timeout_seconds, partial(wire_of, server)):
            server.connect(self._host, given.smtp_port)
            if given.smtp_tls == "starttls":
                server.starttls(context=self._tls)
            if given.smtp_user and given.smtp_password:
                server.login(given.smtp_user, given.smtp_password.get_secret_value())
            server.send_message(message)
            # It has the mail: how it takes its leave changes nothing.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _server(self) -> smtplib.SMTP:
        """Not connected yet: a server that never ends its first line would hold up the
        constructor, before there is anything to cut."""
        seconds = self._settings.timeout_seconds
        if self._settings.smtp_tls == "tls":
            return smtplib.SMTP_SSL(timeout=seconds, context=self._tls)
        return smtplib.SMTP(timeout=seconds)


def _check_login(settings: NotifySettings) -> None:
    """A password must be whole, and must not cross a network for everybody to read."""
    if (settings.smtp_user is None) != (settings.smtp_password is None):
        raise UsageError(
            "A login at the mail server needs OCRM_NOTIFY_SMTP_USER and OCRM_NOTIFY_SMTP_PASSWORD;"
            " set both or none."
        )
    if settings.smtp_user and settings.smtp_tls == "none" and settings.smtp_host not in LOOPBACK:
        raise UsageError(
            "OCRM_NOTIFY_SMTP_PASSWORD would be sent unencrypted over the network; set"
            " OCRM_NOTIFY_SMTP_TLS to starttls or tls, or log in nowhere."
        )
