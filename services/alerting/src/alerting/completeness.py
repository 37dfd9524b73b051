"""Was everything that the core booked on a business date worked on? Proven by control totals.

Booked is what the delivered files say, worked on what was counted with the offsets. Where number
and control total agree, every event was worked on exactly once. Where they do not, the topic tells
one event from another: it is read again, and each booked event is worked on, waiting, a dead
letter, or not there.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import UUID

from alerting import ledger, places
from alerting.contract import KINDS
from alerting.days_worked import Tally, control
from alerting.ledger import BOOKED_KINDS
from alerting.places import Places
from alerting.worked import Worked
from crm_shared import plain
from crm_shared.events import cards, loans, transactions
from crm_shared.landing import read_manifest
from crm_shared.settings import KafkaSettings

#: By kind of event that the delivered files tell, its topic.
_TOPIC_OF = {
    "transaction.booked": transactions.TOPIC,
    "account.closed": transactions.TOPIC,
    "loan.changed": loans.TOPIC,
    "card.booked": cards.TOPIC,
}

_EXAMPLES = 5


@dataclass
class Line:
    """A kind of event on the day; None where the files or the topic cannot tell.

    `worked` counts records, repeats included; `missing` booked events that were not worked on;
    `unknown` events that were worked on and that the delivered files do not have.
    """

    kind: str
    booked: int | None
    worked: int
    late: int
    proven: bool = False
    missing: int | None = None
    repeats: int | None = None
    unknown: int | None = None
    to_do: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool | None:
        """Whether nothing is missing; None where nobody can say."""
        return None if self.missing is None else self.missing == 0


def lines(worked: Worked, settings: KafkaSettings, landing: Path, day: date) -> list[Line]:
    """Every kind of event of a delivered day; `NotReadyError` while it has not been delivered."""
    read_manifest(landing, day)
    found, unproven = [], defaultdict(list)
    for kind in KINDS:
        tally = worked.tallies.get(kind, Tally())
        booked = _booked(landing, day, kind)
        line = Line(kind, booked.records if booked else None, tally.records, tally.late)
        found.append(line)
        if booked is None:
            continue
        if (booked.records, control(booked.control_total)) == (
            tally.records,
            control(tally.control_total),
        ):
            line.proven, line.missing, line.repeats, line.unknown = True, 0, 0, 0
        else:
            unproven[_TOPIC_OF[kind]].append(line)
    for name, several in unproven.items():
        # Also what names no day: the topic may still tell of which event it is.
        dead = {
            one.place: one.dead_letter_id for one in (*worked.letters, *worked.undated) if one.dead
        }
        kinds = [one.kind for one in several]
        seen = places.look(settings, name, day, kinds, done=worked.offsets, dead=dead)
        for line in several:
            ids = set(ledger.event_ids(landing, day, line.kind) or ())
            _compare(line, ids, seen[line.kind], day)
    return found


def _booked(landing: Path, day: date, kind: str) -> Tally | None:
    if kind not in BOOKED_KINDS:
        return None
    event_ids = ledger.event_ids(landing, day, kind)
    if event_ids is None:
        return None
    tally = Tally()
    for event_id in event_ids:
        tally.add(event_id)
    return tally


def _compare(line: Line, booked: set[UUID], seen: Places, day: date) -> None:
    """Event by event: which of the booked ones were worked on, and where the others are."""
    if not seen.whole:
        fewer = (line.booked or 0) - line.worked
        line.to_do.append(
            (f"At least {fewer} were not worked on" if fewer > 0 else "Some may be missing")
            + ", and the topic no longer holds all of that day, so nobody can say which: have the "
            "core bank send the day again; what is known changes nothing."
        )
        return
    missing = booked - seen.worked
    unknown = seen.worked - booked
    line.missing, line.unknown = len(missing), len(unknown)
    if line.worked >= len(seen.worked):  # days before counting began have no count
        line.repeats = line.worked - len(seen.worked)
    waiting = [one for one in missing if one in seen.waiting]
    dead = [one for one in missing if one in seen.dead and one not in seen.waiting]
    gone = sorted(missing.difference(waiting, dead))
    if waiting:
        topic, partition, offset = min(seen.waiting[one] for one in waiting)
        line.to_do.append(
            f"{plain.counted(len(waiting), 'waits', 'wait')} in the topic, the first at "
            f"{topic}/{partition}@{offset}: "
            "`alerting status` says whether the work goes on."
        )
    if dead:
        numbers = sorted(seen.dead[one] for one in dead)
        some = " ".join(str(one) for one in numbers[:_EXAMPLES])
        line.to_do.append(
            f"{plain.counted(len(dead), 'is a dead letter', 'are dead letters')}: mend the cause, "
            f"then `alerting dead-letters requeue {some}{' …' if len(dead) > _EXAMPLES else ''} "
            f"--by NAME`, or `alerting completeness --date {day} --settle REASON --by NAME`."
        )
    if gone:
        some = ", ".join(str(one) for one in gone[:_EXAMPLES])
        line.to_do.append(
            f"{plain.counted(len(gone), 'was', 'were')} booked and never came, for instance "
            f"event {some}: have the core bank send that day again; what is known changes nothing."
        )
