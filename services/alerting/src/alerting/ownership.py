"""Who owns a partition: an epoch that each new owner raises, checked in every transaction.

A process that was stopped past its session and wakes up (a zombie) still holds records of
partitions that another owns by now. Its transaction finds a higher epoch and fails. The row lock
also keeps two writers of one customer apart, so no window is counted on half of the transfers;
while a topic gets more partitions, locks of the customers do (`growth`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

import psycopg

from alerting import days_worked, growth
from alerting.days_worked import Days
from crm_shared import logging
from crm_shared.errors import CrmError

_log = logging.get(__name__)

Partition = tuple[str, int]

_TAKE = """
insert into alerting.partitions as p (topic, partition, epoch, owner)
select topic, partition, 1, %s from unnest(%s::text[], %s::int[]) as t (topic, partition)
order by topic, partition
on conflict (topic, partition) do update
set epoch = p.epoch + 1, owner = excluded.owner, taken_at = now()
returning topic, partition, epoch, next_offset, topic_id, recreated_at, records_lost_at,
          held_at
"""

#: The first id that is heard of a topic says nothing about the offset; every other one does.
_FOLLOW = """
update alerting.partitions p
set topic_id = t.topic_id,
    next_offset = case when p.topic_id is null then p.next_offset else 0 end,
    recreated_at = case when p.topic_id is null then p.recreated_at else now() end,
    dead_in_a_row = case when p.topic_id is null then p.dead_in_a_row else 0 end,
    topic_partitions = case when p.topic_id is null then p.topic_partitions end,
    moving_since = case when p.topic_id is null then p.moving_since end,
    held_at = case when p.topic_id is null then p.held_at end
from unnest(%s::text[], %s::int[], %s::uuid[]) as t (topic, partition, topic_id)
where p.topic = t.topic and p.partition = t.partition
returning p.topic, p.partition, p.epoch, p.next_offset, p.topic_id, p.recreated_at,
          p.records_lost_at, p.held_at
"""

#: Of the records of a partition `p` that were refused in a row, those whose letters were settled or
#: requeued since. Letters of a topic that was made again since lie at offsets of other records.
DEALT_WITH = """(
    select count(*) filter (where d.state <> 'dead') from (
        select state from alerting.dead_letters
        where topic = p.topic and partition = p.partition and log_offset < p.next_offset
          and rule_code = '' and (p.recreated_at is null or first_seen_at >= p.recreated_at)
        order by log_offset desc limit p.dead_in_a_row
    ) as d)
"""

_LOOK = f"""
select p.topic, p.partition, p.epoch, p.watermark, p.dead_in_a_row, p.next_offset, {DEALT_WITH}
from alerting.partitions p
join unnest(%s::text[], %s::int[]) as t (topic, partition) using (topic, partition)
order by p.topic, p.partition
"""

_LOCK = f"{_LOOK} for update of p"

_ADVANCE = """
update alerting.partitions p
set next_offset = t.next_offset, watermark = greatest(p.watermark, t.watermark),
    processed = p.processed + t.records, dead_in_a_row = t.dead, updated_at = now(),
    canary_at = greatest(p.canary_at, t.canary_at),
    held_at = case when t.held then coalesce(p.held_at, now()) end
from unnest(%s::text[], %s::int[], %s::bigint[], %s::timestamptz[], %s::bigint[], %s::int[],
            %s::timestamptz[], %s::boolean[])
    as t (topic, partition, next_offset, watermark, records, dead, canary_at, held)
