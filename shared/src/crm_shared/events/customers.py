"""Topic `crm.customer-events.v1`: which data of a customer changed; never the data themselves."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from crm_shared.events.envelope import CustomerEvent

TOPIC = "crm.customer-events.v1"


class CustomerDataChanged(CustomerEvent):
    """Columns of a customer were changed at the core bank."""

    type: Literal["customer.changed"] = "customer.changed"
    branch_id: str = Field(description="The customer's home branch.")
    business_date: date
    fields: tuple[str, ...] = Field(
        min_length=1, description="Columns of the landing table customers.", examples=[["phone"]]
    )
    corrects_event_id: UUID | None = Field(
        default=None, description="The event that this one replaces, and takes back."
    )


ADAPTER: TypeAdapter[CustomerDataChanged] = TypeAdapter(CustomerDataChanged)
