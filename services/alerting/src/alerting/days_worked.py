"""How much of each business date was worked on: counts and control totals, written with offsets.

A partition's rows are written by its owner under the lock of the partition, so members never wait
for one another, and a batch costs one statement however many events it has. What is counted are
records by their offsets: an event that is sent twice counts twice, a record that the broker
delivers again does not. The control total is the sum of the event ids modulo 2^60. Where number and
total are those of what the core booked, every event was worked on exactly once, unless two mistakes
cancel each other out, of which the chance is 1 : 2^60.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from uuid import UUID

import psycopg

from alerting.events import Event

_ADD = """
insert into alerting.days_worked as d
    (topic, partition, business_date, kind, records, late, control_total)
select * from unnest(%s::text[], %s::int[], %s::date[], %s::text[], %s::bigint[], %s::bigint[],
                     %s::bigint[])
order by 1, 2, 3, 4
on conflict (topic, partition, business_date, kind) do update
set records = d.records + excluded.records, late = d.late + excluded.late,
    control_total = (d.control_total + excluded.control_total) & ((1::bigint << 60) - 1)
"""

_READ = """
select kind, sum(records)::bigint, sum(late)::bigint, sum(control_total)
from alerting.days_worked
where business_date = %s and topic = any (%s) group by kind
"""


_number_of = attrgetter("int")


@dataclass(slots=True)
class Tally:
    """Records of a day and kind, how many of them were late, and their control total."""

    records: int = 0
    late: int = 0
    control_total: int = 0

    def add(self, event_id: UUID) -> None:
        """Count one more, that was not late."""
        self.records += 1
        self.control_total += event_id.int


@dataclass(slots=True)
class Days:
    """What a batch has of one partition: by kind of event and business date the ids, in the order
    of the records, and how many of them were late."""

    event_ids: defaultdict[tuple[type[Event], date], list[UUID]] = field(
        default_factory=lambda: defaultdict(list)
    )
    late: Counter[tuple[type[Event], date]] = field(default_factory=Counter)


def control(total: int) -> int:
    """A control total as it is kept: modulo 2^60."""
    return total & ((1 << 60) - 1)


def add(connection: psycopg.Connection, days: Mapping[tuple[str, int], Days]) -> None:
    """Add what a batch has worked on, by partition; the caller holds the partitions' rows."""
    rows = [
        (*partition, day, kind.__struct_config__.tag, len(ids), one.late[kind, day],
         control(sum(map(_number_of, ids))))
        for partition, one in days.items()
        for (kind, day), ids in one.event_ids.items()
    ]  # fmt: skip
    if rows:
        connection.execute(_ADD, [list(column) for column in zip(*rows, strict=True)])


def read(connection: psycopg.Connection, day: date, topics: Iterable[str]) -> dict[str, Tally]:
    """By kind of event, what was worked on of a business date."""
    rows = connection.execute(_READ, (day, list(topics)))
    return {row[0]: Tally(row[1], row[2], control(int(row[3]))) for row in rows}
