"""Working on dead letters once more: the same code, so the same ids, while no batch is written."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg

from alerting import batch, database, dead_letters, ownership, ruleset
from alerting.batch import Bounds
from alerting.dead_letters import StoredDeadLetter


@dataclass(frozen=True, slots=True)
class Requeued:
    """What trying again came to, and the rules whose storm began with it."""

    worked: int = 0
    still_dead: int = 0
    raised: int = 0
    withdrawn: int = 0
    storms: tuple[str, ...] = ()

    def __add__(self, other: "Requeued") -> "Requeued":
        return Requeued(
            self.worked + other.worked,
            self.still_dead + other.still_dead,
            self.raised + other.raised,
            self.withdrawn + other.withdrawn,
            self.storms + other.storms,
        )


def requeue(
    connection: psycopg.Connection,
    letters: Sequence[StoredDeadLetter],
    now: datetime,
    bounds: Bounds,
) -> Requeued:
    """Decode and judge the dead letters again in one transaction; offsets stay as they are.

    Running consumers wait for this transaction, whatever they work on. Where PostgreSQL refuses one
    of them, the others are worked on in several.
    """
    try:
        return _in_one_transaction(connection, letters, now, bounds)
    except database.REFUSALS as error:
        if len(letters) == 1:
            still_dead = [(letters[0].dead_letter_id, batch.refusal(error).detail)]
            with connection.transaction():
                dead_letters.mark(connection, [], still_dead)
            return Requeued(still_dead=1)
    half = len(letters) // 2
    first = requeue(connection, letters[:half], now, bounds)
    return first + requeue(connection, letters[half:], now, bounds)


def _in_one_transaction(
    connection: psycopg.Connection,
    letters: Sequence[StoredDeadLetter],
    now: datetime,
    bounds: Bounds,
) -> Requeued:
    # An offset says too little: that of a topic made anew may be the offset of another record.
    records = list(dict.fromkeys(one.record for one in letters))
    with connection.transaction():
        # Not by their partitions: a customer may have moved to another one since.
        ownership.lock_all(connection)
        progress = ownership.lock(connection, {(one.topic, one.partition) for one in letters})
        # No letter is left alone here, however many still cannot be worked on.
        boundless = replace(bounds, dead_letter_limit=sys.maxsize)
        decoded = batch.decode_all(records, progress, now, boundless)
        dead = {one.record: one.detail for one in decoded.dead}
        decoded.dead.clear()
        result = batch.write(connection, decoded, ruleset.load(connection), judge_known=True)
        failed = {(one.record, one.rule_code): one.detail for one in result.refused}
        still_dead = []
        for letter in letters:
            detail = failed.get((letter.record, letter.rule_code)) or dead.get(letter.record)
            if detail is not None:
                still_dead.append((letter.dead_letter_id, detail))
        numbers = {number for number, _ in still_dead}
        done = [one.dead_letter_id for one in letters if one.dead_letter_id not in numbers]
        dead_letters.mark(connection, done, still_dead)
    return Requeued(
        len(done),
        len(still_dead),
        result.raised.total(),
        result.withdrawn.total(),
        result.storms,
    )
