"""The outbox: messages in the transaction that caused them, and their way to the topic.

The messages of one reminder are in order, and so are those of one customer that were caused by one
topic; those of several topics are not. Whoever reads goes by `reminder_id` and `revision`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg

from crm_shared.clock import bank_date
from crm_shared.events.reminders import ReminderRaised, ReminderWithdrawn
from crm_shared.postgres import advisory_key

#: While a storm of its rule lasts, what raises a reminder is held; what withdraws one only if the
#: message that raised it is held too: who was told of a reminder hears that it fell. The messages
#: of one reminder so keep their order, as each sees those before it: its row is locked.
_ADD = """
insert into alerting.outbox
    (reminder_id, rule_code, rule_version, customer_id, business_date, message, caused_by, held)
select reminder_id, rule_code, rule_version, customer_id, business_date, message, caused_by,
       case when rule_version is null
           then exists (select from alerting.outbox o
                        where o.reminder_id = t.reminder_id and o.held)
           else rule_code = any (array(select rule_code from alerting.storms
                                       where ended_at is null)) end
from unnest(%s::uuid[], %s::text[], %s::int[], %s::bigint[], %s::date[], %s::bytea[],
            %s::uuid[])
    with ordinality
    as t (reminder_id, rule_code, rule_version, customer_id, business_date, message, caused_by,
          ordinality)
order by ordinality
"""

#: In order of creation, for one reminder: its messages are created under the lock of its row in
#: `alerting.reminders`, held until the commit, so an earlier one is never seen later. What is held
#: does not lie in the index, so a storm costs the other rules nothing.
_CLAIM = """
select seq, customer_id, message from alerting.outbox
where sent_at is null and not held
  and customer_id not in (select unnest(%s::bigint[]))
order by seq limit %s for update skip locked
"""

#: In parts, and by the index of `sent_at`; what is sent once more meanwhile is later than `begun`.
_SEND_AGAIN = """
with part as (
    select seq from alerting.outbox
    where sent_at >= %(since)s and sent_at < %(begun)s order by sent_at limit %(limit)s
)
update alerting.outbox o set sent_at = null from part where o.seq = part.seq
"""

_SENT_AT_ONCE = 5_000

#: The lock of the relay whose turn it is.
_TURN = advisory_key("alerting relay")

_BACKLOG = """
select count(*)
from (select from alerting.outbox where sent_at is null and not held limit %s) as unsent
"""

_OLDEST = """
select extract(epoch from now() - created_at)::float
from alerting.outbox where sent_at is null and not held order by seq limit 1
"""

#: Backlogs are counted so far: how much more there is costs time and says nothing new.
COUNTED_BACKLOG = 100_000


@dataclass(frozen=True, slots=True)
class Message:
    """A message about a reminder, on its way."""

    seq: int
    customer_id: int
    value: bytes

    @property
    def key(self) -> bytes:
        """What goes by the same key keeps its order."""
        return str(self.customer_id).encode()


def add(
    connection: psycopg.Connection,
    messages: Sequence[ReminderRaised | ReminderWithdrawn],
    causes: Mapping[UUID, UUID],
) -> None:
    """Keep the messages until the topic has them, in this order; `causes` are the events that
    raised or withdrew the reminders."""
    if not messages:
        return
    connection.execute(
        _ADD,
        (
            [one.reminder_id for one in messages],
            [one.rule_code for one in messages],
            [one.rule_version if isinstance(one, ReminderRaised) else None for one in messages],
            [one.customer_id for one in messages],
            [bank_date(one.occurred_at) for one in messages],
            [one.to_bytes() for one in messages],
            [causes[one.reminder_id] for one in messages],
        ),
    )


def claim(connection: psycopg.Connection, limit: int, without: Iterable[int] = ()) -> list[Message]:
    """Unsent messages of all but these customers, locked until the transaction ends; none while
    another relay has its turn.

    One relay at a time keeps each reminder's order; a claim by state misses no row, whatever order
    transactions committed in.
    """
    turn = connection.execute("select pg_try_advisory_xact_lock(%s)", (_TURN,)).fetchone()
    if turn is None or not turn[0]:
        return []
    return [Message(*row) for row in connection.execute(_CLAIM, (list(without), limit))]


def mark_sent(connection: psycopg.Connection, numbers: Iterable[int]) -> None:
    """The topic has acknowledged these by now."""
    connection.execute(
        "update alerting.outbox set sent_at = clock_timestamp() where seq = any (%s)",
        (list(numbers),),
    )


def send_again(connection: psycopg.Connection, since: datetime) -> int:
    """Have the relay send once more what the topic acknowledged at this instant or later; how many
    messages. What a storm holds was never sent and stays held.

    Waits for the turn of a relay, which may hold acknowledgements that it has not marked yet: of a
    broker that has died since, say.
    """
    connection.execute("select pg_advisory_xact_lock(%s)", (_TURN,))
    begun = connection.execute("select clock_timestamp()").fetchone()
    part = {"since": since, "begun": begun and begun[0], "limit": _SENT_AT_ONCE}
    changed = 0
    while True:
        connection.commit()
        number = connection.execute(_SEND_AGAIN, part).rowcount
        if not number:
            return changed
        changed += number


def backlog(connection: psycopg.Connection) -> int:
    """How many messages are to be sent, at most `COUNTED_BACKLOG`; those held are not counted."""
    row = connection.execute(_BACKLOG, (COUNTED_BACKLOG,)).fetchone()
    return row[0] if row else 0


def oldest_seconds(connection: psycopg.Connection) -> float | None:
    """How long ago the oldest message that is to be sent was stored; None where none is. Those held
    are not counted."""
    row = connection.execute(_OLDEST).fetchone()
    return max(0.0, row[0]) if row else None
