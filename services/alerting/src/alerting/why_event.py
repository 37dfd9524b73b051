"""What every rule said about one event, and what became of it: for whoever has its id.

The event is taken from the delivered files, from what windows count, or from a dead letter; where
none of them has it, the database tells what fired. What happens to a reminder after it was sent is
the OCRM's to tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import psycopg

from alerting import judged_again, judged_by, ledger_search, traces, why_words
from alerting.dead_letters import StoredDeadLetter
from alerting.decoding import decode
from alerting.drafts import Version
from alerting.events import Booking, Event, Judged, fact_of, retracted_by
from alerting.judged_again import JudgedEvent, Told
from alerting.judged_by import KeptOfCustomer
from alerting.rules import RULES
from alerting.rules.protocol import Rule
from alerting.scopes import Find
from alerting.traces import Traces
from alerting.windows import Transfer
from crm_shared.clock import bank_date
from crm_shared.errors import UsageError

#: An event of the future is a dead letter, and is explained as any.
_ANY_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """An event and where it was found; `told` has the others that its windows count."""

    event: Judged
    place: str
    told: Told

    @property
    def kind(self) -> type[Event]:
        """The kind of message it came as."""
        return Booking if isinstance(self.event, Transfer) else type(self.event)


@dataclass(frozen=True, slots=True)
class RuleSays:
    """What a rule said, or says now where nothing was kept of that; `version` judged it, or is the
    first that may have. `outcome` is one of the stream's, `not_judged`, or `not_kept`."""

    rule_code: str
    outcome: str
    version: int | None
    reminder_id: UUID | None
    state: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class EventExplanation:
    """An event, sentences on what became of it, and what each rule said; `told_by` None: nobody
    has the event itself."""

    event_id: UUID
    kind: str | None
    customer_id: int | None
    branch_id: str | None
    occurred_at: datetime | None
    told_by: str | None
    notes: Sequence[str]
    rules: Sequence[RuleSays]
    dead_letters: Sequence[int]

    @property
    def sentence(self) -> str:
        """Which event it is, for people."""
        if self.occurred_at is None:
            return (
                f"event {self.event_id}: neither delivered files nor inbox have it, only what "
                "the database keeps of it is told"
            )
        whose = f"customer {self.customer_id}" if self.customer_id else "nobody known"
        return (
            f"event {self.event_id}: {self.kind} of {whose} at {self.branch_id}, "
            f"{self.occurred_at:%Y-%m-%dT%H:%M:%SZ}, told by {self.told_by}"
        )


def source_of(
    connection: psycopg.Connection,
    known: Traces,
    versions: Mapping[str, Sequence[Version]],
    place: ledger_search.FoundEvent | None,
    landing: Path,
) -> Source | None:
    """The event itself: from its `place` in the delivered files, the inbox, or a dead letter."""
    dated = [one for code in versions for one in judged_by.dated(code, versions[code])]
    span = judged_again.reach(dated)
    if place is not None:
        told = judged_again.read(place.kind, span, place.customer_id, place.day, landing)
        for one in told.events:
            if one.event_id == known.event_id:
                return Source(one, f"the delivered files of {place.day}", told)
    if known.transfer is not None:
        window = traces.window_of(connection, known.transfer, span)
        return Source(known.transfer, "the inbox", Told(window))
    for letter in known.letters:
        event = decode(letter.record, _ANY_TIME)
        if isinstance(event, Event) and event.event_id == known.event_id:
            return Source(event, f"dead letter {letter.dead_letter_id}", Told([event]))
    return None


def unknown(event_id: UUID, landing: Path, day: date | None) -> UsageError:
    """The event is nowhere."""
    where = f"those of {day}" if day else "any day"
    return UsageError(
        f"Nothing is known of an event {event_id}: neither inbox, evidence nor dead letters have "
        f"it, nor do the delivered files ({where}) in {landing}. Check the id and the folder "
        "(--landing). If its day is not delivered yet, ask again when it is; `alerting status` "
        "says whether events wait, `alerting completeness --date DATE` whether some of a day are "
        "missing: have the core send those again. A queue ticket that raised nothing is kept "
        "nowhere, so it cannot be explained."
    )


def explain(
    connection: psycopg.Connection,
    source: Source | None,
    known: Traces,
    said: Sequence[RuleSays],
) -> EventExplanation:
    """All that is known of an event, put together."""
    event = source.event if source else None
    return EventExplanation(
        event_id=known.event_id,
        kind=_name(source.kind) if source else None,
        customer_id=event.customer_id if event else known.customer_id,
        branch_id=event.branch_id if event else None,
        occurred_at=event.occurred_at if event else None,
        told_by=source.place if source else None,
        notes=_notes(connection, source, known),
        rules=said,
        dead_letters=[one.dead_letter_id for one in known.letters],
    )


def rules_say(
    source: Source | None,
    known: Traces,
    versions: Mapping[str, Sequence[Version]],
    *,
    find: Find,
    worked: KeptOfCustomer,
) -> list[RuleSays]:
    """What each rule said, in the order of docs/rules.md."""
    said = []
    for code, rule in RULES.items():
        judged = None
        if source is not None and _fits(rule, source):
            dated, day = judged_by.dated(code, versions[code]), bank_date(source.event.occurred_at)
            again = judged_again.judge_told(
                source.told.events, day, dated, find=find, worked=worked
            )
            judged = next(one for one in again if one.event_id == known.event_id)
        said.append(_says(rule, source, known, judged))
    return said


