"""By which version of a rule an event was judged.

The stream judges by the version in force when it works on an event, not when the event happened:
one that is late, sent again or requeued is judged by a newer one. What fired has its version in
`alerting.evidence`. Of what did not fire nothing is kept, but of a transfer when it came; so any
version that came into force since then may have judged it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import psycopg

from alerting import database_clock
from alerting.drafts import Version
from alerting.ruleset import RuleInForce, ruleset_of

_FIRED = """
select event_id, rule_code, reminder_id, rule_version, fired_at
from alerting.evidence where customer_id = %s
"""

_CAME = "select event_id, received_at from alerting.inbox where customer_id = %s"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A rule fired for an event: what the reminder rests on."""

    reminder_id: UUID
    version: int | None
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class KeptOfCustomer:
    """What the database keeps of a customer's events: which fired, by event and rule, and when
    transfers came; and `at` what time by its clock."""

    at: datetime

    fired: Mapping[tuple[UUID, str], Evidence] = field(default_factory=dict)
    came: Mapping[UUID, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dated:
    """A version of a rule and from when it holds."""

    since: datetime
    rule: RuleInForce


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """The versions of which one judged an event, the oldest first; `evidence` where it fired."""

    versions: Sequence[Dated]
    evidence: Evidence | None = None


def worked(connection: psycopg.Connection, customer_id: int) -> KeptOfCustomer:
    """What is kept of the customer's events."""
    fired = connection.execute(_FIRED, (customer_id,))
    facts = {(row[0], row[1]): Evidence(*row[2:]) for row in fired}
    came = connection.execute(_CAME, (customer_id,))
    return KeptOfCustomer(database_clock.now(connection), facts, {row[0]: row[1] for row in came})


def dated(code: str, known: Sequence[Version]) -> list[Dated]:
    """The versions of a rule, as they judge."""
    return [
        Dated(one.effective_from, ruleset_of([(code, one.version, one.parameters)]).rules[0])
        for one in known
    ]


def judged_by(
    versions: Sequence[Dated],
    event: tuple[UUID, datetime],
    kept: KeptOfCustomer,
    now: datetime,
) -> JudgedBy:
    """The versions by which an event, of an id and a time, may have been judged until now."""
    event_id, happened_at = event
    found = kept.fired.get((event_id, versions[0].rule.rule.code))
    if found is not None:
        exact = [one for one in versions if one.rule.version == found.version]
        return JudgedBy(exact or [_in_force(versions, found.fired_at)], found)
    since = kept.came.get(event_id, happened_at)
    first = _in_force(versions, since)
    later = [one for one in versions if since < one.since <= now and one is not first]
    return JudgedBy([first, *later])


def _in_force(versions: Sequence[Dated], at: datetime) -> Dated:
    """The version in force at an instant; before all of them the first."""
    return ([one for one in versions if one.since <= at] or [versions[0]])[-1]
