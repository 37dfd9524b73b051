"""What a rule is: a pure function of an event, the customer's window and its parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from msgspec import Struct

from alerting.events import Judged
from alerting.windows import Timeline

#: The currency of thresholds, unless a rule's parameters name another.
DEFAULT_CURRENCY = "CNY"

#: More reminders of one rule in an hour are a storm, unless its parameters say otherwise.
MAX_PER_HOUR = 5_000


class Scope(NamedTuple):
    """Whom parameters are for: a legal entity, a tier, or one within the other; None: any."""

    legal_entity: str | None = None
    tier: str | None = None

    def __str__(self) -> str:
        """As people write it: `B`, `B/gold`, `/gold`, and nothing for everybody."""
        return (self.legal_entity or "") + (f"/{self.tier}" if self.tier else "")

    @property
    def words(self) -> str:
        """The same in a sentence, after `of`."""
        entity = f"legal entity {self.legal_entity}" if self.legal_entity else ""
        tier = f"tier {self.tier}" if self.tier else ""
        return " at ".join(filter(None, (tier, entity))) or "everybody"

    def covers(self, other: "Scope") -> bool:
        """Whether what is for this scope is for that one too."""
        return self.legal_entity in (None, other.legal_entity) and self.tier in (None, other.tier)


#: Whoever has no parameters of his own.
EVERYBODY = Scope()


@dataclass(frozen=True, slots=True)
class Override:
    """Values that a scope has in place of everybody's."""

    scope: Scope
    values: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The values of a rule by their code in docs/rules.md; its amounts are in `currency`.

    More than `max_per_hour` reminders in an hour are a storm (`alerting.storms`). `overrides` are
    in the order in which the later ones win.
    """

    values: Mapping[str, Decimal]
    currency: str = DEFAULT_CURRENCY
    max_per_hour: int = MAX_PER_HOUR
    overrides: tuple[Override, ...] = ()

    def __getitem__(self, code: str) -> Decimal:
        return self.values[code]

    def within(self, scope: Scope) -> tuple["Parameters", Scope]:
        """What holds in a scope, and as much of the scope as decided it.

        Each value is that of the most specific override that has one.
        """
        values, decided = dict(self.values), dict.fromkeys(self.values, EVERYBODY)
        for one in self.overrides:
            if one.scope.covers(scope):
                values.update(one.values)
                decided.update(dict.fromkeys(one.values, one.scope))
        entities, tiers = zip(*decided.values(), strict=True) if decided else ((), ())
        by = Scope(next(filter(None, entities), None), next(filter(None, tiers), None))
        return replace(self, values=values, overrides=()), by


#: How far back a rule looks, by its parameters.
Window = Callable[[Parameters], timedelta]


@dataclass(frozen=True, slots=True)
class Fired:
    """The rule holds: the business key of the reminder and the values its text is made of."""

    customer_id: int
    subject: str
    window: str
    amount: Decimal | None = None
    currency: str = DEFAULT_CURRENCY
    facts: dict[str, str] = field(default_factory=dict)


class Below(Struct, frozen=True):
    """The rule looked at the event and the value did not reach the threshold."""

    value: Decimal
    threshold: Decimal


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The rule has nothing to say about such an event."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The rule raised: a fault of the program, told without the values it met."""

    detail: str


#: There is no need for a second one.
NOT_APPLICABLE = NotApplicable()

#: What a rule may answer, and what becomes of it (`outcome_of`).
Answer = Fired | Below | NotApplicable
Outcome = Answer | Failed

#: The name of an outcome, as metrics and operations say it.
NAMES: dict[type[Outcome], str] = {
    Fired: "fired",
    Below: "below",
    NotApplicable: "not_applicable",
    Failed: "error",
}


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
    def judges(self) -> type[Judged]:
        """The kind of event it looks at; of all others it says that it is not applicable."""
        ...

    @property
    def window(self) -> Window | None:
        """Of a rule that judges transfers in their window; None: it judges events alone."""
        ...

    def evaluate(self, event: Judged, timeline: Timeline, parameters: Parameters) -> Answer:
        """Judge one event. Pure: same arguments, same outcome."""
        ...


def span_of(rule: Rule, parameters: Parameters) -> timedelta:
    """How far back it looks; not at all where it judges events alone."""
    return rule.window(parameters) if rule.window else timedelta(0)


def outcome_of(rule: Rule, event: Judged, timeline: Timeline, parameters: Parameters) -> Outcome:
    """What a rule says about an event; where it raises, that it failed."""
    try:
        return rule.evaluate(event, timeline, parameters)
    except Exception as error:
        return Failed(f"The rule raised {type(error).__name__}.")
