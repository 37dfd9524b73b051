"""Due reminders to `crm.reminders.v1`, after the publication of their date is committed.

Ids come from the business key, so sending again is harmless. The ledger remembers which version of
the date's reminders was sent, and what was sent before it: a run that died in between sends them
the next time, and what is not due any more (paid early, ended, corrected) is withdrawn; what is due
again after that is raised as its next revision. Only the newest published date is sent: an older
one knows nothing of what happened since.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import chain, islice
from uuid import UUID

from kafka.errors import KafkaError

from acrm_batch.engines.sql import literal
from acrm_batch.ledger import Ledger, SentReminder
from acrm_batch.publish import require_published
from acrm_batch.runner import Runner
from crm_shared import ids, kafka, postgres
from crm_shared.clock import BANK_ZONE
from crm_shared.errors import NotReadyError, ServerUnavailableError
from crm_shared.events.reminders import TOPIC, ReminderRaised, ReminderWithdrawn
from crm_shared.reminder_rules import RULES
from crm_shared.settings import KafkaSettings

#: Messages in flight before their acknowledgements are waited for.
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Sent:
    """How many reminders a date raised and withdrew."""

    raised: int = 0
    withdrawn: int = 0


def send_due_reminders(
    runner: Runner, ledger: Ledger, business_date: date, settings: KafkaSettings
) -> Sent:
    """Send the reminders of the newest published date, unless this version of them was sent."""
    with postgres.advisory_lock(ledger.connection, "acrm reminders"):
        ledger.connection.commit()
        _, version, sent = require_published(ledger, business_date)
        if sent == version or business_date != ledger.published_dates()[-1]:
            return Sent()
        if ("int_due_days", business_date) not in runner.partitions:
            raise NotReadyError(
                f"The reminders of {business_date} were made by an earlier version; run `acrm run"
                f" --date {business_date}` first."
            )
        ledger.record_reminders(version, _reminders(runner, business_date))
        ahead = _days_ahead(runner, business_date)
        gone = ledger.begin_withdrawals(business_date, version, ahead)
        revisions = ledger.revisions()
        events: Iterator[ReminderRaised | ReminderWithdrawn] = chain(
            due_events(runner, business_date, revisions),
            (_withdrawal(one, business_date, revisions.get(one.reminder_id, 1)) for one in gone),
        )
        count = _send(events, business_date, settings)
        ledger.record_reminders_sent(business_date, version, gone)
        return Sent(count - len(gone), len(gone))


def _send(
    events: Iterator[ReminderRaised | ReminderWithdrawn],
    business_date: date,
    settings: KafkaSettings,
) -> int:
    """Send everything and wait until the broker has it; returns how many."""
    kafka.ensure_topics(settings, [TOPIC])
    producer = kafka.producer(settings)
    topic = kafka.topic(settings, TOPIC)
    count = 0
    try:
        while chunk := list(islice(events, _CHUNK)):
            results = [producer.send(topic, key=one.key, value=one.to_bytes()) for one in chunk]
            producer.flush(timeout=60)
            for result in results:
                result.get(timeout=10)
            count += len(chunk)
    except KafkaError as error:
        raise ServerUnavailableError(
            f"The due reminders of {business_date} are published but did not all reach Kafka at "
            f"{settings.bootstrap} ({type(error).__name__}); start again, they are sent again."
        ) from error
    finally:
        producer.close(timeout=10)
    return count


def _reminders(runner: Runner, business_date: date) -> Iterator[SentReminder]:
    """The reminders of a date, with the legal entity that `int_due_reminders` took for each."""

    def rows_of(model: str) -> str:
        return f"read_parquet({literal(runner.path(model, business_date))})"

    rows = runner.engine.connection.execute(
        "select cast(reminder_id as uuid), rule_code, subject, reminder_window, raised.customer_id,"
        " due_on, coalesce(unit.legal_entity_id, customer.legal_entity_id)"
        f" from {rows_of('int_due_reminders')} as raised"
        f" inner join {rows_of('int_customers')} as customer"
        " on customer.customer_id = raised.customer_id"
        f" left join {rows_of('int_org_units')} as unit on unit.org_id = raised.branch_id"
    )
    while batch := rows.fetchmany(_CHUNK):
        yield from (SentReminder(*row) for row in batch)


def _days_ahead(runner: Runner, business_date: date) -> dict[tuple[str, str], int]:
    """The days ahead of each rule in each legal entity."""
    rows = runner.engine.connection.execute(
        "select rule_code, legal_entity_id, days"
        f" from read_parquet({literal(runner.path('int_due_days', business_date))})"
    ).fetchall()
    return {(rule, entity): days for rule, entity, days in rows}


def _end_of(business_date: date) -> datetime:
    return datetime.combine(business_date, time(23, 59, 59), BANK_ZONE).astimezone(UTC)


def _event_id(what: str, reminder_id: UUID, business_date: date, revision: int) -> UUID:
    again = f"|{revision}" if revision > 1 else ""
    return ids.event_id(f"reminder.{what}", f"{reminder_id}|{business_date}{again}")


def _withdrawal(one: SentReminder, business_date: date, revision: int) -> ReminderWithdrawn:
    return ReminderWithdrawn(
        event_id=_event_id("withdrawn", one.reminder_id, business_date, revision),
        occurred_at=_end_of(business_date),
        producer="acrm",
        customer_id=one.customer_id,
        reminder_id=one.reminder_id,
        rule_code=one.rule_code,
        subject=one.subject,
        window=one.window,
        revision=revision,
        reason=f"On {business_date} it was no longer due on {one.due_on}: paid, ended or corrected"
        " at the source.",
    )


def due_events(
    runner: Runner, business_date: date, revisions: Mapping[UUID, int]
) -> Iterator[ReminderRaised]:
    """The events of a date, in the order of their ids; what has no revision named is the first."""
    occurred_at = _end_of(business_date)
    rows = runner.engine.connection.execute(
        "select rule_code, customer_id, branch_id, subject, reminder_window, due_on, amount,"
        " currency, days_ahead, rule_version, cast(reminder_id as uuid)"
        f" from read_parquet({literal(runner.path('int_due_reminders', business_date))})"
    )
    while batch := rows.fetchmany(_CHUNK):
        for (
            code,
            customer,
            branch,
            subject,
            window,
            due_on,
            amount,
            currency,
            ahead,
            rule_version,
            found,
        ) in batch:
            reminder: UUID = ids.reminder_id(code, subject, window)
            if reminder != found:
                raise AssertionError(f"the id of {code} {subject} {window} differs from SQL's")
            revision = revisions.get(reminder, 1)
            yield ReminderRaised(
                event_id=_event_id("raised", reminder, business_date, revision),
                occurred_at=occurred_at,
                producer="acrm",
                customer_id=customer,
                reminder_id=reminder,
                rule_code=code,
                subject=subject,
                window=window,
                revision=revision,
                rule_version=rule_version,
                business_date=business_date,
                branch_id=branch,
                priority=RULES[code].priority,
                amount=amount,
                currency=currency,
                due_on=due_on,
                facts={"due_on": due_on.isoformat(), "days_ahead": str(ahead)},
            )
