"""R03.KEY_DATA_CHANGED: data by which the bank knows and reaches a customer were changed."""

from dataclasses import dataclass

from alerting.events import DataChange, Judged
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Fired, Parameters, Window
from alerting.windows import Timeline

#: Columns of the landing table customers that are key data.
KEY_FIELDS = frozenset(
    {"name", "document_type", "document_no", "phone", "address", "legal_representative"}
)


@dataclass(frozen=True, slots=True)
class KeyDataChanged:
    """Every change of key data; the same fields on the same day are one reminder."""

    code: str = "R03.KEY_DATA_CHANGED"
    parameter_codes: tuple[str, ...] = ()
    judges: type[Judged] = DataChange
    window: Window | None = None

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Fires where one of the changed columns is key data."""
        if not isinstance(event, DataChange):
            return NOT_APPLICABLE
        fields = "+".join(sorted(KEY_FIELDS.intersection(event.fields)))
        if not fields:
            return NOT_APPLICABLE
        return Fired(
            customer_id=event.customer_id,
            subject=f"customer:{event.customer_id}",
            window=f"changed:{event.business_date}:{fields}",
            facts={"fields": fields},
        )


KEY_DATA_CHANGED = KeyDataChanged()
