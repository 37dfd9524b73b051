"""What the database keeps of one event, wherever it is: what fired, what windows count, what was
taken back, what was refused, and the messages that tell its reminders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from alerting import dead_letters
from alerting.dead_letters import StoredDeadLetter
from alerting.windows import Transfer
from crm_shared.clock import bank_date
from crm_shared.events import reminders
from crm_shared.events.reminders import ReminderRaised

_FIRED = """
select e.rule_code, e.reminder_id, e.customer_id, e.fact, e.rule_version, e.fired_at, e.scope,
       r.state, r.revision
from alerting.evidence e left join alerting.reminders r using (reminder_id)
where e.event_id = %s order by e.rule_code
"""

_RAISED_BY = """
select event_id from alerting.evidence where reminder_id = %s order by fired_at, event_id limit 5
"""

_TRANSFERS = """
select occurred_at, event_id, customer_id, amount, branch_id, currency, correlation_id,
       coalesce(fact, '')"""
_TRANSFER = f"{_TRANSFERS}, received_at from alerting.inbox where event_id = %s"
_WINDOW = f"""{_TRANSFERS} from alerting.inbox
where customer_id = %s and occurred_at > %s and occurred_at <= %s
"""

_TAKES_BACK = "select fact from alerting.retractions where event_id = %s"

_TAKEN_BACK = """
select event_id from alerting.retractions where customer_id = %s and fact = %s
"""

_MESSAGES = """
select reminder_id, message from alerting.outbox
where reminder_id = any (%s) and caused_by = %s and rule_version is not null order by seq
"""

_OF_ITS_DAY = """
select coalesce(sum(records), 0)::bigint, coalesce(sum(late), 0)::bigint
from alerting.days_worked where business_date = %s and kind = %s
"""


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule fired for the event; `state` is that of the reminder that rests on it."""

    rule_code: str
    reminder_id: UUID
    customer_id: int
    fact: str
    rule_version: int | None
    fired_at: datetime
    scope: str
    state: str | None
    revision: int | None


@dataclass(frozen=True, slots=True)
class Traces:
    """All that the database has; `raised` are the messages that this event caused, by reminder."""

    event_id: UUID
    fired: Sequence[Fired]
    transfer: Transfer | None
    came_at: datetime | None
    takes_back: str | None
    letters: Sequence[StoredDeadLetter]
    raised: Mapping[UUID, ReminderRaised]

    @property
    def anything(self) -> bool:
        """Whether anything is kept of it at all."""
        return bool(self.fired or self.transfer or self.takes_back or self.letters)

    @property
    def customer_id(self) -> int | None:
        """Whose event it is, where a row says so."""
        if self.transfer is not None:
            return self.transfer.customer_id
        return self.fired[0].customer_id if self.fired else None

    @property
    def day(self) -> date | None:
        """Its bank date, where a row says so."""
        if self.transfer is not None:
            return bank_date(self.transfer.occurred_at)
        return next((one.business_date for one in self.raised.values()), None)


def raised_by(connection: psycopg.Connection, reminder_id: UUID) -> list[UUID]:
    """The first events that a reminder rests on; none where it is no reminder's id."""
    return [row[0] for row in connection.execute(_RAISED_BY, (reminder_id,))]


def of(connection: psycopg.Connection, event_id: UUID) -> Traces:
    """What is kept of an event; of its dead letters at most 20."""
    with connection.cursor(row_factory=class_row(Fired)) as cursor:
        fired = cursor.execute(_FIRED, (event_id,)).fetchall()
    row = connection.execute(_TRANSFER, (event_id,)).fetchone()
    back = connection.execute(_TAKES_BACK, (event_id,)).fetchone()
    return Traces(
        event_id=event_id,
        fired=fired,
        transfer=Transfer(*row[:-1]) if row else None,
        came_at=row[-1] if row else None,
        takes_back=back[0] if back else None,
        letters=dead_letters.of_event(connection, event_id),
        raised=_raised(connection, event_id, [one.reminder_id for one in fired]),
    )


def taken_back_by(connection: psycopg.Connection, customer_id: int, fact: str) -> UUID | None:
    """The event by which a fact was reversed or corrected."""
    row = connection.execute(_TAKEN_BACK, (customer_id, fact)).fetchone()
    return row[0] if row else None


def window_of(
    connection: psycopg.Connection, transfer: Transfer, span: timedelta
) -> list[Transfer]:
    """The transfers that windows count up to this one, and this one."""
    rows = connection.execute(
        _WINDOW, (transfer.customer_id, transfer.occurred_at - span, transfer.occurred_at)
    )
    return [Transfer(*row) for row in rows]


def of_its_day(connection: psycopg.Connection, day: date, kind: str) -> tuple[int, int]:
    """How many records of a kind and business date were worked on, and how many were late."""
    row = connection.execute(_OF_ITS_DAY, (day, kind)).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def _raised(
    connection: psycopg.Connection, event_id: UUID, reminder_ids: list[UUID]
) -> dict[UUID, ReminderRaised]:
    told = {}
    for reminder_id, message in connection.execute(_MESSAGES, (reminder_ids, event_id)):
        one = reminders.ADAPTER.validate_json(message)
        if isinstance(one, ReminderRaised):
            told[reminder_id] = one
    return told
