"""The books of the intake: offsets, dead letters, how the process is doing, and what is tidied."""

import socket
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from os import getpid
from typing import Any
from uuid import UUID

import psycopg

from crm_shared import kafka
from crm_shared.errors import CrmError, ExitCode
from crm_shared.kafka_gaps import Gap
from crm_shared.kafka_records import Record
from ocrm_api.reminders.receiving import DeadLetter

_KEPT_BYTES = 65_536
TIDIED_AT_ONCE = 5_000

_TRIM = """
with old as (
    select sequence from ocrm.reminder_events
    where occurred_at < now() - make_interval(hours => %(hours)s)
    order by occurred_at limit %(limit)s
), gone as (
    delete from ocrm.reminder_events e using old where e.sequence = old.sequence
    returning e.sequence
), trimmed as (
    update ocrm.reminder_stream s
    set trimmed_until = greatest(s.trimmed_until, (select max(sequence) from gone))
    where exists (select from gone)
)
select from gone
"""
_END_SESSIONS = """
delete from ocrm.sessions where token_hash in
    (select token_hash from ocrm.sessions where expires_at < now() limit %(limit)s)
"""
_FORGET_KEYS = """
delete from ocrm.idempotency_keys where (user_id, key) in
    (select user_id, key from ocrm.idempotency_keys where created_at < now() - interval '7 days'
     limit %(limit)s)
"""

#: Where nobody sends notifications. The longest closure of a bank is shorter.
_FORGET_ITEMS = """
delete from ocrm.notification_items where (reminder_id, version) in
    (select reminder_id, version from ocrm.notification_items
     where created_at < now() - interval '14 days' order by created_at limit %(limit)s)
"""

_SHOWN = 'topic, partition, "offset", reason, received_at'
_OLDEST_FIRST = 'order by received_at, topic, partition, "offset"'
_UNSETTLED = f"""
select {_SHOWN} from ocrm.intake_dead_letters where settled_at is null {_OLDEST_FIRST}
"""
#: One statement, so that what comes meanwhile is not settled unseen.
_SETTLE = f"""
with settled as (
    update ocrm.intake_dead_letters set settled_at = now() where settled_at is null
    returning {_SHOWN}
), noted as (
    insert into ocrm.audit_log (action, subject_type, subject_id, details, request_id)
    select 'dead_letter.settled', 'dead_letter', concat_ws('/', topic, partition, "offset"),
           jsonb_build_object('by', %(by)s::text), 'ocrm dead-letters'
    from settled {_OLDEST_FIRST}
)
select {_SHOWN} from settled {_OLDEST_FIRST}
"""


class DeadLetterLimitError(CrmError):
    """So much cannot be decoded that something is wrong with the topic, not with a message."""

    code = "dead_letter_limit"
    exit_code = ExitCode.BLOCKED


def keep_dead_letters(connection: psycopg.Connection, letters: Iterable[DeadLetter]) -> int:
    """Keep what cannot be used; how many are unsettled now, 0 where the batch has none."""
    rows = [
        (
            letter.record.topic,
            letter.record.partition,
            letter.record.offset,
            letter.reason.replace("\x00", ""),
            None if letter.record.value is None else letter.record.value[:_KEPT_BYTES],
        )
        for letter in letters
    ]
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.executemany(
            'insert into ocrm.intake_dead_letters (topic, partition, "offset", reason, value)'
            " values (%s, %s, %s, %s, %s) on conflict do nothing",
            rows,
        )
    found = connection.execute(
        "select count(*) from ocrm.intake_dead_letters where settled_at is null"
    ).fetchone()
    return found[0] if found else 0


def check_dead_letters(unsettled: int, limit: int) -> None:
    """Stop above the limit, after the commit: what is not stored could not be settled."""
    if unsettled > limit:
        raise DeadLetterLimitError(
            f"More than {limit} messages cannot be used, so the intake has stopped before the next;"
            " see `ocrm dead-letters`, mend their producer, then run"
            " `ocrm dead-letters --settle --by NAME` and start the intake again."
        )


