"""Publication: one transaction, for those who may see it, and the reminders after it."""

import json
from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest

from acrm_batch import ledger
from acrm_batch.batch import opened
from crm_shared import kafka
from crm_shared.errors import NotReadyError
from crm_shared.events.reminders import ADAPTER, TOPIC
from crm_shared.personal_data import Protector
from crm_shared.published import TABLES
from crm_shared.settings import KafkaSettings
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import DATA_KEY, FIRST, Batch
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


def seen(crm: Batch, branches: list[str], query: str) -> list[object]:
    """What the OCRM's role sees with a scope of these branches."""
    with psycopg.connect(crm.database.ocrm_app) as connection:
        with psycopg.connect(crm.database.ocrm_owner) as owner:
            owner.execute("grant select on ocrm.scopes to ocrm_app")
            owner.execute("delete from ocrm.scopes")
            owner.execute("insert into ocrm.scopes values ('s', %s)", (branches,))
        connection.execute("select set_config('app.scope', 's', true)")
        return list(connection.execute(query.encode()).fetchall())


def test_every_table_has_a_partition_of_the_date(delivered: Bank, crm: Batch) -> None:
    result = crm.run(DAY, publishes=True)
    assert result.publication is not None
    assert set(result.publication.row_counts) == set(TABLES)
    for name, rows in result.publication.row_counts.items():
        assert crm.query(f"select count(*) from acrm.{name}") == [(rows,)]
    assert crm.query("select acrm.current_business_date()") == [(DAY,)]
    assert crm.query("select deposit_balance from acrm.coverage order by branch_id, role") == [
        (Decimal("150.15"),), (Decimal("50.05"),), (Decimal("0.00"),)]  # fmt: skip


def test_a_branch_sees_its_own_rows_and_nobody_sees_a_partition(
    delivered: Bank, crm: Batch
) -> None:
    crm.run(DAY, publishes=True)
    coverage = "select branch_id from acrm.coverage order by 1"
    assert seen(crm, ["B"], coverage) == [("B",)]
    assert seen(crm, ["B"], "select customer_id from acrm.customer_indicators") == []
    assert seen(crm, ["A"], "select customer_id from acrm.customer_indicators") == [(1,)]
    assert seen(crm, [], coverage) == []
    for table in TABLES:
        for role in (crm.database.ocrm_app, crm.database.ocrm_owner):
            with (
                psycopg.connect(role) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(f"select * from acrm.{table}_20260102".encode())


def test_personal_numbers_are_protected(delivered: Bank, crm: Batch) -> None:
    crm.run(DAY, publishes=True)
    [(name, masked, encrypted, index)] = crm.query(
        "select name, phone_masked, phone_encrypted, phone_index from acrm.customers"
        " where customer_id = 1"
    )
    protector = Protector(DATA_KEY)
    assert name == "张三,“甲”\\"
    assert "13800000000" not in masked
    assert protector.decrypt(encrypted) == "13800000000"
    assert index == protector.blind_index("13800000000")


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
    for day in (date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 2)):
        crm.run(day, publishes=True)
    kept = [(date(2026, 1, 31),), (date(2026, 2, 2),)]
    assert crm.query("select business_date from acrm.publications order by 1") == kept
    assert crm.query("select distinct business_date from acrm.coverage order by 1") == kept


def test_indicators_of_the_branches_add_up(delivered: Bank, crm: Batch) -> None:
    crm.run(DAY, publishes=True)
    [(customer,)] = crm.query(
        "select indicators from acrm.customer_indicators where customer_id = 1"
    )
    branches = crm.query(
        "select indicators->>'DEP_BAL' from acrm.customer_branch_indicators where customer_id = 1"
        " order by branch_id"
    )
    assert branches == [("100.10",), ("50.05",)]
    assert (customer["DEP_BAL"], customer["DEP_ACCT_CNT"]) == ("150.15", 2)
    assert "LOAN_NEXT_DUE_ON" not in customer


def test_the_dictionary_names_every_published_code(delivered: Bank, crm: Batch) -> None:
    crm.run(DAY, publishes=True)
    published = crm.query(
        "select jsonb_object_keys(indicators) from acrm.customer_indicators union"
        " select jsonb_object_keys(indicators) from acrm.branch_indicators union"
        " select unnest(tags) from acrm.customer_tags"
    )
    documented = crm.query("select code from acrm.dictionary")
    assert set(published) <= set(documented)


def test_decisions_say_why(delivered: Bank, crm: Batch) -> None:
    crm.run(DAY, publishes=True)
    [(rule, inputs)] = crm.query(
        "select rule, inputs from acrm.coverage_decisions where customer_id = 1"
    )
    assert rule == "deposit"
    assert [one["branch_id"] for one in inputs["averages"]] == ["A", "B"]
    assert inputs["parameters"]["coverage.averaging_days"] == 30
    assert json.dumps(inputs).count("null") == 0


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