where p.topic = t.topic and p.partition = t.partition
"""


_LOST = """
update alerting.partitions p set records_lost_at = now()
from unnest(%s::text[], %s::int[]) as t (topic, partition)
where p.topic = t.topic and p.partition = t.partition
"""


_GO_ON = """
update alerting.partitions p set held_at = null
from unnest(%s::text[], %s::int[], %s::bigint[]) as t (topic, partition, epoch)
where p.topic = t.topic and p.partition = t.partition and p.epoch = t.epoch
"""


class FencedError(CrmError):
    """A partition is not as we left it, so another process owns it or the database was set back."""

    code = "fenced"


@dataclass(frozen=True, slots=True)
class Taken:
    """A partition newly owned: the epoch of this ownership and how far the last owner came, in the
    topic of that id; when it was last found that the topic had been made again, and that it had
    deleted records before their turn; and since when it is held."""

    epoch: int
    next_offset: int
    topic_id: UUID | None = None
    recreated_at: datetime | None = None
    records_lost_at: datetime | None = None
    held_at: datetime | None = None


@dataclass(slots=True)
class Progress:
    """How far a partition is: moved on by a batch, then written with it.

    The last `dead_in_a_row` records were refused, and so many of their letters `dealt_with`; `held`
    where the next record would be one dead letter in a row too many.
    """

    epoch: int
    watermark: datetime | None
    dead_in_a_row: int
    next_offset: int = 0
    dealt_with: int = 0
    records: int = 0
    canary_at: datetime | None = None
    days: Days = field(default_factory=Days)
    held: bool = False

    @property
    def open_in_a_row(self) -> int:
        """Letters of the last records, all refused, with which nobody has dealt."""
        return self.dead_in_a_row - self.dealt_with


def take(
    connection: psycopg.Connection,
    partitions: Iterable[Partition],
    owner: str,
    topic_ids: Mapping[str, UUID] = MappingProxyType({}),
    numbers: Mapping[str, int] = MappingProxyType({}),
) -> dict[Partition, Taken]:
    """Become the owner; whoever owned them before is fenced from now on.

    `numbers` are how many partitions the topics have: where they are more than before, customers
    move from now on.

    Where a topic is known to have another id than the one worked on, it was deleted and made again,
    and the partition begins at its first record, in the same transaction that keeps the new id.
    """
    growth.mark(connection, numbers)
    rows = connection.execute(_TAKE, (owner, *_columns(partitions)))
    taken = {(row[0], row[1]): Taken(*row[2:]) for row in rows}
    _follow(connection, taken, topic_ids, numbers)
    growth.note(connection, numbers, taken)
    return taken


def _follow(
    connection: psycopg.Connection,
    taken: dict[Partition, Taken],
    topic_ids: Mapping[str, UUID],
    numbers: Mapping[str, int],
) -> None:
    """Begin anew where the topic was made again, and keep the ids that were not known."""
    others = [
        (*partition, topic_ids[partition[0]])
        for partition, one in taken.items()
        if topic_ids.get(partition[0], one.topic_id) != one.topic_id
    ]
    if not others:
        return
    rows = connection.execute(_FOLLOW, [list(column) for column in zip(*others, strict=True)])
    made_again = set()
    for row in rows.fetchall():
        before, now = taken[row[0], row[1]], Taken(*row[2:])
        taken[row[0], row[1]] = now
        if before.topic_id is not None:
            made_again.add(row[0])
            _log.error(
                "topic_recreated", topic=row[0], partition=row[1], was_at=before.next_offset,
                old_id=str(before.topic_id), new_id=str(now.topic_id),
                do="have the core bank send again what may not have been worked on before that",
            )  # fmt: skip
    growth.forget(connection, {one: numbers[one] for one in made_again & numbers.keys()})


def note_loss(connection: psycopg.Connection, partitions: Iterable[Partition]) -> None:
    """Note that the topic had deleted records of these before their turn."""
    connection.execute(_LOST, _columns(partitions))


def note_going_on(connection: psycopg.Connection, epochs: Mapping[Partition, int]) -> None:
    """Note that these are held no longer, where they are still ours by these epochs."""
    connection.execute(_GO_ON, (*_columns(epochs), list(epochs.values())))


def look(
    connection: psycopg.Connection, partitions: Iterable[Partition]
) -> dict[Partition, Progress]:
    """How far the partitions are, as of now."""
    rows = connection.execute(_LOOK, _columns(partitions))
    return {(row[0], row[1]): Progress(*row[2:]) for row in rows}


def lock(
    connection: psycopg.Connection, partitions: Iterable[Partition]
) -> dict[Partition, Progress]:
    """Hold the partitions until the transaction ends, and see how far they are."""
    rows = connection.execute(_LOCK, _columns(partitions))
    return {(row[0], row[1]): Progress(*row[2:]) for row in rows}


def lock_own(
    connection: psycopg.Connection, epochs: Mapping[Partition, int]
) -> dict[Partition, Progress]:
    """As `lock`, but only as the owner of these epochs; `FencedError` otherwise."""
    progress = lock(connection, epochs)
    require_own(progress, epochs)
    return progress


def require_own(progress: Mapping[Partition, Progress], epochs: Mapping[Partition, int]) -> None:
    """`FencedError` where a partition has another epoch than that of our ownership."""
    for partition, epoch in epochs.items():
        found = progress.get(partition)
        if found is None or found.epoch != epoch:
            raise FencedError(
                f"Partition {partition[1]} of {partition[0]} has another owner by now "
                f"(epoch {found.epoch if found else 'none'}, ours is {epoch}); joining again."
            )


def lock_all(connection: psycopg.Connection) -> None:
    """Let no batch be written until the transaction ends; waits for those that are.

    Also not one of a partition that has no row yet, which is why the whole table is locked.
    """
    connection.execute("lock table alerting.partitions in exclusive mode")


def advance(connection: psycopg.Connection, progress: Mapping[Partition, Progress]) -> None:
    """Write how far the partitions have been made durable, and what of each day that was."""
    topics, numbers = _columns(progress)
    values = list(progress.values())
    connection.execute(
        _ADVANCE,
        (
            topics,
            numbers,
            [one.next_offset for one in values],
            [one.watermark for one in values],
            [one.records for one in values],
            [one.dead_in_a_row for one in values],
            [one.canary_at for one in values],
            [one.held for one in values],
        ),
    )
    days_worked.add(connection, {partition: one.days for partition, one in progress.items()})


def _columns(partitions: Iterable[Partition]) -> tuple[list[str], list[int]]:
    pairs = list(partitions)
    return [topic for topic, _ in pairs], [number for _, number in pairs]
