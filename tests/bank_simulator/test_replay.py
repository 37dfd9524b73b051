"""Events of a day: equal to what the event classes write, in order, and faulty as ordered."""

import gc
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import duckdb
import pytest
from pydantic import TypeAdapter

from bank_simulator import replay
from bank_simulator.plan import Plan
from bank_simulator.replay import Faults, Message
from crm_shared.errors import ContractError, NotReadyError, ServerUnavailableError, UsageError
from crm_shared.events import cards, customers, loans, tickets, transactions
from crm_shared.events.envelope import Event
from crm_shared.events.from_bank import TOPICS
from crm_shared.events.transactions import AccountClosedEvent, TransactionEvent
from crm_shared.ids import event_id
from crm_shared.landing import TABLES, read_manifest
from crm_shared.settings import KafkaSettings
from crm_shared.testing.network import free_port
from crm_shared.testing.topics import read_all
from tests.bank_simulator.conftest import rows


def event_of(message: Message) -> Event:
    """The event that a message is."""
    adapters: dict[str, TypeAdapter[Any]] = {
        module.TOPIC: module.ADAPTER for module in (transactions, loans, cards, customers, tickets)
    }
    event: Event = adapters[message.topic].validate_json(message.body)
    return event


@pytest.fixture(scope="session")
def sent(bank: Path, plan: Plan) -> list[Message]:
    """The messages of the last day."""
    return list(replay.messages(bank, plan.last))


def test_messages_are_byte_for_byte_those_of_the_event_classes(sent: list[Message]) -> None:
    for message in sent:
        event = event_of(message)
        assert event.to_bytes() == message.body.encode()
        assert event.key == message.key.encode()


def test_ids_are_computed_from_the_facts(sent: list[Message]) -> None:
    for message in sent:
        event = event_of(message)
        if isinstance(event, TransactionEvent):
            assert event.event_id == event_id("transaction", str(event.txn_id))


def test_every_booking_closure_and_loan_event_of_the_day_is_sent(
    sent: list[Message], landing: duckdb.DuckDBPyConnection, plan: Plan
) -> None:
    kinds = Counter(json.loads(message.body)["type"] for message in sent)
    day = f"DATE '{plan.last}'"
    for kind, query in (
        ("transaction.booked", f"transactions_delivered WHERE business_date = {day}"),
        ("account.closed", f"deposit_accounts_delivered WHERE closed_on = {day}"),
        ("loan.changed", f"loan_events_delivered WHERE business_date = {day}"),
        ("card.booked", f"card_transactions_delivered WHERE business_date = {day}"),
    ):
        assert rows(landing, f"SELECT count(*) FROM {query}") == [(kinds[kind],)]
    assert kinds["account.closed"] > 0


def test_closing_pays_out_what_was_left(sent: list[Message]) -> None:
    events = [event_of(message) for message in sent]
    balances = {str(e.closing_balance) for e in events if isinstance(e, AccountClosedEvent)}
    assert {"600.00", "0.00"} <= balances


def test_messages_go_out_in_event_order(sent: list[Message]) -> None:
    times = [json.loads(message.body)["occurred_at"] for message in sent]
    assert times == sorted(times)


def test_no_personal_data_travels(sent: list[Message], landing: duckdb.DuckDBPyConnection) -> None:
    columns = (column for table in TABLES.values() for column in table.columns)
    personal = {column.name for column in columns if column.personal}
    assert not {name for message in sent for name in json.loads(message.body)} & personal
    everything = "\n".join(message.body for message in sent)
    for phone, document in rows(landing, "SELECT phone, document_no FROM customers LIMIT 200"):
        assert phone is None or str(phone) not in everything
        assert document is None or str(document) not in everything


def test_duplicates_are_the_same_event_again(bank: Path, plan: Plan, sent: list[Message]) -> None:
    twice = list(replay.messages(bank, plan.last, Faults(duplicates=100)))
    assert Counter(twice) == Counter(sent + sent)


def test_disorder_loses_nothing(bank: Path, plan: Plan, sent: list[Message]) -> None:
    shuffled = list(replay.messages(bank, plan.last, Faults(disorder=3600)))
    assert shuffled != sent
    assert Counter(shuffled) == Counter(sent)


def test_late_events_come_after_all_others(bank: Path, plan: Plan, sent: list[Message]) -> None:
    late = list(replay.messages(bank, plan.last, Faults(late=20)))
    assert Counter(late) == Counter(sent)
    times = [json.loads(message.body)["occurred_at"] for message in late]
    drops = [n for n, (one, other) in enumerate(pairwise(times)) if other < one]
    assert len(drops) == 1


