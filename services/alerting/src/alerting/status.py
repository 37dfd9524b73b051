"""Where the work stands, from the database and the broker: for people and for scripts."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from kafka.structs import TopicPartition

from alerting import database_clock, outbox, storms
from alerting.ownership import DEALT_WITH, Partition
from alerting.storms import Storm
from crm_shared import kafka, plain
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings

_PARTITIONS = f"""
select topic, partition, epoch, owner, next_offset, watermark, processed, updated_at, canary_at,
       dead_in_a_row - {DEALT_WITH}, held_at
from alerting.partitions p where topic = any (%s) order by topic, partition
"""

_PROCESSED = "select topic, partition, processed from alerting.partitions where topic = any (%s)"

#: Rows are counted so far; how many more there are is then what PostgreSQL believes.
COUNTED_ROWS = 100_000

_COUNTS = """
select (select count(*) from (select from alerting.dead_letters where state = 'dead'
                              limit %(most)s) as d),
       (select count(*) from (select from alerting.reminders limit %(most)s) as r),
       (select count(*) from (select from alerting.inbox limit %(most)s) as i),
       (select reltuples::bigint from pg_class where oid = 'alerting.reminders'::regclass),
       (select reltuples::bigint from pg_class where oid = 'alerting.inbox'::regclass)
"""

_DEAD = """
select reason, count(*) from (
    select reason from alerting.dead_letters where state = 'dead' limit %s
) as open group by reason
"""


#: The newest canary of a partition that somebody works on is younger, as its alert has it.
SILENT_SECONDS = 180

#: From this age on, an event that is worked on belongs to a day that is sent again.
_OLD_SECONDS = 2 * 86_400

_CANARIES = """
select topic, partition, coalesce(canary_at, taken_at) from alerting.partitions
where topic = any (%s) and (canary_at is not null or topic <> all (%s))
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person: dead letters by reason, up to `COUNTED_ROWS`, and storms."""

    dead_letters: Mapping[str, int]
    storms: Sequence[Storm]


def waiting(connection: psycopg.Connection) -> Waiting:
    """What waits for a person now."""
    rows = connection.execute(_DEAD, (COUNTED_ROWS,)).fetchall()
    return Waiting(dict(rows), storms.lasting(connection))


def canaries(
    connection: psycopg.Connection, topics: Sequence[str], refused: Collection[str]
) -> dict[Partition, datetime]:
    """By partition of these topics, when the newest canary that was worked on had been sent; or,
    before the first one and unless its topic has `refused` them, when it was taken over."""
    rows = connection.execute(_CANARIES, (list(topics), list(refused)))
    return {(row[0], row[1]): row[2] for row in rows}


def read(
    connection: psycopg.Connection,
    settings: KafkaSettings,
    *,
    sample_seconds: float = 1.0,
) -> dict[str, Any]:
    """Lag, watermark and throughput by partition; looks twice to see how fast it goes."""
    topics = [kafka.topic(settings, name) for name in TOPICS]
    before = _processed(connection, topics)
    time.sleep(sample_seconds)
    rows = connection.execute(_PARTITIONS, (topics,)).fetchall()
    now = database_clock.now(connection)
    ends = _ends(settings, topics)
    partitions = [
        {
            "topic": topic,
            "partition": number,
            "epoch": epoch,
            "owner": owner,
            "next_offset": next_offset,
            "end_offset": ends.get((topic, number), next_offset),
            "lag_records": max(0, ends.get((topic, number), next_offset) - next_offset),
            "behind_seconds": _behind(
                watermark, ends.get((topic, number), 0) - next_offset, now
            ),
            "watermark": watermark.isoformat() if watermark else None,
            "events_per_second": round(
                (processed - before.get((topic, number), 0)) / sample_seconds, 1
            ),
            "processed": processed,
            "updated_at": updated_at.isoformat() if updated_at else None,
            "canary_seconds": _age(canary_at, now),
            "dead_in_a_row": dead,
            "held": held_at is not None,
            "held_at": held_at.isoformat() if held_at else None,
        }
        for (
            topic, number, epoch, owner, next_offset, watermark, processed, updated_at, canary_at,
            dead, held_at,
        ) in _with_untaken(rows, ends)
    ]  # fmt: skip
    return {
        "topics": topics,
        "partitions": partitions,
        "lag_records": sum(one["lag_records"] for one in partitions),
        "events_per_second": sum(one["events_per_second"] for one in partitions),
        "processed": sum(one["processed"] for one in partitions),
        "storms": [one.sentence for one in storms.lasting(connection)],
        **counts(connection),
    }


def silence(partitions: Sequence[Mapping[str, Any]]) -> str | None:
    """A sentence on the partitions of `read` whose newest canary is old, though they have one and
    are not held."""
    silent = [
        one
        for one in partitions
        if (one["canary_seconds"] or 0) > SILENT_SECONDS and not one["held"]
    ]
    if not silent:
        return None
    owners = ", ".join(sorted({one["owner"] for one in silent}))
    return (
        f"The newest canary of {plain.counted(len(silent), 'partition')} is more than "
        f"{SILENT_SECONDS // 60} minutes old: {owners} hangs or has ended, or a server is away. "
        "See what its /readyz says; no answer: kill it and start it anew."
    )


def resting(partitions: Sequence[Mapping[str, Any]]) -> str | None:
    """A sentence on the partitions of `read` that have work and did none while it looked."""
    still = [
        one
        for one in partitions
        if one["lag_records"] and one["owner"] and not one["held"] and not one["events_per_second"]
    ]
    if not still:
        return None
    return (
        f"{plain.counted(len(still), 'partition')} with a lag did not move while this looked. If it"
        " says so again in a minute, a member hangs or has ended, or a server is away: see what "
        "its /readyz says."
    )


def old(partitions: Sequence[Mapping[str, Any]]) -> str | None:
    """A sentence on the partitions of `read` that work on old days, as canaries that come through
    at the same time show: what waits lies behind them in the log."""
    resent = [
        one
        for one in partitions
        if (one["behind_seconds"] or 0) > _OLD_SECONDS
        and not one["held"]
        and (one["events_per_second"] or not one["lag_records"])
        and one["canary_seconds"] is not None
        and one["canary_seconds"] <= SILENT_SECONDS
    ]
    if not resent:
        return None
    waiting = sum(one["lag_records"] for one in resent)
    return (
        f"{plain.counted(len(resent), 'partition')}: events of old days are worked on, and "
        f"`behind` tells how old. The canaries are young, so what "
        f"still waits, {plain.counted(waiting, 'record')}, came within the last "
        f"{SILENT_SECONDS // 60} minutes."
    )


def held(partitions: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence on each of the partitions of `read` that is held."""
    return [
        f"{one['topic']}/{one['partition']} is held at offset {one['next_offset']}: its last "
        f"{plain.counted(one['dead_in_a_row'], 'record is an', 'records are')} open dead "
        f"{'letter' if one['dead_in_a_row'] == 1 else 'letters'}, and "
        f"{plain.counted(one['lag_records'], 'record waits', 'records wait')} since "
        f"{plain.instant(datetime.fromisoformat(one['held_at']))}. Look at `alerting dead-letters "
        "list`, mend the producer, and settle or requeue them: it goes on by itself."
        for one in partitions
        if one["held"]
    ]


