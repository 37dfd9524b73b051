"""Topic `crm.contacts.v1`: every contact with a customer, from the OCRM's outbox."""

from typing import Literal

from pydantic import Field, TypeAdapter

from crm_shared.events.envelope import CustomerEvent

TOPIC = "crm.contacts.v1"


class ContactMade(CustomerEvent):
    """A message, a call or a visit; `contact_class` says whether the cap counts it."""

    type: Literal["contact.made"] = "contact.made"
    contact_id: int = Field(ge=1)
    channel: Literal["sms", "call", "visit", "app", "wechat", "mail", "counter"]
    contact_class: Literal["marketing", "service", "care"]
    campaign_id: int | None = None
    result: str | None = Field(default=None, examples=["reached"])


ADAPTER: TypeAdapter[ContactMade] = TypeAdapter(ContactMade)
