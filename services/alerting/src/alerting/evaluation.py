"""From events to what rules say about them, purely: no clock, no database, no order of arrival.

A rule that raises fails alone: the failure is noted with the event that caused it, and the other
rules and events are judged as if nothing had happened.

A rule whose parameters differ by legal entity or tier is first judged by the loosest of them. Only
where it fires by these, whose the event is is looked up, for all of a batch at once, and `settle`
judges by what holds there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from alerting import parameters
from alerting.events import Event, Judged
from alerting.rules.frequent_transfers_out import transfer_to_other_bank
from alerting.rules.protocol import (
    EVERYBODY,
    NAMES,
    Below,
    Failed,
    Fired,
    NotApplicable,
    Outcome,
    Parameters,
    Rule,
    Scope,
    outcome_of,
    span_of,
)
from alerting.ruleset import RuleInForce, Ruleset
from alerting.scopes import Find
from alerting.windows import EMPTY, Timeline, Transfer
from crm_shared import ids
from crm_shared.clock import bank_date
from crm_shared.kafka_records import Record


class Arrival(Struct, frozen=True):
    """An event, the record it came in, and whether it came late."""

    event: Event
    record: Record
    late: bool = False


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule holds for an event: the reminder that rests on it, and whose parameters said so."""

    reminder_id: UUID
    rule: RuleInForce
    event: Judged
    outcome: Fired
    late: bool
    scope: Scope = EVERYBODY


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule raised on an event."""

    record: Record
    rule_code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that has overrides fires for an event by the loosest parameters of any scope.

    `since` is how long before the event the nearest change of its window was; `loss` the same of
    what was taken back, with the event that did so.
    """

    rule: RuleInForce
    event: Judged
    outcome: Fired
    timeline: Timeline
    arrival: Arrival
    late: bool
    since: timedelta = timedelta(0)
    loss: tuple[Arrival, timedelta] | None = None


@dataclass
class Judgement:
    """What the rules said about a batch: firings, counts by (rule, outcome), failures.

    `fallen` are (event, rule) whose window lost something and no longer suffices, with the event
    that took it back. A window that lost nothing has not fallen: it may have sufficed by another
    version of the rule.
    `candidates` wait for `settle`. `asked` counts, by rule, those of whose branch the legal entity,
    or of whose customer the tier, had to be known, and `unknown` those of whom it is not.
    """

    firings: list[Firing] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[RuleFailure] = field(default_factory=list)
    fallen: dict[tuple[UUID, str], Arrival] = field(default_factory=dict)


class Change(Struct, frozen=True):
    """A customer's timeline changed at an instant: a transfer came, the one of `event_id`, or one
    was taken back."""

    customer_id: int
    at: datetime
    arrival: Arrival
    event_id: UUID | None = None


def transfers_of(arrivals: Iterable[Arrival]) -> dict[UUID, tuple[Transfer, Arrival]]:
    """The transfers among the events that windows count, each once."""
    transfers: dict[UUID, tuple[Transfer, Arrival]] = {}
    for arrival in arrivals:
        transfer = transfer_to_other_bank(arrival.event)
        if transfer is not None:
            transfers.setdefault(transfer.event_id, (transfer, arrival))
    return transfers