def test_poison_is_no_event(bank: Path, plan: Plan, sent: list[Message]) -> None:
    poisoned = Counter(replay.messages(bank, plan.last, Faults(poison=5))) - Counter(sent)
    assert sum(poisoned.values()) == 5
    for message in poisoned:
        with pytest.raises(ValueError, match="validation error"):
            transactions.ADAPTER.validate_json(message.body)


def test_a_day_that_was_not_delivered_is_not_ready(bank: Path, plan: Plan) -> None:
    with pytest.raises(NotReadyError, match="has not arrived"):
        list(replay.messages(bank, plan.first.replace(year=2020)))


def test_a_spoilt_file_is_one_sentence(tmp_path: Path, bank: Path, plan: Plan) -> None:
    folder = f"business_date={plan.first}"
    (tmp_path / folder).mkdir()
    for path in (bank / folder).iterdir():
        (tmp_path / folder / path.name).write_bytes(path.read_bytes())
    (tmp_path / folder / "transactions.parquet").write_bytes(b"nonsense")
    with pytest.raises(ContractError, match="deliver the day again"):
        list(replay.messages(tmp_path, plan.first))


def test_a_table_that_the_source_does_not_have_is_no_events(
    tmp_path: Path, bank: Path, plan: Plan, sent: list[Message]
) -> None:
    copytree(bank, tmp_path / "bank", ignore=ignore_patterns("*-04-*", "*-05-0*", "answers"))
    manifest = read_manifest(bank, plan.last)
    kept = {
        name: file for name, file in manifest.tables.items()
        if name not in {"loan_events", "card_transactions", "card_statements", "credit_cards"}
    }  # fmt: skip
    manifest.model_copy(update={"tables": kept}).write(tmp_path / "bank")
    received = list(replay.messages(tmp_path / "bank", plan.last))
    gone = {loans.TOPIC, cards.TOPIC}
    assert received == [message for message in sent if message.topic not in gone]


def test_customers_whose_data_changed_are_told_with_columns_and_without_values(
    sent: list[Message], landing: duckdb.DuckDBPyConnection, plan: Plan
) -> None:
    told = {
        event.customer_id: event.fields
        for event in map(event_of, sent) if isinstance(event, customers.CustomerDataChanged)
    }  # fmt: skip
    assert {("phone",), ("name",), ("education",)} <= set(told.values())
    customer = next(one for one, fields in told.items() if fields == ("phone",))
    phones = f"SELECT DISTINCT phone FROM customers_delivered WHERE customer_id = {customer}"
    assert len(rows(landing, phones)) == 2


def test_a_bank_without_tickets_of_its_lobbies_sends_none(
    tmp_path: Path, bank: Path, plan: Plan, sent: list[Message]
) -> None:
    copytree(bank, tmp_path / "bank", ignore=ignore_patterns("*-04-*", "*-05-0*", "live"))
    received = list(replay.messages(tmp_path / "bank", plan.last))
    assert received == [message for message in sent if message.topic != tickets.TOPIC]
    assert len(received) < len(sent)


def test_wrong_faults_are_refused() -> None:
    with pytest.raises(UsageError, match="percentages"):
        Faults(duplicates=101).check()
    with pytest.raises(UsageError, match="negative"):
        Faults(poison=-1).check()


@pytest.mark.kafka
def test_a_replayed_day_lies_in_the_topics_once_it_is_reported(
    bank: Path, plan: Plan, sent: list[Message], kafka_bootstrap: str, kafka_prefix: str
) -> None:
    settings = KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix)
    report = replay.replay(settings, bank, plan.last)
    assert report.messages == len(sent)
    stored = [
        Message(topic, (record.key or b"").decode(), (record.value or b"").decode())
        for topic in TOPICS for record in read_all(settings, topic)
    ]  # fmt: skip
    assert Counter(stored) == Counter(sent)
    assert {record.partition for record in read_all(settings, transactions.TOPIC)} == {0, 1, 2, 3}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_silent_broker_is_one_sentence(
    bank: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_shared.kafka.CONNECT_TIMEOUT_SECONDS", 0.5)
    settings = KafkaSettings(bootstrap=f"127.0.0.1:{free_port()}")
    with pytest.raises(ServerUnavailableError, match="No Kafka broker answers"):
        replay.replay(settings, bank, plan.last)
    gc.collect()  # the client leaves its socket to the garbage collector, which warns
