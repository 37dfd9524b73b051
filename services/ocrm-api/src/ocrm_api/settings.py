"""Settings of the OCRM interface, read from the environment (`OCRM_…`)."""

import base64
import hmac
from datetime import time
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from crm_shared.errors import UsageError
from crm_shared.settings import DataKeySettings, load
from crm_shared.working_time import WorkingTime, working_time

ChannelName = Literal["console", "file", "wecom", "push", "email"]


class RedisSettings(BaseSettings):
    """Redis: a cache, counters and wake-ups; nothing that cannot be lost."""

    model_config = SettingsConfigDict(env_prefix="CRM_REDIS_", extra="ignore")

    url: SecretStr = Field(description="redis://…")


class MigrationSettings(BaseSettings):
    """The owner of schema `ocrm`, who alone changes its tables."""

    model_config = SettingsConfigDict(
        env_prefix="OCRM_MIGRATION_", extra="ignore", env_ignore_empty=True
    )

    url: SecretStr = Field(description="postgresql://ocrm_owner:…")
    lock_timeout_seconds: int = Field(default=5, ge=1)


class Settings(BaseSettings):
    """What a process of the OCRM needs; `database_url` belongs to the role `ocrm_app`."""

    model_config = SettingsConfigDict(env_prefix="OCRM_", extra="ignore", env_ignore_empty=True)

    database_url: SecretStr = Field(description="postgresql://ocrm_app:…")
    demo: bool = Field(default=False, description="Built-in passwords and demo users are allowed.")
    signing_key: SecretStr | None = Field(
        default=None, description="Signs cursors and CSRF tokens; at least 32 characters."
    )
    session_hours: int = Field(default=12, ge=1, le=168)
    secure_cookies: bool = Field(default=True, description="Off only for plain HTTP on loopback.")
    pool_size: int = Field(default=16, ge=1, le=200, description="Connections per worker.")
    max_in_flight: int = Field(default=24, ge=1, description="Requests at a time per worker.")
    max_streams: int = Field(default=1000, ge=1, description="Open streams per worker.")
    publish_documentation: bool | None = Field(
        default=None, description="Serve /docs, /redoc and /openapi.json; unset: in a demo only."
    )
    max_body_bytes: int = Field(default=262_144, ge=1024)
    body_seconds: float = Field(default=10.0, gt=0, description="For the whole body to arrive.")
    requests_per_minute: int = Field(default=1200, ge=1, description="Per session or address.")
    logins_per_minute: int = Field(default=30, ge=1, description="Per address.")
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks, with commas between, whose X-Forwarded-For we believe.",
    )
    reveals_per_day: int = Field(default=50, ge=0, description="Per user.")
    searches_per_hour: int = Field(
        default=60, ge=0, description="By phone or document number, per user."
    )
    streams_per_user: int = Field(default=5, ge=1, description="Open at a time, per worker.")
    stream_poll_seconds: float = Field(default=2.0, gt=0)
    stream_heartbeat_seconds: float = Field(default=15.0, gt=0)
    stream_retention_hours: int = Field(default=72, ge=1)
    timekeeper_seconds: float = Field(
        default=30.0, gt=0, description="Between two looks at what wakes or expires."
    )
    office_hours: str = Field(
        default="09:00-17:00", pattern=r"^\d\d:\d\d-\d\d:\d\d$", description="Of a working day."
    )
    holidays_dir: Path | None = Field(
        default=None, description="The bank's own files YEAR.json of public holidays."
    )
    intake_group: str = Field(
        default="ocrm-intake",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Consumer group of the intake; another one takes everything in once more.",
    )
    dead_letter_limit: int = Field(default=100, ge=0, description="Unsettled ones; then it stops.")

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, value: str) -> str:
        for one in filter(None, map(str.strip, value.split(","))):
            ip_network(one)  # its error names what is wrong
        return value

    @model_validator(mode="after")
    def _a_key_signs(self) -> Self:
        if self.signing_key is None and not self.demo:
            raise ValueError("OCRM_SIGNING_KEY must be set outside a demo (OCRM_DEMO=1)")
        if self.signing_key is not None and len(self.signing_key.get_secret_value()) < 32:
            raise ValueError("OCRM_SIGNING_KEY must have at least 32 characters")
        return self

    @classmethod
    def load(cls) -> Self:
        """Read them from the environment; a missing one is a `UsageError` that names it."""
        return load(cls)

    @property
    def proxies(self) -> list[str]:
        """The trusted proxies, one by one."""
        return [one.strip() for one in self.trusted_proxies.split(",") if one.strip()]

    @property
    def documentation_is_published(self) -> bool:
        """Whether the interface describes itself to whoever reaches it."""
        return self.demo if self.publish_documentation is None else self.publish_documentation

    def working_time(self) -> WorkingTime:
        """When the bank works; a `UsageError` says what is wrong with hours or files."""
        opens, _, closes = self.office_hours.partition("-")
        try:
            hours = time.fromisoformat(opens), time.fromisoformat(closes)
        except ValueError:
            raise UsageError("OCRM_OFFICE_HOURS must be two times, such as 09:00-17:00.") from None
        return working_time(*hours, self.holidays_dir)

    def signing_secret(self) -> bytes:
        """The key of signatures; in a demo it follows from `CRM_DATA_KEY`, equal in all workers."""
        if self.signing_key is not None:
            return self.signing_key.get_secret_value().encode()
        return hmac.digest(_data_secret(), b"ocrm signing", "sha256")