def judge_alone(arrivals: Sequence[Arrival], ruleset: Ruleset, into: Judgement) -> None:
    """Apply the rules that need nothing but the event."""
    by_kind: dict[type[Judged], list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        by_kind[type(arrival.event)].append(arrival)
    for one in ruleset.stateless:
        judged = by_kind.get(one.rule.judges, ())
        given = parameters.loosest(one.parameters)
        outcomes = _outcomes(one.rule, judged, given)
        counts: Counter[type[Outcome]] = Counter(map(type, outcomes))
        counts[NotApplicable] += len(arrivals) - len(judged)
        _count(into, one, counts)
        if not counts[Fired] and not counts[Failed]:
            continue
        for arrival, outcome in zip(judged, outcomes, strict=True):
            if isinstance(outcome, Fired):
                _fire(into, Candidate(one, arrival.event, outcome, EMPTY, arrival, arrival.late))
            elif isinstance(outcome, Failed):
                into.failures.append(RuleFailure(arrival.record, one.rule.code, outcome.detail))


def _outcomes(rule: Rule, judged: Sequence[Arrival], given: Parameters) -> Sequence[Outcome]:
    """What a rule says about each; where it raises on any, all are asked again, one by one."""
    evaluate = rule.evaluate
    try:
        return [evaluate(arrival.event, EMPTY, given) for arrival in judged]
    except Exception:
        return [outcome_of(rule, arrival.event, EMPTY, given) for arrival in judged]


def judge_windows(
    changes: Sequence[Change],
    timelines: Mapping[int, Timeline],
    ruleset: Ruleset,
    into: Judgement,
) -> None:
    """Apply the windowed rules to every transfer whose window a change lies in."""
    own = {change.event_id: change.arrival for change in changes}
    for one in ruleset.windowed:
        given = parameters.loosest(one.parameters)
        span = span_of(one.rule, given)
        affected = _affected(changes, timelines, span)
        losses = _affected([it for it in changes if it.event_id is None], timelines, span)
        counts: Counter[type[Outcome]] = Counter()
        in_order = sorted(affected.values(), key=lambda it: (it[0].occurred_at, it[0].event_id))
        for transfer, cause, since in in_order:
            arrival = own.get(transfer.event_id, cause)
            timeline, lost = timelines[transfer.customer_id], losses.get(transfer.event_id)
            loss = lost and lost[1:]
            outcome = outcome_of(one.rule, transfer, timeline, given)
            counts[type(outcome)] += 1
            if isinstance(outcome, Fired):
                late = arrival.late or transfer.event_id not in own
                _fire(into, Candidate(one, transfer, outcome, timeline, arrival, late, since, loss))
            elif isinstance(outcome, Below):
                if loss:
                    into.fallen[transfer.event_id, one.rule.code] = loss[0]
            elif isinstance(outcome, Failed):
                into.failures.append(RuleFailure(arrival.record, one.rule.code, outcome.detail))
        _count(into, one, counts)


def _affected(
    changes: Iterable[Change], timelines: Mapping[int, Timeline], span: timedelta
) -> dict[UUID, tuple[Transfer, Arrival, timedelta]]:
    """The transfers whose window any of the changes lies in, each with the first event that made
    one, and how long before the transfer the nearest was."""
    affected: dict[UUID, tuple[Transfer, Arrival, timedelta]] = {}
    for change in changes:
        for transfer in timelines[change.customer_id].affected_by(change.at, span):
            arrival, since = change.arrival, transfer.occurred_at - change.at
            if transfer.event_id in affected:
                _, arrival, before = affected[transfer.event_id]
                since = min(since, before)
            affected[transfer.event_id] = transfer, arrival, since
    return affected


def settle(into: Judgement, find: Find) -> None:
    """Judge the candidates by the parameters of their legal entity and tier; `find` is not called
    where there are none."""
    if not into.candidates:
        return
    asked = [(one, *needs(one.rule), bank_date(one.event.occurred_at)) for one in into.candidates]
    found = find(
        {(one.event.branch_id, day) for one, by_entity, _, day in asked if by_entity},
        {(one.outcome.customer_id, day) for one, _, by_tier, day in asked if by_tier},
    )
    within: dict[tuple[str, Scope], tuple[Parameters, Scope]] = {}
    for one, by_entity, by_tier, day in asked:
        code = one.rule.rule.code
        scope = found.scope(one.event.branch_id, one.outcome.customer_id, day)
        into.asked[code, "legal_entity"] += by_entity
        into.asked[code, "tier"] += by_tier
        into.unknown[code, "legal_entity"] += by_entity and scope.legal_entity is None
        into.unknown[code, "tier"] += by_tier and scope.tier is None
        if (code, scope) not in within:
            within[code, scope] = one.rule.parameters.within(scope)
        _settle(into, one, *within[code, scope])
    into.candidates.clear()


def needs(one: RuleInForce) -> tuple[bool, bool]:
    """Whether any override is for a legal entity, and whether any is for a tier."""
    scopes = [it.scope for it in one.parameters.overrides]
    return any(it.legal_entity for it in scopes), any(it.tier for it in scopes)


def _settle(into: Judgement, one: Candidate, given: Parameters, decided: Scope) -> None:
    rule = one.rule.rule
    into.outcomes[rule.code, NAMES[Fired]] -= 1
    if rule.window and one.since >= rule.window(given):
        return
    outcome = outcome_of(rule, one.event, one.timeline, given)
    into.outcomes[rule.code, NAMES[type(outcome)]] += 1
    if isinstance(outcome, Fired):
        reminder_id = ids.reminder_id(rule.code, outcome.subject, outcome.window)
        into.firings.append(Firing(reminder_id, one.rule, one.event, outcome, one.late, decided))
    elif isinstance(outcome, Failed):
        into.failures.append(RuleFailure(one.arrival.record, rule.code, outcome.detail))
    elif rule.window and one.loss and one.loss[1] < rule.window(given):
        into.fallen[one.event.event_id, rule.code] = one.loss[0]


def _fire(into: Judgement, one: Candidate) -> None:
    """A rule fires; where parameters differ by scope, it may."""
    if one.rule.parameters.overrides:
        into.candidates.append(one)
        return
    fired = one.outcome
    reminder_id = ids.reminder_id(one.rule.rule.code, fired.subject, fired.window)
    into.firings.append(Firing(reminder_id, one.rule, one.event, fired, one.late))


def _count(into: Judgement, one: RuleInForce, counts: Counter[type[Outcome]]) -> None:
    for kind, number in counts.items():
        if number:
            into.outcomes[one.rule.code, NAMES[kind]] += number
