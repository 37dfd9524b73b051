"""What the alerting service reads from its environment (`ALERTING_…`)."""

from datetime import timedelta

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from crm_shared import settings

_SHORTEST_TOKEN = 16


class AlertingSettings(BaseSettings):
    """Database, operations port and the bounds within which the service works."""

    model_config = SettingsConfigDict(env_prefix="ALERTING_", extra="ignore", env_ignore_empty=True)

    database_url: SecretStr = Field(description="PostgreSQL as the role alerting_owner.")
    group: str = Field(default="alerting", description="Consumer group on the broker.")
    instance_id: str | None = Field(
        default=None, description="Static membership: the fixed name of this process in the group."
    )
    operations_host: str = Field(default="127.0.0.1", description="Where /metrics listens.")
    operations_port: int = Field(default=9102, ge=0, le=65_535, description="0: any free port.")
    operations_token: SecretStr | None = Field(
        default=None,
        description="Who knows it may read /v1 on the operations port; without it, nobody.",
    )
    max_batch_records: int = Field(default=5_000, ge=1, description="Records in a transaction.")
    statement_timeout_seconds: float = Field(
        default=10.0, gt=0, description="Of one SQL statement; waits for its answer are bounded."
    )
    rules_reload_seconds: float = Field(
        default=3.0, gt=0, le=5, description="How soon changed parameters of rules are in force."
    )
    canary_seconds: float = Field(
        default=30.0, ge=0, le=60, description="Between canaries to our own partitions; 0: none."
    )
    late_after_seconds: float = Field(
        default=300.0, ge=0, description="Behind the watermark by more than this: late."
    )
    future_tolerance_seconds: float = Field(
        default=300.0, ge=0, description="Ahead of the clock by more than this: a dead letter."
    )
    dead_letter_limit: int = Field(
        default=100, ge=1, description="Open dead letters in a row: the partition waits."
    )
    retention_days: float = Field(
        default=35.0, gt=0, description="How long sent reminders and counted transfers are kept."
    )
    stall_seconds: float = Field(
        default=60.0, gt=0, description="Without progress for so long, /livez fails."
    )
    shutdown_seconds: float = Field(
        default=25.0, gt=0, description="After SIGTERM; then the process ends as it is."
    )

    @field_validator("operations_token")
    @classmethod
    def _is_hard_to_guess(cls, token: SecretStr | None) -> SecretStr | None:
        if token is None or not token.get_secret_value():
            return None
        if len(token.get_secret_value()) < _SHORTEST_TOKEN:
            raise ValueError(f"must have at least {_SHORTEST_TOKEN} characters")
        return token

    @property
    def retention(self) -> timedelta:
        """How long sent reminders and counted transfers are kept."""
        return timedelta(days=self.retention_days)

    @property
    def url(self) -> str:
        """The database URL with its password."""
        return self.database_url.get_secret_value()


def load() -> AlertingSettings:
    """The settings of this process; a missing one is a `UsageError` that names it."""
    return settings.load(AlertingSettings)
