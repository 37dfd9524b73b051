"""Due reminders to `crm.reminders.v1`, after the publication of their date is committed.

Ids come from the business key, so sending again is harmless. The ledger remembers which version of
the date's reminders was sent: a run that died in between sends them the next time.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from uuid import UUID

from kafka.errors import KafkaError

from acrm_batch.engines.sql import literal
from acrm_batch.ledger import Ledger
from acrm_batch.publish import require_published
from acrm_batch.runner import Runner
from crm_shared import ids, kafka
from crm_shared.clock import BANK_ZONE
from crm_shared.errors import ServerUnavailableError
from crm_shared.events.reminders import TOPIC, ReminderRaised
from crm_shared.reminder_rules import RULES
from crm_shared.settings import KafkaSettings

RULE_VERSION = 1


def send_due_reminders(
    runner: Runner, ledger: Ledger, business_date: date, settings: KafkaSettings
) -> int:
    """Send the reminders of a published date unless this version was sent; returns how many."""
    _, version, sent = require_published(ledger, business_date)
    if sent == version:
        return 0
    kafka.ensure_topics(settings, [TOPIC])
    producer = kafka.producer(settings)
    topic = kafka.topic(settings, TOPIC)
    count = 0
    try:
        results = []
        for event in due_events(runner, business_date):
            results.append(producer.send(topic, key=event.key, value=event.to_bytes()))
            count += 1
        producer.flush(timeout=60)
        for result in results:
            result.get(timeout=10)
    except KafkaError as error:
        raise ServerUnavailableError(
            f"The due reminders of {business_date} are published but did not all reach Kafka at "
            f"{settings.bootstrap} ({type(error).__name__}); start again, they are sent again."
        ) from error
    finally:
        producer.close(timeout=10)
    ledger.record_reminders_sent(business_date, version)
    return count


def due_events(runner: Runner, business_date: date) -> Iterator[ReminderRaised]:
    """The events of a date, in the order of their ids."""
    occurred_at = datetime.combine(business_date, time(23, 59, 59), BANK_ZONE).astimezone(UTC)
    rows = runner.engine.connection.execute(
        "select rule_code, customer_id, branch_id, subject, reminder_window, due_on, amount,"
        " currency, days_ahead, reminder_id"
        f" from read_parquet({literal(runner.path('int_due_reminders', business_date))})"
    )
    while batch := rows.fetchmany(5_000):
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
            found,
        ) in batch:
            reminder: UUID = ids.reminder_id(code, subject, window)
            if reminder != found:
                raise AssertionError(f"the id of {code} {subject} {window} differs from SQL's")
            yield ReminderRaised(
                event_id=ids.event_id("reminder.raised", f"{reminder}|{business_date}"),
                occurred_at=occurred_at,
                producer="acrm",
                customer_id=customer,
                reminder_id=reminder,
                rule_code=code,
                subject=subject,
                window=window,
                rule_version=RULE_VERSION,
                business_date=business_date,
                branch_id=branch,
                priority=RULES[code].priority,
                amount=amount,
                currency=currency,
                due_on=due_on,
                facts={"due_on": due_on.isoformat(), "days_ahead": str(ahead)},
            )