class NotifySettings(BaseSettings):
    """How employees are notified: the channels, and when. Addresses come from here alone."""

    model_config = SettingsConfigDict(
        env_prefix="OCRM_NOTIFY_", extra="ignore", env_ignore_empty=True
    )

    channel: ChannelName = Field(
        default="console", description="Of everybody who has not chosen another."
    )
    file: Path | None = Field(default=None, description="Channel file: JSON Lines.")
    wecom_url: SecretStr | None = Field(
        default=None, description="Channel wecom: a group robot; whoever knows it may post."
    )
    push_url: SecretStr | None = Field(
        default=None, description="Channel push: a gateway of app push."
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="whsec_…; two of them, with a space between, while it changes."
    )
    smtp_host: str | None = Field(default=None, description="Channel email.")
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    email_from: str | None = Field(default=None, description="The sender's address.")
    email_domain: str | None = Field(default=None, description="An employee is EMPLOYEE_ID@this.")
    link: str | None = Field(default=None, description="The front end's page of reminders.")
    quiet_hours: str = Field(
        default="20:00-08:00",
        pattern=r"^\d\d:\d\d-\d\d:\d\d$",
        description="Nothing is sent then, nor on days on which the bank does not work.",
    )
    digest_times: str = Field(
        default="09:00",
        pattern=r"^\d\d:\d\d(,\d\d:\d\d)*$",
        description="Of a working day, with commas between.",
    )
    gap_minutes: int = Field(
        default=5, ge=0, description="Between two urgent notifications of one employee."
    )
    attempts: int = Field(default=10, ge=1, le=30, description="Then it has failed.")
    timeout_seconds: float = Field(default=10.0, gt=0, le=60, description="Of one attempt.")
    parallel: int = Field(default=16, ge=1, le=64, description="Attempts at a time.")
    poll_seconds: float = Field(default=2.0, gt=0)
    retention_days: int = Field(default=30, ge=1, description="Of what was sent, failed, dropped.")
    operations_host: str = "127.0.0.1"
    operations_port: int = Field(default=9103, ge=0, le=65535, description="/metrics.")

    @classmethod
    def load(cls) -> Self:
        """Read them from the environment; what is wrong is a `UsageError` that names it."""
        return load(cls)


def data_key() -> str:
    """The key of personal data."""
    return load(DataKeySettings).key.get_secret_value()


def _data_secret() -> bytes:
    try:
        return base64.b64decode(data_key(), validate=True)
    except ValueError:
        raise UsageError("CRM_DATA_KEY must be base64; create one and keep it.") from None
