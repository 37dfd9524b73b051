"""From events to what rules say about them, purely: no clock, no database, no order of arrival.

A rule that raises fails alone: the failure is noted with the event that caused it, and the other
rules and events are judged as if nothing had happened.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from alerting.events import Event, Judged
from alerting.rules.frequent_transfers_out import transfer_to_other_bank, window_of
from alerting.rules.protocol import NAMES, Below, Failed, Fired, NotApplicable, Outcome, outcome_of
from alerting.ruleset import RuleInForce, Ruleset
from alerting.windows import EMPTY, Timeline, Transfer
from crm_shared import ids
from crm_shared.kafka import Record


class Arrival(Struct, frozen=True):
    """An event, the record it came in, and whether it came late."""

    event: Event
    record: Record
    late: bool = False


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule holds for an event: the reminder that rests on it."""

    reminder_id: UUID
    rule: RuleInForce
    event: Judged
    outcome: Fired
    late: bool


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule raised on an event."""

    record: Record
    rule_code: str
    detail: str


@dataclass
class Judgement:
    """What the rules said about a batch: firings, counts by (rule, outcome), failures.

    `fallen` are (event, rule) whose window no longer suffices, with the event that changed it.
    """

    firings: list[Firing] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[RuleFailure] = field(default_factory=list)
    fallen: dict[tuple[UUID, str], Arrival] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A customer's timeline changed at an instant: a transfer came, or one was taken back."""

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
        counts: Counter[type[Outcome]] = Counter()
        counts[NotApplicable] = len(arrivals) - len(judged)
        for arrival in judged:
            outcome = outcome_of(one.rule, arrival.event, EMPTY, one.parameters)
            counts[type(outcome)] += 1
            if isinstance(outcome, Fired):
                _fire(into, one, arrival.event, outcome, arrival.late)
            elif isinstance(outcome, Failed):
                into.failures.append(RuleFailure(arrival.record, one.rule.code, outcome.detail))
        _count(into, one, counts)


def judge_windows(
    changes: Sequence[Change],
    timelines: Mapping[int, Timeline],
    ruleset: Ruleset,
    into: Judgement,
) -> None:
    """Apply the windowed rules to every transfer whose window a change lies in."""
    own = {change.event_id: change.arrival for change in changes}
    for one in ruleset.windowed:
        span = window_of(one.parameters)
        affected: dict[UUID, tuple[Transfer, Arrival]] = {}
        for change in changes:
            for transfer in timelines[change.customer_id].affected_by(change.at, span):
                arrival = own.get(transfer.event_id, change.arrival)
                affected.setdefault(transfer.event_id, (transfer, arrival))
        counts: Counter[type[Outcome]] = Counter()
        in_order = sorted(affected.values(), key=lambda it: (it[0].occurred_at, it[0].event_id))
        for transfer, arrival in in_order:
            outcome = outcome_of(
                one.rule, transfer, timelines[transfer.customer_id], one.parameters
            )
            counts[type(outcome)] += 1
            if isinstance(outcome, Fired):
                late = arrival.late or transfer.event_id not in own
                _fire(into, one, transfer, outcome, late)
            elif isinstance(outcome, Below):
                into.fallen[transfer.event_id, one.rule.code] = arrival
            elif isinstance(outcome, Failed):
                into.failures.append(RuleFailure(arrival.record, one.rule.code, outcome.detail))
        _count(into, one, counts)


def _fire(into: Judgement, one: RuleInForce, event: Judged, fired: Fired, late: bool) -> None:
    reminder_id = ids.reminder_id(one.rule.code, fired.subject, fired.window)
    into.firings.append(Firing(reminder_id, one, event, fired, late))


def _count(into: Judgement, one: RuleInForce, counts: Counter[type[Outcome]]) -> None:
    for kind, number in counts.items():
        if number:
            into.outcomes[one.rule.code, NAMES[kind]] += number
