"""Where the servers are: the settings every service reads from the environment (`CRM_…`)."""

from functools import lru_cache
from typing import Self, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from crm_shared.errors import UsageError

S = TypeVar("S", bound=BaseSettings)


class KafkaSettings(BaseSettings):
    """The Kafka-protocol broker."""

    model_config = SettingsConfigDict(env_prefix="CRM_KAFKA_", extra="ignore")

    bootstrap: str = Field(description="host:port of the brokers, separated by commas.")
    topic_prefix: str = Field(default="", description="Put before every topic and group name.")
    partitions: int = Field(default=4, ge=1, description="Of a topic that has to be created.")
    replication: int = Field(default=1, ge=1, description="Of a topic that has to be created.")

    @classmethod
    def load(cls) -> Self:
        """Read them from the environment; a missing one is a `UsageError` that names it."""
        return load(cls)


class KafkaConsumerSettings(BaseSettings):
    """How fast a consumer group notices that a member has died."""

    model_config = SettingsConfigDict(env_prefix="CRM_KAFKA_CONSUMER_", extra="ignore")

    session_timeout_ms: int = Field(
        default=6_000, ge=1_000, description="A member silent for so long is taken for dead."
    )
    max_poll_interval_ms: int = Field(
        default=45_000,
        ge=2_000,
        description="A member that works on a batch for so long is taken for dead; a request to "
        "join that the broker has forgotten is repeated this much later.",
    )


class LogSettings(BaseSettings):
    """How a service logs."""

    model_config = SettingsConfigDict(env_prefix="CRM_LOG_", extra="ignore")

    level: str = "INFO"
    format: str = Field(default="json", pattern="^(json|text)$")


class DataKeySettings(BaseSettings):
    """The key that protects personal data at rest."""

    model_config = SettingsConfigDict(env_prefix="CRM_DATA_", extra="ignore")

    key: SecretStr = Field(description="32 bytes, base64.")


def load(settings_class: type[S]) -> S:
    """Settings from the environment; what is wrong is said in one sentence per variable."""
    try:
        return settings_class()
    except ValidationError as error:
        prefix = settings_class.model_config.get("env_prefix", "")
        problems = "; ".join(
            f"{prefix}{'_'.join(str(part) for part in item['loc'])}".upper()
            + (" is not set" if item["type"] == "missing" else f": {item['msg']}")
            for item in error.errors()
        )
        raise UsageError(
            f"{problems}. Set it in the environment; after `make up` it stands in .local/env."
        ) from None


@lru_cache(maxsize=1)
def log_settings() -> LogSettings:
    """The log settings of this process."""
    return load(LogSettings)
