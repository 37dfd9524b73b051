"""The inbox: transfers that windows count, each once, and the timelines around new ones.

Both go to and fro as one JSON text, which costs a third of what an array for each column does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import psycopg

from alerting.evaluation import Change
from alerting.events import Fact
from alerting.windows import Timeline, Transfer

_ADD = """
insert into alerting.inbox
    (event_id, customer_id, occurred_at, amount, branch_id, currency, correlation_id, fact)
select * from json_to_recordset(%s::json)
    as t (event_id uuid, customer_id bigint, occurred_at timestamptz, amount numeric,
          branch_id text, currency text, correlation_id text, fact text)
where not exists (
    select from alerting.retractions r where r.customer_id = t.customer_id and r.fact = t.fact)
on conflict (event_id) do nothing
returning event_id
"""

_AROUND = """
select coalesce(json_agg(t), '[]')::text
from (
    select i.occurred_at, i.event_id, i.customer_id, i.amount, i.branch_id, i.currency,
           i.correlation_id, coalesce(i.fact, '') as fact
    from json_to_recordset(%s::json)
        as c (customer_id bigint, after timestamptz, before timestamptz)
    join alerting.inbox i
      on i.customer_id = c.customer_id and i.occurred_at > c.after and i.occurred_at < c.before
) as t
"""

_REMOVE = """
with gone as (
    delete from alerting.inbox i using unnest(%(customers)s::bigint[], %(names)s::text[])
        as r (customer_id, fact)
    where i.customer_id = r.customer_id and i.fact = r.fact
    returning i.customer_id, i.fact, i.occurred_at
)
update alerting.retractions r set counted_at = gone.occurred_at
from gone where r.customer_id = gone.customer_id and r.fact = gone.fact
returning r.customer_id, r.fact, r.counted_at
"""

_REMOVED = """
select customer_id, fact, counted_at
from alerting.retractions
join unnest(%(customers)s::bigint[], %(names)s::text[]) as r (customer_id, fact)
    using (customer_id, fact)
where counted_at is not null
"""


_to_json = msgspec.json.Encoder().encode
_transfers_of = msgspec.json.Decoder(list[Transfer]).decode


def add(connection: psycopg.Connection, transfers: Sequence[Transfer]) -> set[UUID]:
    """Keep the transfers; the ids of those that were not known and have not been taken back."""
    rows = connection.execute(_ADD, (_to_json(transfers).decode(),))
    return {row[0] for row in rows}


def remove(
    connection: psycopg.Connection, facts: Collection[Fact], *, also_known: bool
) -> dict[Fact, datetime]:
    """Forget transfers that were taken back; when those were that windows had counted.

    `also_known` names those that had been forgotten before as well.
    """
    parameters = {
        "customers": [one.customer_id for one in facts],
        "names": [one.name for one in facts],
    }
    rows = connection.execute(_REMOVE, parameters)
    if also_known:
        rows = connection.execute(_REMOVED, parameters)
    return {Fact(row[0], row[1]): row[2] for row in rows}


def timelines(
    connection: psycopg.Connection, changes: Iterable[Change], span: timedelta
) -> dict[int, Timeline]:
    """By customer, every transfer that judging around the changes can need."""
    reach: dict[int, tuple[datetime, datetime]] = {}
    for one in changes:
        first, last = reach.get(one.customer_id, (one.at, one.at))
        reach[one.customer_id] = min(first, one.at), max(last, one.at)
    asked = [
        {"customer_id": customer_id, "after": first - span, "before": last + span}
        for customer_id, (first, last) in reach.items()
    ]
    row = connection.execute(_AROUND, (_to_json(asked).decode(),)).fetchone()
    found: dict[int, list[Transfer]] = defaultdict(list)
    for transfer in _transfers_of(row[0]) if row else ():
        found[transfer.customer_id].append(transfer)
    return {customer_id: Timeline(found[customer_id]) for customer_id in reach}
