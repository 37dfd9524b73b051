"""The shape of every list: items and the cursor of the next page."""

from typing import Generic, TypeVar

from pydantic import BaseModel, Field

T = TypeVar("T")


class ListOf(BaseModel, Generic[T]):
    """One page."""

    items: list[T]
    next_cursor: str | None = Field(
        default=None, description="Pass it as `cursor` for the next page; null at the end."
    )
