"""Events that any `alerting run` works on, and what it tells of them on the topic."""

from crm_shared.events import reminders
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from tests.alerting.bookings import Event, booking, closure

EVENTS: list[Event] = [
    booking(1, customer_id=1, amount="900000.00"),
    booking(2, customer_id=2, amount="10.00"),
    closure(3, customer_id=3),
]


def raised(settings: KafkaSettings) -> dict[object, str]:
    """The reminders on the topic: which rule raised each."""
    found = [reminders.ADAPTER.validate_json(one.value or b"") for one in topics.read_all(
        settings, reminders.TOPIC
    )]  # fmt: skip
    assert all(one.producer == "alerting" for one in found)
    return {one.reminder_id: one.rule_code for one in found}
