"""What reminders rest on: one row per event and rule that fired, until a later event takes it back.
Its `scope` says whose parameters it fired by, `rule_version` by which version of them.

A reminder stands as long as it has evidence. A fact that was reversed or corrected is remembered,
so that it counts for nothing whichever of the two comes first.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

import psycopg

from alerting.evaluation import Firing
from alerting.events import Fact, fact_of

_ADD = """
insert into alerting.evidence
    (event_id, rule_code, reminder_id, customer_id, fact, scope, rule_version)
select * from unnest(%s::uuid[], %s::text[], %s::uuid[], %s::bigint[], %s::text[], %s::text[],
                     %s::int[])
    as e (event_id, rule_code, reminder_id, customer_id, fact, scope, rule_version)
where not exists (
    select from alerting.retractions r where r.customer_id = e.customer_id and r.fact = e.fact)
on conflict (event_id, rule_code) do nothing
returning event_id, rule_code
"""

_REMEMBER = """
insert into alerting.retractions (customer_id, fact, event_id)
select * from unnest(%s::bigint[], %s::text[], %s::uuid[])
on conflict (customer_id, fact) do nothing
"""

_DELETE_FACTS = """
delete from alerting.evidence e
using unnest(%s::bigint[], %s::text[]) as r (customer_id, fact)
where e.customer_id = r.customer_id and e.fact = r.fact
returning e.reminder_id, e.customer_id, e.fact
"""

_DELETE_FALLEN = """
delete from alerting.evidence e
using unnest(%s::uuid[], %s::text[]) as f (event_id, rule_code)
where e.event_id = f.event_id and e.rule_code = f.rule_code
returning e.reminder_id, e.event_id, e.rule_code
"""


def add(connection: psycopg.Connection, firings: Sequence[Firing]) -> list[Firing]:
    """Keep what reminders rest on; those that were not known and have not been taken back."""
    if not firings:
        return []
    rows = connection.execute(
        _ADD,
        (
            [one.event.event_id for one in firings],
            [one.rule.rule.code for one in firings],
            [one.reminder_id for one in firings],
            [one.outcome.customer_id for one in firings],
            [fact_of(one.event) for one in firings],
            [str(one.scope) for one in firings],
            [one.rule.version for one in firings],
        ),
    )
    new = {(row[0], row[1]) for row in rows}
    return [one for one in firings if (one.event.event_id, one.rule.rule.code) in new]


def retract(connection: psycopg.Connection, facts: dict[Fact, UUID]) -> list[tuple[UUID, Fact]]:
    """Take facts back, each by the event of that id; the reminders that rested on them."""
    customers, names = [one.customer_id for one in facts], [one.name for one in facts]
    connection.execute(_REMEMBER, (customers, names, list(facts.values())))
    rows = connection.execute(_DELETE_FACTS, (customers, names))
    return [(row[0], Fact(row[1], row[2])) for row in rows]


def delete_fallen(
    connection: psycopg.Connection, fallen: Collection[tuple[UUID, str]]
) -> list[tuple[UUID, tuple[UUID, str]]]:
    """Forget that these (event, rule) fired; the reminders that rested on them."""
    rows = connection.execute(
        _DELETE_FALLEN, ([one for one, _ in fallen], [code for _, code in fallen])
    )
    return [(row[0], (row[1], row[2])) for row in rows]
