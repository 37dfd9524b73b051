"""Why a reminder was raised for a customer on a day, or why none was: each event, judged again.

Bookings, loan events and closed accounts come from the core's delivered files and are judged by the
function of the stream, with the version that was in force at their time; what was raised, withdrawn
or refused comes from the database. So a reminder that should stand and does not is told apart from
one that is below.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from pathlib import Path
from uuid import UUID

import psycopg

from alerting import ledger, ledger_changes
from alerting.drafts import Version
from alerting.evaluation import needs
from alerting.events import (
    Booking,
    CardBooking,
    Closure,
    Fact,
    LoanChange,
    fact_of,
    retracted_by,
)
from alerting.events import Judged as Judgeable
from alerting.rules import RULES
from alerting.rules.frequent_transfers_out import transfer_to_other_bank
from alerting.rules.protocol import NAMES, Below, Fired, Scope, outcome_of
from alerting.ruleset import RuleInForce, Ruleset, ruleset_of
from alerting.scopes import Find, Found
from alerting.windows import Timeline, Transfer
from crm_shared import ids
from crm_shared.clock import bank_date

#: A reversal is looked for so many days after the booking, as far as days are delivered.
_REVERSED_WITHIN = timedelta(days=31)

#: An event that a delivered file tells.
Told = Booking | CardBooking | LoanChange | Closure

#: By what a rule judges, the events of a customer on some days.
_READ: dict[type[Judgeable], Callable[[Path, date, date, int], Iterable[Told]]] = {
    Booking: ledger.bookings,
    Transfer: ledger.bookings,
    CardBooking: ledger.card_bookings,
    LoanChange: ledger_changes.loan_changes,
    Closure: ledger_changes.closures,
}

#: The rules whose events the files tell; of the others only the database can tell.
JUDGED_AGAIN = {code for code, rule in RULES.items() if rule.judges in _READ}

#: A reminder is of the day of the event that raised it; where the message is no longer kept, it may
#: be of any.
_REMINDERS = """
select r.reminder_id, r.reminder_window, r.state, r.revision, told.rule_version,
       told.business_date, newest.sent_at, coalesce(newest.held, false) as held,
       newest.seq is not null as is_kept,
       (select scope from alerting.evidence e where e.reminder_id = r.reminder_id
        order by e.fired_at, e.event_id limit 1) as scope
from alerting.reminders r
left join lateral (
    select rule_version, business_date from alerting.outbox
    where reminder_id = r.reminder_id and rule_version is not null order by seq desc limit 1
) told on true
left join lateral (
    select seq, sent_at, held from alerting.outbox
    where reminder_id = r.reminder_id order by seq desc limit 1
) newest on true
where r.customer_id = %(customer)s and r.rule_code = %(code)s
  and (r.reminder_id = any (%(ids)s) or coalesce(told.business_date, %(day)s) = %(day)s)
order by r.changed_at, r.reminder_id
"""

_TYPE_UNKNOWN = (
    "No delivered day says whether this customer is an individual or a business (is a day missing"
    " before this one?): judged as an individual, whose threshold may be the wrong one."
)

_LETTERS = """
select dead_letter_id from alerting.dead_letters
where state = 'dead' and message_key = %s and rule_code in ('', %s) order by 1 limit 20
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A reminder of the customer by this rule as the database has it; `scope` is whose parameters
    raised it, None where it rests on nothing any more."""

    reminder_id: UUID
    window: str
    state: str
    revision: int
    version: int | None
    day: date | None
    sent_at: datetime | None
    held: bool
    kept: bool
    scope: str | None

    @property
    def told(self) -> str:
        """What became of the last message about it, for people."""
        if not self.kept:
            return "no message kept"
        if self.held:
            return "held by a storm of the rule"
        return f"sent at {self.sent_at:%Y-%m-%dT%H:%M:%SZ}" if self.sent_at else "not sent yet"


@dataclass(frozen=True, slots=True)
class Judged:
    """An event of the day and what the rule says about it; `reminder_id` where it fires, and
    `facts` what it rests on beside value and threshold, which not every rule has.

    Where the version's parameters differ by scope, `parameters_of` says whose were taken, and
    `unknown` what would have had to be known to take others.
    """

    event_id: UUID
    fact: str
    occurred_at: datetime
    outcome: str
    value: str | None
    threshold: str | None
    facts: Mapping[str, str]
    version: int
    reminder_id: UUID | None
    taken_back: bool
    parameters_of: str | None
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgedAgain:
    """The events of a day and what the rule says; `assumed` are sentences on what was missing."""

    judged: Sequence[Judged] = ()
    assumed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about a rule, a customer and a day."""

    judged: Sequence[Judged]
    assumed: Sequence[str]
    standing: Sequence[Standing]
    dead_letters: Sequence[int]

    def sentence(self, one: Judged) -> str:
        """What became of an event, for people."""
        if one.taken_back:
            return "a later booking reverses it, so it counts for nothing"
        if one.outcome == "not_applicable":
            return "not of the kind, direction or currency that the rule looks at, or a reversal"
        if one.outcome == "error":
            return "the rule raises an error on it; see the dead letters"
        rests_on = {"value": one.value, "threshold": one.threshold, **one.facts}
        said = [f"{name.replace('_', ' ')} {it}" for name, it in rests_on.items() if it is not None]
        compared = ", ".join([*said, f"version {one.version}"])
        if one.parameters_of:
            compared += f", parameters of {one.parameters_of}"
        if one.unknown:
            compared += f" ({' and '.join(one.unknown)} not known)"
        if one.outcome == "below":
            return f"below: {compared}"
        state = next((it.state for it in self.standing if it.reminder_id == one.reminder_id), None)
        return f"fires: {compared}; {state or 'MISSING'}: reminder {one.reminder_id}"


