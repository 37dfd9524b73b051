"""R05.LOBBY_ARRIVAL: a known customer drew a ticket in the lobby of a branch."""

from dataclasses import dataclass

from alerting.events import Judged, Ticket
from alerting.rules.protocol import NOT_APPLICABLE, Answer, Fired, Parameters, Window
from alerting.windows import Timeline
from crm_shared.clock import bank_date


@dataclass(frozen=True, slots=True)
class LobbyArrival:
    """Tickets of known customers; once a day for each branch, however many he draws."""

    code: str = "R05.LOBBY_ARRIVAL"
    parameter_codes: tuple[str, ...] = ()
    judges: type[Judged] = Ticket
    window: Window | None = None

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Fires while he waits: when the ticket is drawn, or called once he is known."""
        if (
            not isinstance(event, Ticket)
            or event.customer_id is None
            or event.state not in {"drawn", "called"}
        ):
            return NOT_APPLICABLE
        return Fired(
            customer_id=event.customer_id,
            subject=f"customer:{event.customer_id}",
            window=f"lobby:{event.branch_id}:{bank_date(event.occurred_at)}",
            facts={"ticket_id": event.ticket_id, "queue": event.queue},
        )


LOBBY_ARRIVAL = LobbyArrival()
