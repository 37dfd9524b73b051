"""What the database knows of a business date: records, reminders, dead letters, storms."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from alerting import days_worked
from alerting.days_worked import Tally
from alerting.ownership import Partition
from alerting.places import Place
from crm_shared.clock import BANK_ZONE, bank_date

_OFFSETS = "select topic, partition, next_offset from alerting.partitions where topic = any (%s)"

#: Payloads in memory at a time.
_AT_ONCE = 100

#: Records that are dead letters, or were until somebody requeued them; and records that were worked
#: on while a single rule raised on them, until somebody has dealt with that.
_LETTERS = """
select dead_letter_id, topic, partition, log_offset, rule_code, state <> 'requeued',
       state = 'dead', payload
from alerting.dead_letters where (rule_code = '' or state = 'dead') and topic = any (%s)
order by dead_letter_id
"""

_REMINDERS = """
select rule_code as rule, count(*) filter (where rule_version is not null) as raised,
       count(*) filter (where rule_version is null) as withdrawn,
       count(*) filter (where sent_at is null and not held) as not_sent,
       count(*) filter (where held) as held
from alerting.outbox where business_date = %s group by rule_code order by rule_code
"""

_STORMS = """
select rule_code as rule, hour, raised, max_per_hour, ended_at is null as lasts
from alerting.storms where hour >= %s and hour < %s order by began_at
"""


@dataclass(frozen=True, slots=True)
class LetterOfDay:
    """A record that is or was a dead letter, or is one of a single `rule`; kind, event and day
    where they can still be read. One that was settled is `dead` as ever, because nobody worked on
    it, but not `open`."""

    dead_letter_id: int
    place: Place
    rule: str
    dead: bool
    open: bool
    kind: str | None
    event_id: UUID | None
    day: date | None


@dataclass(frozen=True, slots=True)
class Worked:
    """Of a day: tallies by kind, where each partition stands, and what came of the events.

    `letters` are those of the day; `undated` those that do not say of which day they are;
    `failed`, by rule, the numbers of those of single rules that raised on events of the day.
    """

    tallies: dict[str, Tally]
    offsets: dict[Partition, int]
    letters: Sequence[LetterOfDay]
    undated: Sequence[LetterOfDay]
    reminders: Sequence[dict[str, Any]]
    failed: dict[str, list[int]]
    storms: Sequence[dict[str, Any]]


def read(connection: psycopg.Connection, day: date, topics: list[str]) -> Worked:
    """Everything at one moment, in one transaction."""
    begins = datetime.combine(day, time(), BANK_ZONE)
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        connection.execute("set transaction isolation level repeatable read, read only")
        offsets = connection.execute(_OFFSETS, (topics,))
        letters = _letters(connection, day, topics)
        worked = Worked(
            tallies=days_worked.read(connection, day, topics),
            offsets={(row[0], row[1]): row[2] for row in offsets},
            letters=[one for one in letters if one.day == day and not one.rule],
            undated=[one for one in letters if one.day is None and not one.rule],
            reminders=cursor.execute(_REMINDERS, (day,)).fetchall(),
            failed=_by_rule(letters),
            storms=cursor.execute(_STORMS, (begins, begins + timedelta(days=1))).fetchall(),
        )
    for one in worked.letters:
        if not one.dead and one.kind and one.event_id:
            # Requeued: worked on, though not by its offset.
            worked.tallies.setdefault(one.kind, Tally()).add(one.event_id)
    return worked


def _letters(connection: psycopg.Connection, day: date, topics: list[str]) -> list[LetterOfDay]:
    """Those of the day and those that name none; of the others and of payloads, none is kept."""
    with connection.cursor("letters_of_a_day") as cursor:
        cursor.itersize = _AT_ONCE
        found = map(_letter, cursor.execute(_LETTERS, (topics,)))
        return [one for one in found if one.day == day or (one.day is None and one.dead)]


def _by_rule(letters: Sequence[LetterOfDay]) -> dict[str, list[int]]:
    by_rule: dict[str, list[int]] = defaultdict(list)
    for one in letters:
        if one.rule:
            by_rule[one.rule].append(one.dead_letter_id)
    return dict(sorted(by_rule.items()))


def _letter(row: tuple[Any, ...]) -> LetterOfDay:
    number, topic, partition, offset, rule, dead, is_open, payload = row
    known: tuple[str | None, UUID | None, date | None]
    try:
        said = json.loads(payload or b"")
        known = str(said["type"]), UUID(said["event_id"]), _day(said)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        known = None, None, None
    return LetterOfDay(number, (topic, partition, offset), rule, dead, is_open, *known)


def _day(said: dict[str, str]) -> date:
    if "business_date" in said:
        return date.fromisoformat(said["business_date"])
    return bank_date(datetime.fromisoformat(said["occurred_at"]))
