"""From events to reminders, purely: no clock, no database, no order of arrival.

A rule that raises fails alone: the failure is noted with the event that caused it, and the other
rules and events are judged as if nothing had happened.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from alerting.rules.frequent_transfers_out import transfer_to_other_bank, window_of
from alerting.rules.protocol import Below, Event, Fired, NotApplicable, Outcome
from alerting.ruleset import RuleInForce, Ruleset
from alerting.windows import EMPTY, Timeline, Transfer
from crm_shared import ids
from crm_shared.clock import bank_date
from crm_shared.events.reminders import ReminderRaised
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent
from crm_shared.kafka import Record
from crm_shared.reminder_rules import RULES

_NAMES = {Fired: "fired", Below: "below", NotApplicable: "not_applicable"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, the record it came in, and whether it came late."""

    event: TransactionEvent | AccountClosedEvent
    record: Record
    late: bool = False


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule raised on an event."""

    record: Record
    rule_code: str
    detail: str


@dataclass
class Judgement:
    """What the rules said about a batch: reminders by id, counts by (rule, outcome), failures."""

    reminders: dict[UUID, ReminderRaised] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[RuleFailure] = field(default_factory=list)


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
    for one in ruleset.stateless:
        evaluate, parameters = one.rule.evaluate, one.parameters
        counts: Counter[type[Outcome] | None] = Counter()
        for arrival in arrivals:
            try:
                outcome = evaluate(arrival.event, EMPTY, parameters)
            except Exception as error:
                counts[None] += 1
                into.failures.append(_failure(arrival, one, error))
                continue
            counts[type(outcome)] += 1
            if isinstance(outcome, Fired):
                _raise(into, one, arrival.event, outcome, arrival.late)
        _count(into, one, counts)


def judge_windows(
    new: Sequence[tuple[Transfer, Arrival]],
    timelines: Mapping[int, Timeline],
    ruleset: Ruleset,
    into: Judgement,
) -> None:
    """Apply the windowed rules to the new transfers and to those whose window they changed."""
    own = {transfer.event_id: arrival for transfer, arrival in new}
    for one in ruleset.windowed:
        span = window_of(one.parameters)
        affected: dict[Transfer, Arrival] = {}
        for transfer, arrival in new:
            for changed in timelines[transfer.customer_id].affected_by(transfer.occurred_at, span):
                affected.setdefault(changed, own.get(changed.event_id, arrival))
        counts: Counter[type[Outcome] | None] = Counter()
        for changed in sorted(affected, key=lambda it: (it.occurred_at, it.event_id)):
            arrival = affected[changed]
            try:
                outcome = one.rule.evaluate(changed, timelines[changed.customer_id], one.parameters)
            except Exception as error:
                counts[None] += 1
                into.failures.append(_failure(arrival, one, error))
                continue
            counts[type(outcome)] += 1
            if isinstance(outcome, Fired):
                late = arrival.late or changed.event_id not in own
                _raise(into, one, changed, outcome, late)
        _count(into, one, counts)


def _raise(into: Judgement, one: RuleInForce, event: Event, fired: Fired, late: bool) -> None:
    code = one.rule.code
    reminder_id = ids.reminder_id(code, fired.subject, fired.window)
    if reminder_id in into.reminders:
        return
    into.reminders[reminder_id] = ReminderRaised(
        event_id=ids.event_id("reminder.raised", str(reminder_id)),
        occurred_at=event.occurred_at,
        producer="alerting",
        correlation_id=event.correlation_id or str(event.event_id),
        customer_id=event.customer_id,
        reminder_id=reminder_id,
        rule_code=code,
        subject=fired.subject,
        window=fired.window,
        rule_version=one.version,
        business_date=bank_date(event.occurred_at),
        branch_id=event.branch_id,
        priority=RULES[code].priority,
        amount=fired.amount,
        currency=event.currency,
        facts=fired.facts,
        late=late,
    )


def _failure(arrival: Arrival, one: RuleInForce, error: Exception) -> RuleFailure:
    return RuleFailure(arrival.record, one.rule.code, f"The rule raised {type(error).__name__}.")


def _count(into: Judgement, one: RuleInForce, counts: Counter[type[Outcome] | None]) -> None:
    for kind, number in counts.items():
        name = "error" if kind is None else _NAMES[kind]
        into.outcomes[one.rule.code, name] += number