def keep_offsets(
    connection: psycopg.Connection,
    records: Sequence[Record],
    topic_ids: Mapping[str, UUID],
    gaps: Iterable[Gap] = (),
) -> None:
    """Note how far each partition of the topics has been taken in, and how many records were
    missing before these."""
    missing = {(gap.topic, gap.partition): gap.records for gap in gaps}
    for (topic, partition), one in sorted(kafka.next_offsets(records).items()):
        lost = missing.get((topic, partition), 0)
        connection.execute(
            "insert into ocrm.intake_offsets as o (topic, partition, next_offset, topic_id)"
            " values (%s, %s, %s, %s) on conflict (topic, partition) do update"
            " set next_offset = excluded.next_offset, updated_at = now(),"
            " topic_id = coalesce(excluded.topic_id, o.topic_id), missing = o.missing + %s,"
            " missing_at = case when %s > 0 then now() else o.missing_at end",
            (topic, partition, one.offset, topic_ids.get(topic), lost, lost),
        )


def keep_canaries(
    connection: psycopg.Connection, canaries: Mapping[tuple[str, int], datetime]
) -> None:
    """Note when the newest canary of each partition was sent, of those whose offsets are noted;
    whose clock is ahead counts as sent now."""
    for (topic, partition), sent_at in canaries.items():
        connection.execute(
            "update ocrm.intake_offsets set canary_at = greatest(canary_at, least(%s, now()))"
            " where topic = %s and partition = %s",
            (sent_at, topic, partition),
        )


def follow(connection: psycopg.Connection, topic_ids: Mapping[str, UUID]) -> list[str]:
    """The names of the topics that have another id than the one taken in, which were deleted and
    made again: their partitions begin at the first record from now on."""
    begun = []
    for name, topic_id in topic_ids.items():
        found = connection.execute(
            "update ocrm.intake_offsets set next_offset = 0, topic_id = %s, canary_at = null"
            " where topic = %s and topic_id <> %s",
            (topic_id, name, topic_id),
        )
        if found.rowcount:
            begun.append(name)
        connection.execute(
            "update ocrm.intake_offsets set topic_id = %s where topic = %s and topic_id is null",
            (topic_id, name),
        )
    return begun


def offsets(connection: psycopg.Connection) -> dict[tuple[str, int], int]:
    """The next offset to be taken in, of each topic and partition of which anything was."""
    rows = connection.execute("select topic, partition, next_offset from ocrm.intake_offsets")
    return {(topic, partition): next_offset for topic, partition, next_offset in rows}


def worker() -> str:
    """The name of this process in the status table."""
    return f"{socket.gethostname()}:{getpid()}"


def heartbeat(
    connection: psycopg.Connection, started_at: datetime, lag: Mapping[int, int], records: int
) -> None:
    """Say that this process turns, what it reads and how far behind it is."""
    connection.execute(
        "insert into ocrm.intake_status"
        " (worker, started_at, heartbeat_at, partitions, lag, records)"
        " values (%s, %s, now(), %s, %s, %s)"
        " on conflict (worker) do update set heartbeat_at = now(),"
        " partitions = excluded.partitions, lag = excluded.lag, records = excluded.records",
        (worker(), started_at, len(lag), sum(lag.values()), records),
    )


def leave(connection: psycopg.Connection) -> None:
    """Take this process out of the status table: it ended as it should."""
    connection.execute("delete from ocrm.intake_status where worker = %s", (worker(),))


def tidy(connection: psycopg.Connection, stream_retention_hours: int) -> bool:
    """Remove some of what is past its time; whether there may be more of it.

    Events of the stream, sessions, idempotency keys, what nobody was notified of, workers: at most
    `TIDIED_AT_ONCE` of each, so that nobody waits long for the stream. A reader whose last event is
    no longer kept is told so, by `trimmed_until`.
    """
    removed = (
        connection.execute(statement, {"hours": stream_retention_hours, "limit": TIDIED_AT_ONCE})
        for statement in (_TRIM, _END_SESSIONS, _FORGET_KEYS, _FORGET_ITEMS)
    )
    full = [one.rowcount >= TIDIED_AT_ONCE for one in removed]
    connection.execute(
        "delete from ocrm.intake_status where heartbeat_at < now() - interval '1 day'"
    )
    return any(full)


def unsettled(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Dead letters that nobody has seen to, oldest first."""
    return _letters(connection.execute(_UNSETTLED).fetchall())


def settle(connection: psycopg.Connection, *, by: str) -> list[dict[str, Any]]:
    """Mark all dead letters as seen to; which they were, oldest first, and none besides. The audit
    log keeps who did it, for each."""
    return _letters(connection.execute(_SETTLE, {"by": by}).fetchall())


def _letters(rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    names = ("topic", "partition", "offset", "reason")
    return [dict(zip(names, row, strict=False)) | {"received_at": str(row[4])} for row in rows]
