"""The inbox: transfers that windows count, each once, and the timelines around new ones."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import psycopg

from alerting.windows import Timeline, Transfer

_ADD = """
insert into alerting.inbox
    (event_id, customer_id, occurred_at, amount, branch_id, currency, correlation_id)
select * from unnest(%s::uuid[], %s::bigint[], %s::timestamptz[], %s::numeric[], %s::text[],
                     %s::text[], %s::text[])
on conflict (event_id) do nothing
returning event_id
"""

_AROUND = """
select i.occurred_at, i.event_id, i.customer_id, i.amount, i.branch_id, i.currency,
       i.correlation_id
from unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) as c (customer_id, after, before)
join alerting.inbox i
  on i.customer_id = c.customer_id and i.occurred_at > c.after and i.occurred_at < c.before
"""


def add(connection: psycopg.Connection, transfers: Sequence[Transfer]) -> set[UUID]:
    """Keep the transfers; the ids of those that were not known before."""
    rows = connection.execute(
        _ADD,
        (
            [one.event_id for one in transfers],
            [one.customer_id for one in transfers],
            [one.occurred_at for one in transfers],
            [one.amount for one in transfers],
            [one.branch_id for one in transfers],
            [one.currency for one in transfers],
            [one.correlation_id for one in transfers],
        ),
    )
    return {row[0] for row in rows}


def timelines(
    connection: psycopg.Connection, new: Iterable[Transfer], span: timedelta
) -> dict[int, Timeline]:
    """By customer, every transfer that judging around the new ones can need."""
    reach: dict[int, tuple[datetime, datetime]] = {}
    for one in new:
        first, last = reach.get(one.customer_id, (one.occurred_at, one.occurred_at))
        reach[one.customer_id] = min(first, one.occurred_at), max(last, one.occurred_at)
    rows = connection.execute(
        _AROUND,
        (
            list(reach),
            [first - span for first, _ in reach.values()],
            [last + span for _, last in reach.values()],
        ),
    )
    found: dict[int, list[Transfer]] = defaultdict(list)
    for row in rows:
        found[row[2]].append(Transfer(*row))
    return {customer_id: Timeline(found[customer_id]) for customer_id in reach}
