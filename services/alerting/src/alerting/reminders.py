"""Reminders as they stand: raised when they get their first evidence, withdrawn with the last."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import psycopg

from alerting.evaluation import Arrival, Firing
from crm_shared import ids
from crm_shared.clock import bank_date
from crm_shared.events.reminders import ReminderRaised, ReminderWithdrawn
from crm_shared.reminder_rules import RULES

REASON = "What it was raised for has been reversed or corrected."

_RAISE = """
insert into alerting.reminders as r (reminder_id, rule_code, customer_id, subject, reminder_window)
select * from unnest(%s::uuid[], %s::text[], %s::bigint[], %s::text[], %s::text[])
order by 1
on conflict (reminder_id) do update
set state = 'raised', revision = r.revision + 1, changed_at = now()
where r.state = 'withdrawn' or r.reminder_id = any (%s)
returning reminder_id, revision
"""

_WITHDRAW = """
update alerting.reminders r set state = 'withdrawn', changed_at = now()
where r.reminder_id = any (%s) and r.state = 'raised'
  and not exists (select from alerting.evidence e where e.reminder_id = r.reminder_id)
returning reminder_id, rule_code, customer_id, subject, reminder_window, revision
"""


def raised(
    connection: psycopg.Connection, firings: Iterable[Firing], corrected: Collection[UUID] = ()
) -> list[ReminderRaised]:
    """Raise what does not stand yet; the messages that say so.

    What was `corrected`, so that a part of what it rested on is gone, and fires again is raised as
    its next revision: people are to see the new amount.
    """
    first: dict[UUID, Firing] = {}
    for firing in firings:
        first.setdefault(firing.reminder_id, firing)
    if not first:
        return []
    rows = connection.execute(
        _RAISE,
        (
            list(first),
            [one.rule.rule.code for one in first.values()],
            [one.outcome.customer_id for one in first.values()],
            [one.outcome.subject for one in first.values()],
            [one.outcome.window for one in first.values()],
            list(corrected),
        ),
    )
    return [message_of(first[reminder_id], revision) for reminder_id, revision in rows]


def message_of(firing: Firing, revision: int) -> ReminderRaised:
    """The message of a reminder that is raised for the `revision`-th time.

    A threshold of a tier would tell the tier to branches that must not know it.
    """
    event, outcome, code = firing.event, firing.outcome, firing.rule.rule.code
    untold = {"threshold"} if firing.scope.tier else set()
    return ReminderRaised(
        event_id=_event_id("raised", firing.reminder_id, revision),
        occurred_at=event.occurred_at,
        producer="alerting",
        correlation_id=event.correlation_id or str(event.event_id),
        customer_id=outcome.customer_id,
        reminder_id=firing.reminder_id,
        rule_code=code,
        subject=outcome.subject,
        window=outcome.window,
        revision=revision,
        rule_version=firing.rule.version,
        business_date=bank_date(event.occurred_at),
        branch_id=event.branch_id,
        priority=RULES[code].priority,
        amount=outcome.amount,
        currency=outcome.currency,
        facts={name: value for name, value in outcome.facts.items() if name not in untold},
        late=firing.late,
    )


def withdrawn(
    connection: psycopg.Connection, causes: Mapping[UUID, Arrival]
) -> Sequence[ReminderWithdrawn]:
    """Withdraw those of the reminders that rest on nothing any more; the messages that say so."""
    rows = connection.execute(_WITHDRAW, (sorted(causes),)).fetchall()
    return [
        ReminderWithdrawn(
            event_id=_event_id("withdrawn", row[0], row[5]),
            occurred_at=causes[row[0]].event.occurred_at,
            producer="alerting",
            correlation_id=str(causes[row[0]].event.event_id),
            customer_id=row[2],
            reminder_id=row[0],
            rule_code=row[1],
            subject=row[3],
            window=row[4],
            revision=row[5],
            reason=REASON,
        )
        for row in rows
    ]


def _event_id(what: str, reminder_id: UUID, revision: int) -> UUID:
    again = f"|{revision}" if revision > 1 else ""
    return ids.event_id(f"reminder.{what}", f"{reminder_id}{again}")
