"""What a rule is: a pure function of an event, the customer's window and its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from alerting.windows import Timeline, Transfer
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent

#: What rules look at: events as they arrive, and earlier transfers when a late one changed
#: the window they were judged in.
Event = TransactionEvent | AccountClosedEvent | Transfer

#: The currency of thresholds, unless a rule's parameters name another.
DEFAULT_CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The values of a rule by their code in docs/rules.md; its amounts are in `currency`."""

    values: Mapping[str, Decimal]
    currency: str = DEFAULT_CURRENCY

    def __getitem__(self, code: str) -> Decimal:
        return self.values[code]


@dataclass(frozen=True, slots=True)
class Fired:
    """The rule holds: the business key of the reminder and the values its text is made of."""

    subject: str
    window: str
    amount: Decimal | None = None
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Below:
    """The rule looked at the event and the value did not reach the threshold."""

    value: Decimal
    threshold: Decimal


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The rule has nothing to say about such an event."""


#: There is no need for a second one.
NOT_APPLICABLE = NotApplicable()

Outcome = Fired | Below | NotApplicable


class Rule(Protocol):
    """A rule on coded evaluators; its parameters are data (`alerting.rules`)."""

    @property
    def code(self) -> str:
        """The code of the reminder, as in `crm_shared.reminder_rules`."""
        ...

    @property
    def parameter_codes(self) -> tuple[str, ...]:
        """The parameters it needs."""
        ...

    @property
    def windowed(self) -> bool:
        """Whether it judges transfers in their window instead of events alone."""
        ...

    def evaluate(self, event: Event, timeline: Timeline, parameters: Parameters) -> Outcome:
        """Judge one event. Pure: same arguments, same outcome."""
        ...