def explain(
    connection: psycopg.Connection, code: str, customer_id: int, day: date, again: JudgedAgain
) -> Explanation:
    """Compare what was judged again with the database."""
    found = connection.execute(
        _REMINDERS,
        {
            "ids": [one.reminder_id for one in again.judged if one.reminder_id is not None],
            "customer": customer_id,
            "code": code,
            "day": day,
        },
    )
    standing = [Standing(*row) for row in found]
    letters = connection.execute(_LETTERS, (str(customer_id).encode(), code))
    return Explanation(again.judged, again.assumed, standing, [row[0] for row in letters])


def judge(
    code: str,
    known: Sequence[Version],
    customer_id: int,
    day: date,
    landing: Path,
    *,
    find: Find,
) -> JudgedAgain:
    """Judge the customer's events of the day again, each by the version of its time; nothing for
    a rule whose events no delivered file tells. Of days after it, those count that have arrived."""
    if code not in JUDGED_AGAIN:
        return JudgedAgain()
    versions = [
        (one.effective_from, ruleset_of([(code, one.version, one.parameters)])) for one in known
    ]
    reach = timedelta(days=ceil(max(one.span for _, one in versions) / timedelta(days=1)))
    judges = RULES[code].judges
    # Nothing takes back a change of a loan or a closed account.
    late = timedelta(0) if judges in (LoanChange, Closure) else _REVERSED_WITHIN
    first, last = day - reach, ledger.arrived_until(landing, day, day + late)
    events = list(_READ[judges](landing, first, last, customer_id))
    assumed: list[str] = []
    if (
        events
        and judges in (Booking, Transfer)
        and ledger.customer_type(landing, first, last, customer_id) is None
    ):
        assumed.append(_TYPE_UNKNOWN)
    return JudgedAgain(_judge_all(events, day, versions, find), assumed)


def _judge_all(
    events: Sequence[Told],
    day: date,
    versions: Sequence[tuple[datetime, Ruleset]],
    find: Find,
) -> list[Judged]:
    taken_back = {fact for one in events if (fact := retracted_by(one)) is not None}
    transfers = [it for one in events if (it := transfer_to_other_bank(one)) is not None]
    timeline = Timeline(
        one for one in transfers if Fact(one.customer_id, one.fact) not in taken_back
    )
    asked = [
        (event, _version_at(versions, event.occurred_at))
        for event in events
        if bank_date(event.occurred_at) == day
    ]
    found = Found()
    if any(one.parameters.overrides for _, one in asked):
        found = find(
            {(event.branch_id, day) for event, _ in asked},
            {(event.customer_id, day) for event, _ in asked},
        )
    return [
        _judged(
            event, one, timeline, taken_back, found.scope(event.branch_id, event.customer_id, day)
        )
        for event, one in asked
    ]


def _version_at(versions: Sequence[tuple[datetime, Ruleset]], at: datetime) -> RuleInForce:
    """The version in force at an instant; before all of them the first."""
    known = [ruleset for begins, ruleset in versions if begins <= at] or [versions[0][1]]
    return known[-1].rules[0]


def _judged(
    event: Told,
    one: RuleInForce,
    timeline: Timeline,
    taken_back: set[Fact],
    scope: Scope,
) -> Judged:
    given, decided = one.parameters.within(scope)
    outcome = outcome_of(one.rule, event, timeline, given)
    value = threshold = reminder_id = None
    facts: dict[str, str] = {}
    if isinstance(outcome, Below):
        value, threshold = str(outcome.value), str(outcome.threshold)
    elif isinstance(outcome, Fired):
        facts = dict(outcome.facts)
        value, threshold = facts.pop("value", None), facts.pop("threshold", None)
        reminder_id = ids.reminder_id(one.rule.code, outcome.subject, outcome.window)
    fact = fact_of(event)
    return Judged(
        event_id=event.event_id,
        fact=fact,
        occurred_at=event.occurred_at,
        outcome=NAMES[type(outcome)],
        value=value,
        threshold=threshold,
        facts=facts,
        version=one.version,
        reminder_id=reminder_id,
        taken_back=Fact(event.customer_id, fact) in taken_back,
        parameters_of=decided.words if one.parameters.overrides else None,
        unknown=_unknown(one, scope),
    )


def _unknown(one: RuleInForce, scope: Scope) -> tuple[str, ...]:
    return tuple(
        name
        for name, needed, value in zip(("legal entity", "tier"), needs(one), scope, strict=True)
        if needed and value is None
    )
