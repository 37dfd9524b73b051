"""The events of a customer on a delivered day, judged again by the functions of the stream.

Nothing is read but delivered files, legal entities and tiers, and nothing is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from pathlib import Path
from uuid import UUID

from alerting import judged_by, ledger, ledger_events, parameters
from alerting.drafts import Version
from alerting.evaluation import needs
from alerting.events import (
    Booking,
    Fact,
    Judged,
    fact_of,
    retracted_by,
)
from alerting.judged_by import Dated, JudgedBy, KeptOfCustomer
from alerting.ledger_events import SOURCES
from alerting.rules import RULES
from alerting.rules.frequent_transfers_out import transfer_to_other_bank
from alerting.rules.protocol import NAMES, Below, Fired, Scope, outcome_of, span_of
from alerting.ruleset import RuleInForce
from alerting.scopes import Find, Found
from alerting.windows import Timeline, Transfer
from crm_shared import ids
from crm_shared.clock import bank_date

#: The rules whose events the files tell; of the others only the database can tell.
JUDGED_AGAIN = {code for code, rule in RULES.items() if rule.judges in SOURCES}

_BOOKINGS = (Booking, Transfer)

_TYPE_UNKNOWN = (
    "No delivered day says whether this customer is an individual or a business (is a day missing"
    " before this one?): judged as an individual, whose threshold may be the wrong one."
)


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What a later version says that may have judged the event too."""

    version: int
    since: datetime
    outcome: str


@dataclass(frozen=True, slots=True)
class JudgedEvent:
    """An event and what the rule says about it; `reminder_id` where it fires or fired, and `facts`
    what it rests on beside value and threshold, which not every rule has.

    `version` is that which judged it where the event `fired_at` an instant that is kept; otherwise
    the first that can have, and `otherwise` are later ones that say something else. Where the
    version's parameters differ by scope, `parameters_of` says whose were taken, and `unknown` what
    would have had to be known to take others.
    """

    event_id: UUID
    fact: str
    occurred_at: datetime
    outcome: str
    value: str | None
    threshold: str | None
    facts: Mapping[str, str]
    version: int
    fired_at: datetime | None
    otherwise: Sequence[Otherwise]
    reminder_id: UUID | None
    taken_back: bool
    parameters_of: str | None
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgedAgain:
    """The events of a day and what the rule says; `assumed` are sentences on what was missing."""

    judged: Sequence[JudgedEvent] = ()
    assumed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What the delivered files tell of a customer and a day, with all that windows reach to and
    the reversals that have arrived."""

    events: Sequence[Judged] = ()
    assumed: Sequence[str] = ()


def judge(
    code: str,
    known: Sequence[Version],
    customer_id: int,
    day: date,
    landing: Path,
    *,
    find: Find,
    worked: KeptOfCustomer,
) -> JudgedAgain:
    """Judge the customer's events of the day again; nothing for a rule whose events no delivered
    file tells. Of days after it, those count that have arrived."""
    if code not in JUDGED_AGAIN:
        return JudgedAgain()
    versions = judged_by.dated(code, known)
    told = read(RULES[code].judges, reach(versions), customer_id, day, landing)
    return JudgedAgain(judge_told(told.events, day, versions, find=find, worked=worked),
                       told.assumed)  # fmt: skip


def reach(versions: Iterable[Dated]) -> timedelta:
    """The longest window of any of these versions."""
    rules = [one.rule for one in versions]
    spans = (span_of(one.rule, parameters.loosest(one.parameters)) for one in rules)
    return max(spans, default=timedelta(0))


def read(
    judges: type[Judged], window: timedelta, customer_id: int | None, day: date, landing: Path
) -> Told:
    """What the files tell of events of a kind; `UsageError` where no day of them is delivered."""
    source = SOURCES[judges]
    first = day - timedelta(days=ceil(window / timedelta(days=1)))
    last = ledger_events.reversals_until(landing, source, day)
    events = list(source.read(landing, first, last, customer_id))
    assumed = []
    if events and judges in _BOOKINGS and customer_id is not None:
        if ledger.customer_type(landing, first, last, customer_id) is None:
            assumed.append(_TYPE_UNKNOWN)
    elif source.compared:
        assumed.append(source.compared)
    return Told(events, assumed)


def judge_told(
    events: Sequence[Judged],
    day: date,
    versions: Sequence[Dated],
    *,
    find: Find,
    worked: KeptOfCustomer,
) -> list[JudgedEvent]:
    """What a rule says about those of the events that are of the day."""
    taken_back = {
        fact for one in events
        if not isinstance(one, Transfer) and (fact := retracted_by(one)) is not None
    }  # fmt: skip
    transfers = [it for one in events if (it := transfer_to_other_bank(one)) is not None]
    timeline = Timeline(
        one for one in transfers if Fact(one.customer_id, one.fact) not in taken_back
    )
    asked = [
        (one, judged_by.judged_by(versions, (one.event_id, one.occurred_at), worked, worked.at))
        for one in events
        if bank_date(one.occurred_at) == day
    ]
    found = Found()
    if any(it.rule.parameters.overrides for _, by in asked for it in by.versions):
        found = find(
            {(one.branch_id, day) for one, _ in asked},
            {(one.customer_id, day) for one, _ in asked if one.customer_id is not None},
        )
    return [_judged(one, by, timeline, taken_back, found) for one, by in asked]


def _judged(
    event: Judged,
    by: JudgedBy,
    timeline: Timeline,
    taken_back: set[Fact],
    found: Found,
) -> JudgedEvent:
    customer_id = event.customer_id or 0
    scope = found.scope(event.branch_id, customer_id, bank_date(event.occurred_at))
    first, fact, kept = by.versions[0].rule, fact_of(event), by.evidence
    given, decided = first.parameters.within(scope)
    outcome = outcome_of(first.rule, event, timeline, given)
    value = threshold = reminder_id = None
    facts: dict[str, str] = {}
    if isinstance(outcome, Below):
        value, threshold = str(outcome.value), str(outcome.threshold)
    elif isinstance(outcome, Fired):
        facts = dict(outcome.facts)
        value, threshold = facts.pop("value", None), facts.pop("threshold", None)
        reminder_id = ids.reminder_id(first.rule.code, outcome.subject, outcome.window)
    name = NAMES[type(outcome)]
    return JudgedEvent(
        event_id=event.event_id,
        fact=fact,
        occurred_at=event.occurred_at,
        outcome=name,
        value=value,
        threshold=threshold,
        facts=facts,
        version=first.version,
        fired_at=kept.fired_at if kept else None,
        otherwise=_otherwise(event, by, timeline, scope, name),
        reminder_id=kept.reminder_id if kept else reminder_id,
        taken_back=Fact(customer_id, fact) in taken_back,
        parameters_of=decided.words if first.parameters.overrides else None,
        unknown=_unknown(first, scope),
    )


def _otherwise(
    event: Judged, by: JudgedBy, timeline: Timeline, scope: Scope, first: str
) -> list[Otherwise]:
    said = []
    for one in by.versions[1:]:
        given, _ = one.rule.parameters.within(scope)
        name = NAMES[type(outcome_of(one.rule.rule, event, timeline, given))]
        if name != first:
            said.append(Otherwise(one.rule.version, one.since, name))
    return said


def _unknown(one: RuleInForce, scope: Scope) -> tuple[str, ...]:
    return tuple(
        name
        for name, needed, value in zip(("legal entity", "tier"), needs(one), scope, strict=True)
        if needed and value is None
    )
