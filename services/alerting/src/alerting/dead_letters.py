"""Dead letters: what could not be worked on, kept with its reason until somebody looks."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from alerting.decoding import Reason
from crm_shared.kafka_records import Record
from crm_shared.logging import PERSONAL_KEYS

_ADD = """
insert into alerting.dead_letters as d
    (topic, partition, log_offset, rule_code, payload_digest, reason, detail, message_key, payload,
     event_id)
select distinct on (topic, partition, log_offset, rule_code, payload_digest) *
from unnest(%s::text[], %s::int[], %s::bigint[], %s::text[], %s::bytea[], %s::text[],
            %s::text[], %s::bytea[], %s::bytea[], %s::uuid[])
    as given (topic, partition, log_offset, rule_code, payload_digest, reason, detail, message_key,
              payload, event_id)
on conflict (topic, partition, log_offset, rule_code, payload_digest) do update
set state = 'dead', reason = excluded.reason, detail = excluded.detail, attempts = 1,
    first_seen_at = now(), last_seen_at = now()
where d.rule_code = '' and d.first_seen_at < (
    select p.recreated_at from alerting.partitions p
    where p.topic = d.topic and p.partition = d.partition)
returning reason
"""

_STORED = """
select dead_letter_id, topic, partition, log_offset, rule_code, reason, detail, message_key,
       payload, state, attempts, first_seen_at
from alerting.dead_letters
"""

_LIST = f"""{_STORED}
where (%(state)s::text is null or state = %(state)s)
  and (%(reason)s::text is null or reason = %(reason)s)
  and dead_letter_id > %(after)s
  and (%(ids)s::bigint[] is null or dead_letter_id = any (%(ids)s))
order by dead_letter_id limit %(limit)s
"""

_OF_EVENT = f"{_STORED} where event_id = %s order by dead_letter_id limit 20"

_COUNT = """
select count(*) from alerting.dead_letters
where (%(state)s::text is null or state = %(state)s)
  and (%(reason)s::text is null or reason = %(reason)s)
"""

#: Also of a record that is cut off or no JSON otherwise.
_EVENT_ID = re.compile(rb'"event_id"\s*:\s*"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})')

#: In what cannot be read: long numbers, and texts behind the name of a personal field.
_LONG_NUMBER = re.compile(rb"\d{11,}")
_PERSONAL_TEXT = re.compile(
    rb'(?i)("(?:%s)"\s*:\s*)"[^"\\]*(?:\\.[^"\\]*)*"?' % "|".join(sorted(PERSONAL_KEYS)).encode(),
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record, or a record and a rule, that could not be worked on."""

    record: Record
    reason: Reason
    detail: str
    rule_code: str = ""


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """A dead letter as it is kept."""

    dead_letter_id: int
    topic: str
    partition: int
    log_offset: int
    rule_code: str
    reason: str
    detail: str
    message_key: bytes | None
    payload: bytes | None
    state: str
    attempts: int
    first_seen_at: datetime

    @property
    def record(self) -> Record:
        """The record again, without the personal data that was masked."""
        return Record(self.topic, self.partition, self.log_offset, self.message_key, self.payload)


def add(connection: psycopg.Connection, letters: Sequence[DeadLetter]) -> list[str]:
    """Keep the dead letters; the reasons of those that were not known before.

    A window judged anew may fail again and give the same letter twice. The letter of the very same
    record in a topic that was made again since is open once more.
    """
    if not letters:
        return []
    payloads = [one.record.value for one in letters]
    rows = connection.execute(
        _ADD,
        (
            [one.record.topic for one in letters],
            [one.record.partition for one in letters],
            [one.record.offset for one in letters],
            [one.rule_code for one in letters],
            [hashlib.sha256(payload or b"").digest() for payload in payloads],
            [one.reason for one in letters],
            [one.detail for one in letters],
            [one.record.key for one in letters],
            [None if payload is None else masked(payload) for payload in payloads],
            [_event_id(payload) for payload in payloads],
        ),
    )
    return [row[0] for row in rows]


def find(
    connection: psycopg.Connection,
    *,
    state: str | None = None,
    reason: str | None = None,
    ids: Sequence[int] | None = None,
    after: int = 0,
    limit: int = 1_000,
) -> list[StoredDeadLetter]:
    """Dead letters in the order they were first seen, behind the one of number `after`."""
    rows = connection.execute(
        _LIST,
        {"state": state, "reason": reason, "ids": None if ids is None else list(ids),
         "after": after, "limit": limit},
    )  # fmt: skip
    return [StoredDeadLetter(*row) for row in rows]


def of_event(connection: psycopg.Connection, event_id: UUID) -> list[StoredDeadLetter]:
    """Dead letters of an event, as a whole or for single rules, at most 20."""
    return [StoredDeadLetter(*row) for row in connection.execute(_OF_EVENT, (event_id,))]


def count(
    connection: psycopg.Connection, *, state: str | None = None, reason: str | None = None
) -> int:
    """How many there are of this state and reason."""
    row = connection.execute(_COUNT, {"state": state, "reason": reason}).fetchone()
    return int(row[0]) if row else 0


def mark(
    connection: psycopg.Connection, done: Iterable[int], still_dead: Iterable[tuple[int, str]]
) -> None:
    """Note the outcome of trying again: worked on, or dead for this reason."""
    connection.execute(
        "update alerting.dead_letters set state = 'requeued', attempts = attempts + 1,"
        " last_seen_at = now() where dead_letter_id = any (%s)",
        (list(done),),
    )
    for number, detail in still_dead:
        connection.execute(
            "update alerting.dead_letters set detail = %s, attempts = attempts + 1,"
            " last_seen_at = now() where dead_letter_id = %s",
            (detail, number),
        )


def settle(connection: psycopg.Connection, ids: Sequence[int]) -> int:
    """Note that nobody will work on these; how many of them were open."""
    return connection.execute(
        "update alerting.dead_letters set state = 'settled', last_seen_at = now()"
        " where state = 'dead' and dead_letter_id = any (%s)",
        (list(ids),),
    ).rowcount


def masked(payload: bytes) -> bytes:
    """The payload without personal data: their fields, at any depth, where it is JSON that can be
    read, else what looks like them. Where nothing is hidden, the very bytes that came."""
    hidden = False

    def object_of(fields: list[tuple[str, Any]]) -> dict[str, Any]:
        """Called for every object, the innermost first; a name may stand in it twice."""
        nonlocal hidden
        found = dict(fields)
        for name, value in fields:
            if value is not None and name.lower() in PERSONAL_KEYS:
                hidden, found[name] = True, "***"
        return found

    try:
        message = json.loads(payload, object_pairs_hook=object_of)
        if not hidden:
            return payload
        # Half of a surrogate pair, which UTF-8 cannot hold, becomes the escape that it came as.
        return json.dumps(message, ensure_ascii=False).encode(errors="backslashreplace")
    except (ValueError, RecursionError):
        return _LONG_NUMBER.sub(b"***", _PERSONAL_TEXT.sub(rb'\1"***"', payload))


def _event_id(payload: bytes | None) -> UUID | None:
    found = _EVENT_ID.search(payload or b"")
    return UUID(found[1].decode()) if found else None
