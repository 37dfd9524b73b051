"""Publication: replacing, keeping and dropping dates, and the reminders after it."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from signal import SIGKILL

import psycopg
import pytest
from rich.console import Console
from typer.testing import CliRunner

from acrm_batch import batch, ledger
from acrm_batch.batch import opened
from acrm_batch.cli import app
from acrm_batch.progress import Progress
from crm_shared import kafka
from crm_shared.errors import CrmError, ExitCode, NotReadyError, UsageError
from crm_shared.events.reminders import ADAPTER, TOPIC, ReminderRaised, ReminderWithdrawn
from crm_shared.kafka_records import Record
from crm_shared.settings import KafkaSettings
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, SECOND, THIRD, Batch, Filling, Kept, Start
from tests.acrm_batch.processes import KILLED, environment, finish, start
from tests.databases import PostgresDatabase

DAY = date(2026, 1, 2)
SETTLED, MISTAKEN = DAY + timedelta(days=1), DAY + timedelta(days=2)


def with_loan(bank: Bank) -> Bank:
    """A customer of branches A (lead) and B, with a phone and a loan that matures."""
    bank.customer(1, phone="13800000000", document_no="X1", name="张三,“甲”\\")
    bank.account(11, 1, "A", "100.10")
    bank.account(12, 1, "B", "50.05")
    bank.customer(2, home="C")
    bank.loan(21, 2, "C", matures_on=DAY + timedelta(days=30), balance=Decimal("700.00"))
    bank.deliver(DAY)
    return bank


@pytest.fixture
def delivered(bank: Bank) -> Bank:
    """The bank of one test, of which nothing is made."""
    return with_loan(bank)


@pytest.fixture(scope="module")
def filling() -> Filling:
    """The bank of `ready`, and the date that is made of it."""
    return with_loan, DAY


def test_publishing_again_replaces_the_date_and_keeps_the_others(ready: Start) -> None:
    bank, crm = ready.bank, ready.crm
    crm.run(FIRST)
    with Progress(Console(), quiet=True) as progress:
        batch.publish_date(crm.settings, FIRST, progress, sends=False)
    crm.run(DAY, publishes=True)
    again = crm.run(DAY, publishes=True)
    assert again.publication is not None and not again.publication.changed
    bank.move(11, DAY, 1)
    bank.deliver(DAY, since=DAY)
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


def test_a_date_that_would_be_dropped_at_once_is_refused(made: Start) -> None:
    crm = made.crm
    crm.settings.keep_dates = 1
    crm.run(SECOND, publishes=True)
    told = "2026-01-01 would be dropped .* ACRM_KEEP_DATES.* --no-publish"
    with pytest.raises(UsageError, match=told):
        crm.run(FIRST, publishes=True)
    with Progress(Console(), quiet=True) as progress, pytest.raises(UsageError, match=told):
        batch.publish_date(crm.settings, FIRST, progress, sends=False)
    assert crm.query("select business_date from acrm.publications") == [(SECOND,)]


def test_a_backfill_publishes_only_what_is_kept(
    made: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = made.crm
    for name, value in environment(crm).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ACRM_KEEP_DATES", "1")
    command = ["backfill", "--from", str(FIRST), "--to", str(THIRD), "--json"]
    done = CliRunner().invoke(app, command)
    assert [day["published"] for day in json.loads(done.stdout)] == [False, False, True]
    assert done.stderr == (
        "Not published, because ACRM_KEEP_DATES keeps the newest 1 and month ends: 2 from"
        " 2026-01-01 to 2026-01-02.\n"
    )


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


@pytest.fixture
def topics(kafka_bootstrap: str, kafka_prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics of this test alone."""
    monkeypatch.setenv("CRM_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("CRM_KAFKA_TOPIC_PREFIX", kafka_prefix)


def told(count: int) -> list[ReminderRaised | ReminderWithdrawn]:
    """What lies in the topic, as soon as there are so many."""
    settings = KafkaSettings.load()
    consumer = kafka.consumer(settings, "test")
    consumer.subscribe([kafka.topic(settings, TOPIC)])
    records: list[Record] = []
    while len(records) < count:
        records += kafka.records_of(consumer.poll(timeout_ms=1000))
    consumer.close()
    return [ADAPTER.validate_json(record.value or b"") for record in records]


def sent(crm: Batch, day: date) -> tuple[int, int]:
    """Run a date to its end: how many reminders were sent, and how many withdrawn."""
    result = crm.run(day, publishes=True, sends=True)
    return result.reminders_sent, result.reminders_withdrawn


@pytest.mark.kafka
@pytest.mark.usefixtures("topics")
def test_due_reminders_are_sent_once_and_again_after_a_crash(ready: Start) -> None:
    crm = ready.crm
    # The crash: published, and nothing sent.
    crm.run(DAY, publishes=True, sends=False)
    assert sent(crm, DAY) == (1, 0)
    assert sent(crm, DAY) == (0, 0)
    [event] = told(1)
    [(published,)] = crm.query("select reminder_id from acrm.due_reminders")
    assert (event.reminder_id, event.rule_code) == (published, "R02.LOAN_MATURES")
    assert event.subject == "loan:21"


@pytest.fixture(scope="module")
def settled_nights(night: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """The loan is settled, which is a mistake: the night after it is due again."""
    with (
        pytest.MonkeyPatch.context() as patch,
        night.copied(tmp_path_factory.mktemp("settled"), patch) as begun,
    ):
        bank, crm = begun.bank, begun.crm
        loan = bank.rows["loans"][0][1]
        bank.add("loans", SETTLED, **{**loan, "status": "settled"})
        bank.add("loans", MISTAKEN, **loan)
        bank.deliver(MISTAKEN, since=SETTLED)
        for day in (SETTLED, MISTAKEN):
            crm.run(day)
        yield Kept(bank, crm, night.environment)


@pytest.fixture
def settled(
    settled_nights: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Batch]:
    """The bank of one test whose three nights are made, and not published."""
    with settled_nights.copied(tmp_path, monkeypatch) as begun:
        yield begun.crm


@pytest.mark.kafka
@pytest.mark.usefixtures("topics")
def test_what_is_not_due_any_more_is_withdrawn_and_raised_again_when_it_is_due(
    settled: Batch,
) -> None:
    crm = settled
    assert sent(crm, DAY) == (1, 0)
    due_on = DAY + timedelta(days=30)
    # The crash: published, and nothing sent.
    crm.run(SETTLED, publishes=True, sends=False)
    assert sent(crm, SETTLED) == (0, 1)
    assert sent(crm, SETTLED) == (0, 0)
    withdrawn = told(2)[1]
    assert isinstance(withdrawn, ReminderWithdrawn)
    assert (withdrawn.subject, withdrawn.window) == ("loan:21", f"due:{due_on}")
    assert withdrawn.reason.startswith(f"On {SETTLED} it was no longer due on {due_on}")
    assert sent(crm, MISTAKEN) == (1, 0)
    raised = told(3)[2]
    assert isinstance(raised, ReminderRaised)
    assert (raised.reminder_id, raised.revision) == (withdrawn.reminder_id, 2)
    assert withdrawn.revision == 1


@pytest.mark.faults
@pytest.mark.kafka
@pytest.mark.usefixtures("topics")
def test_killed_between_withdrawing_and_noting_it_can_raise_the_reminder_again(
    settled: Batch,
) -> None:
    crm = settled
    assert sent(crm, DAY) == (1, 0)
    killed = KILLED.format(owner="ledger.Ledger", name="record_reminders_sent", skip=0)
    assert finish(start(crm, killed, "run", "--date", str(SETTLED)))[0] == -SIGKILL
    assert sent(crm, MISTAKEN) == (1, 0)
    events = [(event.type, event.revision) for event in told(3)]
    assert events == [
        ("reminder.raised", 1), ("reminder.withdrawn", 1), ("reminder.raised", 2),
    ]  # fmt: skip


@pytest.mark.kafka
@pytest.mark.usefixtures("topics")
def test_arrears_that_are_paid_within_the_month_are_withdrawn(delivered: Bank, crm: Batch) -> None:
    delivered.loan(22, 2, "C", interest_arrears=Decimal(5))
    delivered.deliver(DAY)
    assert sent(crm, DAY) == (2, 0)
    paid = DAY + timedelta(days=1)
    loan = delivered.rows["loans"][1][1]
    delivered.add("loans", paid, **{**loan, "interest_arrears": Decimal(0)})
    delivered.deliver(paid, since=paid)
    assert sent(crm, paid) == (1, 1)
    assert (told(4)[3].rule_code, told(4)[3].window) == ("R03.ARREARS", "month:2026-01")


@pytest.mark.kafka
@pytest.mark.usefixtures("topics")
def test_a_corrected_day_withdraws_what_it_said_before(ready: Start) -> None:
    bank, crm = ready.bank, ready.crm
    assert sent(crm, DAY) == (1, 0)
    bank.rows["loans"][0][1]["matures_on"] += timedelta(days=-1)
    bank.deliver(DAY)
    assert sent(crm, DAY) == (1, 1)
    kinds = [(event.type, event.window) for event in told(3)]
    assert sorted(kinds[1:]) == [
        ("reminder.raised", f"due:{DAY + timedelta(days=29)}"),
        ("reminder.withdrawn", f"due:{DAY + timedelta(days=30)}"),
    ]


@pytest.mark.kafka
@pytest.mark.usefixtures("topics")
def test_more_days_ahead_of_one_legal_entity_withdraw_its_reminders_as_early(
    delivered: Bank, crm: Batch, tmp_path: Path
) -> None:
    crm.settings.parameters_file = tmp_path / "params.yml"
    crm.settings.parameters_file.write_text(
        "- code: due.loan_days\n  values: [{value: 30}, {legal_entity: L2, value: 60}]\n"
    )
    loan = delivered.rows["loans"][0][1]
    loan["matures_on"] = DAY + timedelta(days=55)
    delivered.deliver(DAY)
    assert sent(crm, DAY) == (1, 0)
    settled = DAY + timedelta(days=1)
    delivered.add("loans", settled, **{**loan, "status": "settled"})
    delivered.deliver(settled, since=settled)
    assert sent(crm, settled) == (0, 1)


@pytest.mark.kafka
@pytest.mark.usefixtures("topics")
def test_only_the_newest_published_date_is_sent(ready: Start) -> None:
    crm = ready.crm
    crm.run(DAY, publishes=True)
    assert sent(crm, FIRST) == (0, 0)
    assert sent(crm, DAY) == (1, 0)


def test_a_failed_run_is_written_down(delivered: Bank, crm: Batch) -> None:
    with (
        pytest.raises(NotReadyError, match="planted"),
        opened(crm.settings, DAY, "run") as (_, _, _),
    ):
        raise NotReadyError("planted")
    assert crm.query("select outcome, message from acrm.runs") == [("not_ready", "planted")]


def reading(crm: Batch, table: str) -> psycopg.Connection:
    """A reader in the middle of a transaction over a published table."""
    reader = psycopg.connect(crm.database.acrm_owner)
    reader.execute(f"select count(*) from acrm.{table}".encode())
    return reader


def test_publishing_again_waits_for_readers_without_making_others_wait(ready: Start) -> None:
    bank, crm = ready.bank, ready.crm
    crm.run(DAY, publishes=True)
    bank.move(11, DAY, 1)
    bank.deliver(DAY, since=DAY)
    with reading(crm, "coverage") as reader, ThreadPoolExecutor(1) as pool:
        running = pool.submit(crm.run, DAY, publishes=True)
        waits = "select count(*) from pg_locks where not granted"
        while crm.query(waits) == [(0,)]:
            assert not running.done()
        started = time.monotonic()
        with psycopg.connect(crm.database.acrm_owner) as other:
            other.execute("select count(*) from acrm.coverage")
        assert time.monotonic() - started < 5
        assert not running.done()
        reader.rollback()
        publication = running.result().publication
    assert publication is not None
    assert publication.changed


def test_old_dates_that_are_being_read_wait_for_the_next_publication(made: Start) -> None:
    crm = made.crm
    crm.settings.keep_dates = 1
    crm.run(FIRST, publishes=True)
    with reading(crm, "coverage_20260101"):
        publication = crm.run(DAY, publishes=True).publication
        assert publication is not None
        assert "readers were in the way of dropping old dates" in (publication.warning or "")
    assert crm.query("select business_date from acrm.publications order by 1") == [(FIRST,), (DAY,)]
    last = crm.run(THIRD, publishes=True).publication
    assert last is not None
    assert last.warning is None
    assert crm.query("select business_date from acrm.publications") == [(THIRD,)]


def test_a_failure_of_duckdb_is_a_sentence_and_ends_its_run(delivered: Bank, crm: Batch) -> None:
    crm.settings.memory_limit = "plenty"
    with pytest.raises(UsageError, match=r"memory limit 'plenty'.*correct ACRM_MEMORY_LIMIT"):
        crm.run(DAY)
    crm.settings.memory_limit = "1MB"
    with pytest.raises(CrmError, match="give it more memory") as caught:
        crm.run(DAY)
    assert caught.value.exit_code == ExitCode.FAILED
    crm.settings.memory_limit = "500MB"
    crm.run(DAY)
    partition = crm.settings.warehouse_dir / "int_coverage" / f"as_of={DAY}" / "data.parquet"
    partition.write_bytes(b"spoilt")
    with pytest.raises(CrmError, match="failed in DuckDB"):
        batch.audit_date(crm.settings, DAY, Progress(Console(), quiet=True))
    outcomes = crm.query("select outcome from acrm.runs order by started_at")
    assert outcomes[:3] == [("usage",), ("error",), ("ok",)]
    assert outcomes[-1] == ("error",)


@pytest.mark.parametrize(
    ("damaged", "told"),
    [
        ("pub_coverage", "rows of coverage"),
        ("mart_managers", "remove the partition of mart_managers from the warehouse"),
    ],
)
def test_a_damaged_partition_is_named_and_nothing_is_published(
    ready: Start, damaged: str, told: str
) -> None:
    crm = ready.crm
    path = crm.settings.warehouse_dir / damaged / f"as_of={DAY}" / "data.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CrmError, match=told):
        crm.run(DAY, publishes=True)
    assert crm.query("select count(*) from acrm.publications") == [(0,)]