def _fits(rule: Rule, source: Source) -> bool:
    """Whether the rule looks at what is known of the event: a booking that only the inbox has is
    known as a transfer."""
    if rule.judges is Transfer:
        return source.kind is Booking
    return rule.judges is type(source.event)


def _says(rule: Rule, source: Source | None, known: Traces, judged: JudgedEvent | None) -> RuleSays:
    fired = next((one for one in known.fired if one.rule_code == rule.code), None)
    state = fired.state if fired else None
    if judged is not None:
        said = RuleSays(rule.code, judged.outcome, judged.version, judged.reminder_id, state,
                        why_words.sentence(judged, state))  # fmt: skip
    elif fired is not None:
        said = RuleSays(
            rule.code, "fired", fired.rule_version, fired.reminder_id, state,
            f"fired at {fired.fired_at:%Y-%m-%dT%H:%M:%SZ}, version "
            f"{fired.rule_version or 'not kept'}; {state or 'no longer kept'}: reminder "
            f"{fired.reminder_id}",
        )  # fmt: skip
    elif source is not None and not _looks_at(rule, source.kind):
        said = RuleSays(rule.code, "not_applicable", None, None, None,
                        f"it looks at {_name(rule.judges)} only")  # fmt: skip
    else:
        said = RuleSays(
            rule.code, "not_kept", None, None, None,
            "it did not fire, or what fired is no longer kept; no file tells the event, so it "
            "cannot be judged again",
        )  # fmt: skip
    if fired is not None:
        return _with_part(said, known)
    letter = _letter_of(rule, known)
    if letter is None or said.outcome == "not_applicable":
        return said
    if known.transfer is not None and not letter.rule_code:
        return said
    return RuleSays(rule.code, "not_judged", said.version, None, None, _not_judged(letter, said))


def _looks_at(rule: Rule, kind: type[Event]) -> bool:
    return rule.judges is kind or (rule.judges is Transfer and kind is Booking)


def _name(judges: type[Judged]) -> str:
    if judges is Transfer:
        return "transfers to other banks"
    return str(judges.__struct_config__.tag)


def _letter_of(rule: Rule, known: Traces) -> StoredDeadLetter | None:
    """The dead letter by which the rule has not judged the event."""
    of_it = (one for one in known.letters if one.rule_code in ("", rule.code))
    return next((one for one in of_it if one.state != "requeued"), None)


def _not_judged(letter: StoredDeadLetter, said: RuleSays) -> str:
    number = letter.dead_letter_id
    advice = f"mend the cause and `alerting dead-letters requeue {number} --by NAME`"
    if letter.state == "settled":
        advice = "somebody settled it, so nothing more will be done (`alerting.audit_log`)"
    now = "" if said.outcome == "not_kept" else f"; judged now: {said.sentence}"
    return (
        f"not judged: it is dead letter {number} ({letter.reason}: {letter.detail}); {advice}{now}"
    )


def _with_part(said: RuleSays, known: Traces) -> RuleSays:
    """Whether this event raised the reminder, as far as its message is kept."""
    if said.reminder_id in known.raised:
        part = "; this event raised it"
    else:
        part = "; it rests on this event, too, which another one raised, or the message is gone"
    return RuleSays(said.rule_code, said.outcome, said.version, said.reminder_id, said.state,
                    said.sentence + part)  # fmt: skip


def _notes(connection: psycopg.Connection, source: Source | None, known: Traces) -> list[str]:
    """Whether it came late or twice, and what took it back or is taken back by it."""
    said = list(source.told.assumed) if source else []
    took = known.takes_back
    if source is not None and not isinstance(source.event, Transfer):
        fact = retracted_by(source.event)
        took = took or (fact.name if fact else None)
        customer_id = source.event.customer_id
        by = customer_id and traces.taken_back_by(connection, customer_id, fact_of(source.event))
        if by:
            said.append(f"It was reversed or corrected by event {by}, so it counts for nothing.")
    if took:
        said.append(f"It is a reversal or a correction: it takes back {took}.")
    if known.came_at is not None:
        said.append(
            f"Windows count it since {known.came_at:%Y-%m-%dT%H:%M:%SZ}; when it comes again, they "
            "do not judge it again, unless it is requeued."
        )
    return said + _lateness(connection, source, known)


def _lateness(connection: psycopg.Connection, source: Source | None, known: Traces) -> list[str]:
    told = {one.late for one in known.raised.values()}
    late = f"It came {'late' if True in told else 'in time'}"
    if source is None:
        return [f"{late}, as the message of its reminder says."] if told else []
    day, kind = bank_date(source.event.occurred_at), _name(source.kind)
    records, came_late = traces.of_its_day(connection, day, kind)
    counted = f"of the {records} records of {kind} of {day} that were worked on, {came_late} were"
    if told:
        said = f"{late}, as the message of its reminder says; {counted} late."
    elif came_late in (0, records):
        said = f"It came {'late' if came_late else 'in time'}, if it came: {counted} late."
    else:
        said = f"Whether it came late is not kept, as it raised nothing: {counted} late."
    return [
        said,
        "Whether it came more than once is not kept, and changes nothing: `alerting "
        f"completeness --date {day}` counts.",
    ]
