"""A topic that gets more partitions: customers move, and old records of theirs may still wait.

Then two members have records of one customer at the same time, and neither sees what the other has
not committed: of five transfers each would count some. So until every old partition is past what it
had when producers knew of the new ones, batches are small, and each holds a lock of every customer
in it until it is committed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from zlib import crc32

import psycopg

from crm_shared import logging
from crm_shared.kafka_records import Record

_log = logging.get(__name__)

#: Records of a batch meanwhile, so that the locks of all members fit into PostgreSQL's table of
#: locks (some 6,400 by default).
PART = 200

#: Until then every producer knows of the new partitions: Kafka's clients ask every five minutes.
PRODUCERS_KNOW = timedelta(minutes=10)

#: Advisory locks of customers are told from others by this number.
_CUSTOMERS = 0x63757374

_GROWN = """
select exists (
    select from alerting.partitions p
    join unnest(%s::text[], %s::int[]) as t (topic, number) using (topic)
    where p.topic_partitions < t.number)
"""

_MARK = """
update alerting.partitions p set moving_since = now(), topic_partitions = t.number
from unnest(%s::text[], %s::int[]) as t (topic, number)
where p.topic = t.topic and p.topic_partitions < t.number
"""

_NOTE = """
update alerting.partitions p set topic_partitions = n.number
from unnest(%s::text[], %s::int[]) as n (topic, number), unnest(%s::text[], %s::int[])
    as own (topic, partition)
where p.topic = n.topic and p.topic = own.topic and p.partition = own.partition
  and p.topic_partitions is null
"""

_IS_MOVING = "select exists (select from alerting.partitions where moving_since is not null)"

_LOCK = "select pg_advisory_xact_lock(%s, one) from unnest(%s::int[]) as one"

_DUE = """
select topic, partition
from alerting.partitions
join unnest(%s::text[], %s::int[]) as own (topic, partition) using (topic, partition)
where moving_since < now() - %s
"""

_FORGET = """
update alerting.partitions p set moving_since = null
from unnest(%s::text[], %s::int[]) as t (topic, number)
where p.topic = t.topic and p.partition >= t.number
"""

_SINCE = "select min(moving_since) from alerting.partitions where topic = any (%s)"

_SETTLE = """
update alerting.partitions p set moving_since = null
from unnest(%s::text[], %s::int[]) as t (topic, partition)
where p.topic = t.topic and p.partition = t.partition and p.moving_since < now() - %s
returning p.topic, p.partition
"""


def mark(connection: psycopg.Connection, numbers: Mapping[str, int]) -> None:
    """Where a topic has more partitions than was known, note that customers move.

    To be called before any of the new ones is taken. It waits for the batches that are under way,
    so that whoever works on a new partition and whoever works on an old one both know.
    """
    values = (list(numbers), list(numbers.values()))
    row = connection.execute(_GROWN, values).fetchone()
    if row and row[0]:
        connection.execute("lock table alerting.partitions in exclusive mode")
        connection.execute(_MARK, values)
        _log.warning("topic_grown", partitions=dict(numbers), do="nothing: batches are small now")


def note(
    connection: psycopg.Connection,
    numbers: Mapping[str, int],
    partitions: Collection[tuple[str, int]],
) -> None:
    """Keep how many partitions the topics of these have, where it was not known."""
    values = (list(numbers), list(numbers.values()))
    connection.execute(_NOTE, (*values, *_columns(partitions)))


def forget(connection: psycopg.Connection, numbers: Mapping[str, int]) -> None:
    """These topics were made again with so many partitions: nothing waits in those they lack."""
    connection.execute(_FORGET, (list(numbers), list(numbers.values())))


def since(connection: psycopg.Connection, topics: Collection[str]) -> datetime | None:
    """Since when customers of these topics move; None: they do not."""
    row = connection.execute(_SINCE, (list(topics),)).fetchone()
    return row[0] if row else None


def is_moving(connection: psycopg.Connection) -> bool:
    """Whether customers move; certain once the caller holds the row of a partition."""
    row = connection.execute(_IS_MOVING).fetchone()
    return bool(row and row[0])


def parts(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The records in batches whose customers can all be locked."""
    for first in range(0, len(records), PART):
        yield records[first : first + PART]


def lock_customers(connection: psycopg.Connection, records: Sequence[Record]) -> None:
    """Hold the customers of these records until the transaction ends, in an order of all members.

    Some share a lock by chance, which costs a wait and nothing else.
    """
    keys = sorted({crc32(record.key or b"") - (1 << 31) for record in records})
    connection.execute(_LOCK, (_CUSTOMERS, keys))


def due(
    connection: psycopg.Connection, partitions: Collection[tuple[str, int]]
) -> list[tuple[str, int]]:
    """Those of the partitions to which no producer writes any more of customers who have moved, so
    that what they have now is the last of it."""
    rows = connection.execute(_DUE, (*_columns(partitions), PRODUCERS_KNOW))
    return [(topic, number) for topic, number in rows]


def settle(connection: psycopg.Connection, passed: Collection[tuple[str, int]]) -> None:
    """Note that these partitions are past the last of who has moved, if producers know of the new
    ones."""
    own = _columns(passed)
    for topic, number in connection.execute(_SETTLE, (*own, PRODUCERS_KNOW)).fetchall():
        _log.info("growth_settled", topic=topic, partition=number)


def _columns(partitions: Collection[tuple[str, int]]) -> tuple[list[str], list[int]]:
    return [topic for topic, _ in partitions], [number for _, number in partitions]
