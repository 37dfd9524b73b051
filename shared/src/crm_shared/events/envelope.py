"""What every message carries around its fact."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

CustomerId = Annotated[
    int, Field(ge=1, le=2**53 - 1, description="The core bank's customer number.")
]


class Event(BaseModel):
    """The envelope: what happened is `type`, when is `occurred_at`, who tells it is `producer`.

    Messages are keyed by customer, so one customer's events of a topic keep their order. Unknown
    fields are ignored, so a producer may add an optional field without a new version; anything else
    is a new `version` and a new topic. No name, phone or document number ever travels in a message.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: UUID = Field(description="The same fact has the same id, however often it is sent.")
    version: int = Field(default=1, ge=1)
    occurred_at: AwareDatetime = Field(description="Event time: when it happened at the bank.")
    producer: str = Field(min_length=1, examples=["core"])
    correlation_id: str | None = Field(
        default=None, description="Follows one fact through the logs."
    )

    @property
    def key(self) -> bytes:
        """The partition key of the message."""
        raise TypeError(f"{type(self).__name__} does not say which customer it belongs to.")

    def to_bytes(self) -> bytes:
        """The message value: UTF-8 JSON without empty fields."""
        return self.model_dump_json(exclude_none=True).encode()


class CustomerEvent(Event):
    """An event about one customer."""

    customer_id: CustomerId

    @property
    def key(self) -> bytes:
        """The customer's number, so that one partition sees all of a customer's events in order."""
        return str(self.customer_id).encode()
