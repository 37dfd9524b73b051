"""Publication: replacing, keeping and dropping dates, and the reminders after it."""

from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest

from acrm_batch import ledger
from acrm_batch.batch import opened
from crm_shared import kafka
from crm_shared.errors import NotReadyError
from crm_shared.events.reminders import ADAPTER, TOPIC
from crm_shared.settings import KafkaSettings
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch
from tests.databases import PostgresDatabase

DAY = date(2026, 1, 2)


@pytest.fixture
def delivered(bank: Bank) -> Bank:
    """A customer of branches A (lead) and B, with a phone and a loan that matures."""
    bank.customer(1, phone="13800000000", document_no="X1", name="张三,“甲”\\")
    bank.account(11, 1, "A", "100.10")
    bank.account(12, 1, "B", "50.05")
    bank.customer(2, home="C")
    bank.loan(21, 2, "C", matures_on=DAY + timedelta(days=30), balance=Decimal("700.00"))
    bank.deliver(DAY)
    return bank


def test_publishing_again_replaces_the_date_and_keeps_the_others(
    delivered: Bank, crm: Batch
) -> None:
    crm.run(FIRST, publishes=True)
    crm.run(DAY, publishes=True)
    again = crm.run(DAY, publishes=True)
    assert again.publication is not None and not again.publication.changed
    delivered.move(11, DAY, 1)
    delivered.deliver(DAY, since=DAY)
    changed = crm.run(DAY, publishes=True)
    assert changed.publication is not None and changed.publication.changed
    assert crm.query(
        "select business_date, deposit_balance from acrm.coverage"
        " where customer_id = 1 and role = 'lead' order by 1"
    ) == [(FIRST, Decimal("150.15")), (DAY, Decimal("151.15"))]


def test_old_dates_are_dropped_except_month_ends(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 1)
    bank.deliver(date(2026, 2, 2))
    crm.settings.keep_dates = 1
    for day in (date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 2)):
        crm.run(day, publishes=True)
    kept = [(date(2026, 1, 31),), (date(2026, 2, 2),)]
    assert crm.query("select business_date from acrm.publications order by 1") == kept
    assert crm.query("select distinct business_date from acrm.coverage order by 1") == kept


def test_migrate_asks_for_the_ocrm_first(postgres_database: PostgresDatabase) -> None:
    with pytest.raises(NotReadyError, match="ocrm migrate"):
        ledger.migrate(postgres_database.acrm_owner)


def test_no_ledger_asks_for_migrate(
    postgres_database: PostgresDatabase, crm: Batch, delivered: Bank
) -> None:
    with psycopg.connect(postgres_database.superuser) as connection:
        connection.execute("drop table acrm.publication_states")
    with pytest.raises(NotReadyError, match="acrm migrate"):
        crm.run(DAY)


@pytest.mark.kafka
def test_due_reminders_are_sent_once_and_again_after_a_crash(
    delivered: Bank,
    crm: Batch,
    kafka_bootstrap: str,
    kafka_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CRM_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("CRM_KAFKA_TOPIC_PREFIX", kafka_prefix)
    # The crash: published, and nothing sent.
    crm.run(DAY, publishes=True, sends=False)
    assert crm.run(DAY, publishes=True, sends=True).reminders_sent == 1
    assert crm.run(DAY, publishes=True, sends=True).reminders_sent == 0
    settings = KafkaSettings.load()
    consumer = kafka.consumer(settings, "test")
    consumer.subscribe([kafka.topic(settings, TOPIC)])
    records: list[kafka.Record] = []
    while not records:
        records = kafka.records_of(consumer.poll(timeout_ms=1000))
    consumer.close()
    [event] = [ADAPTER.validate_json(record.value or b"") for record in records]
    [(published,)] = crm.query("select reminder_id from acrm.due_reminders")
    assert (event.reminder_id, event.rule_code) == (published, "R02.LOAN_MATURES")
    assert event.subject == "loan:21"


def test_a_failed_run_is_written_down(delivered: Bank, crm: Batch) -> None:
    with (
        pytest.raises(NotReadyError, match="planted"),
        opened(crm.settings, DAY, "run") as (_, _, _),
    ):
        raise NotReadyError("planted")
    assert crm.query("select outcome, message from acrm.runs") == [("not_ready", "planted")]
