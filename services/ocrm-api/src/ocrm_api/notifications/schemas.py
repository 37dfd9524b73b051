"""What a front end says and reads about the notifications of who is logged in."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ocrm_api.languages import Language
from ocrm_api.settings import ChannelName


class NotificationWishes(BaseModel):
    """How an employee wants to be notified: all of it, since it replaces what he wanted before."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(description="Whether to be notified at all.", examples=[True])
    channel: Literal["wecom", "push", "email"] | None = Field(
        description="Null, or one that the bank has not set up: the channel of everybody.",
        examples=["email"],
    )
    language: Language | None = Field(description="Null: zh-CN.", examples=["en"])


class NotificationPreferences(BaseModel):
    """What holds for the employee who is logged in."""

    employee_id: str = Field(examples=["E000123"])
    enabled: bool
    channel: ChannelName | None = Field(
        description="Null: the channel of everybody. `console` and `file` are set by an operator."
    )
    language: Language | None = Field(description="Null: zh-CN.")
    etag: str = Field(
        examples=['"9f86d081884c7d65"'], description="Send it as If-Match with a change."
    )
