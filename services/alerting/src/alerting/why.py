"""Why a reminder was raised for a customer on a day, or why none was: each event, judged again.

The events come from the core's delivered files and are judged by the functions of the stream
(`judged_again`), by the version that judged them then (`judged_by`); what was raised, withdrawn or
refused comes from the database. So a reminder that should stand and does not is told apart from one
that is below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import psycopg

from alerting import why_words
from alerting.judged_again import JudgedAgain, JudgedEvent
from crm_shared import plain

#: A reminder is of the day of the event that raised it; where the message is no longer kept, it may
#: be of any.
_REMINDERS = """
select r.reminder_id, r.reminder_window, r.state, r.revision, told.rule_version,
       told.business_date, newest.sent_at, coalesce(newest.held, false) as held,
       newest.seq is not null as is_kept,
       (select scope from alerting.evidence e where e.reminder_id = r.reminder_id
        order by e.fired_at, e.event_id limit 1) as scope
from alerting.reminders r
left join lateral (
    select rule_version, business_date from alerting.outbox
    where reminder_id = r.reminder_id and rule_version is not null order by seq desc limit 1
) told on true
left join lateral (
    select seq, sent_at, held from alerting.outbox
    where reminder_id = r.reminder_id order by seq desc limit 1
) newest on true
where r.customer_id = %(customer)s and r.rule_code = %(code)s
  and (r.reminder_id = any (%(ids)s) or coalesce(told.business_date, %(day)s) = %(day)s)
order by r.changed_at, r.reminder_id
"""

_LETTERS = """
select dead_letter_id from alerting.dead_letters
where state = 'dead' and message_key = %s and rule_code in ('', %s) order by 1 limit 20
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A reminder of the customer by this rule as the database has it; `scope` is whose parameters
    raised it, None where it rests on nothing any more."""

    reminder_id: UUID
    window: str
    state: str
    revision: int
    version: int | None
    day: date | None
    sent_at: datetime | None
    held: bool
    kept: bool
    scope: str | None

    @property
    def told(self) -> str:
        """What became of the last message about it, for people."""
        if not self.kept:
            return "no message kept"
        if self.held:
            return "held by a storm of the rule"
        return f"sent at {plain.instant(self.sent_at)}" if self.sent_at else "not sent yet"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about a rule, a customer and a day."""

    judged: Sequence[JudgedEvent]
    assumed: Sequence[str]
    standing: Sequence[Standing]
    dead_letters: Sequence[int]

    def sentence(self, one: JudgedEvent) -> str:
        """What became of an event, for people."""
        state = next((it.state for it in self.standing if it.reminder_id == one.reminder_id), None)
        return why_words.sentence(one, state)


def explain(
    connection: psycopg.Connection, code: str, customer_id: int, day: date, again: JudgedAgain
) -> Explanation:
    """Compare what was judged again with the database."""
    found = connection.execute(
        _REMINDERS,
        {
            "ids": [one.reminder_id for one in again.judged if one.reminder_id is not None],
            "customer": customer_id,
            "code": code,
            "day": day,
        },
    )
    standing = [Standing(*row) for row in found]
    letters = connection.execute(_LETTERS, (str(customer_id).encode(), code))
    return Explanation(again.judged, again.assumed, standing, [row[0] for row in letters])