def _with_untaken(
    rows: Sequence[tuple[Any, ...]], ends: Collection[Partition]
) -> list[tuple[Any, ...]]:
    """The rows, and one for each partition of the topics that nobody has taken over yet."""
    untaken = set(ends) - {(row[0], row[1]) for row in rows}
    return sorted([*rows, *((*one, 0, None, 0, None, 0, None, None, 0, None) for one in untaken)])


def counts(connection: psycopg.Connection) -> dict[str, Any]:
    """Reminders, transfers, dead letters and backlog, in bounded time whatever there is.

    From `COUNTED_ROWS` on, `estimated` names it (what PostgreSQL believes), or `at_least`.
    """
    row = connection.execute(_COUNTS, {"most": COUNTED_ROWS}).fetchone() or (0, 0, 0, 0, 0)
    open_ends = {"outbox_backlog": outbox.backlog(connection), "dead_letters": row[0]}
    kept = {"reminders_kept": row[1], "transfers_kept": row[2]}
    believed = dict(zip(kept, row[3:], strict=True))
    estimated = [name for name, number in kept.items() if number >= COUNTED_ROWS]
    oldest = outbox.oldest_seconds(connection)
    return {
        **open_ends,
        "outbox_oldest_seconds": None if oldest is None else round(oldest, 1),
        **kept,
        **{name: max(kept[name], believed[name]) for name in estimated},
        "estimated": estimated,
        "at_least": [name for name, number in open_ends.items() if number >= COUNTED_ROWS],
    }


def _behind(watermark: datetime | None, lag: int, now: datetime) -> float | None:
    """How old the newest event worked on is, while anything is left to do; else zero."""
    if lag <= 0:
        return 0.0
    return _age(watermark, now)


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round((now - at).total_seconds(), 1)


def _processed(connection: psycopg.Connection, topics: list[str]) -> dict[Partition, int]:
    rows = connection.execute(_PROCESSED, (topics,)).fetchall()
    connection.commit()
    return {(row[0], row[1]): row[2] for row in rows}


def _ends(settings: KafkaSettings, topics: list[str]) -> dict[Partition, int]:
    client = kafka.consumer(settings, "alerting-status", group_id=None)
    try:
        wanted = [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(client.partitions_for_topic(topic) or ())
        ]
        ends = client.end_offsets(wanted)
        return {(one.topic, one.partition): end for one, end in ends.items()}
    finally:
        client.close()
