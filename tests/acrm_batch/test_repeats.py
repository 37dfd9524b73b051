"""An event that came with one day is refused with another, unless its own day is corrected."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from acrm_batch import batch
from acrm_batch.repeats import DAYS, comes_once
from crm_shared.errors import CrmError, ExitCode
from crm_shared.landing import TABLES
from tests.acrm_batch.bank import Bank, noon, write_day
from tests.acrm_batch.conftest import FIRST, SECOND, THIRD, Batch

EVENTS: dict[str, dict[str, Any]] = {
    "transactions": {
        "txn_id": 7, "account_id": 11, "customer_id": 1, "branch_id": "A", "direction": "credit",
        "amount": Decimal(5), "currency": "CNY", "channel": "counter", "txn_type": "other",
    },
    "contacts": {"contact_id": 7, "customer_id": 1, "channel": "sms", "contact_class": "care"},
    "card_transactions": {
        "card_txn_id": 7, "card_id": 31, "customer_id": 1, "direction": "debit",
        "amount": Decimal(5),
    },
    "loan_events": {
        "event_no": 7, "loan_id": 21, "customer_id": 1, "branch_id": "A", "change": "arrears",
        "days_overdue": 3,
    },
}  # fmt: skip

#: A table and the instant of its events.
INSTANTS = {"transactions": "booked_at", "contacts": "contacted_at",
            "card_transactions": "booked_at", "loan_events": "occurred_at"}  # fmt: skip


def deliver(bank: Bank, table: str, on: date, *ids: int, opening: bool = False, **row: Any) -> None:
    """A day with these events of a table, and nothing else."""
    [key] = TABLES[table].key
    event = EVENTS[table] | {INSTANTS[table]: noon(on)} | row
    rows = [event | {key: one} for one in ids]
    write_day(bank.landing, on, {table: rows}, full=on == FIRST, opening=opening)


def accept(crm: Batch, day: date) -> int:
    """Accept what was delivered up to a day; how many days that were."""
    with batch.opened(crm.settings, day, "run") as (runner, _, run_id):
        return runner.accept(run_id, day, 1)


def refused(crm: Batch, day: date) -> CrmError:
    """Why a day is refused; the ledger must not know more days after than before."""
    before = crm.query("select * from acrm.accepted_days order by 1")
    with pytest.raises(CrmError) as caught:
        accept(crm, day)
    assert crm.query("select * from acrm.accepted_days order by 1") == before
    return caught.value


def test_every_event_with_an_id_of_its_own_is_looked_for() -> None:
    assert {table.name for table in TABLES.values() if comes_once(table)} == set(EVENTS)


@pytest.mark.parametrize("table", EVENTS)
def test_an_event_of_an_earlier_day_is_refused(table: str, bank: Bank, crm: Batch) -> None:
    deliver(bank, table, FIRST, 7, 8, 9)
    accept(crm, FIRST)
    deliver(bank, table, SECOND, 8, 9, 10)
    error = refused(crm, SECOND)
    [key] = TABLES[table].key
    assert f"business_date=2026-01-02/{table}.parquet: 2 rows of {table} are" in error.sentence
    assert f"for instance {key} 8, with 2026-01-01)" in error.sentence
    assert "have 2026-01-02 delivered again without them" in error.sentence
    assert error.exit_code == ExitCode.BLOCKED


def test_of_days_that_are_accepted_at_once_the_later_is_refused(bank: Bank, crm: Batch) -> None:
    deliver(bank, "contacts", FIRST, 7)
    deliver(bank, "contacts", SECOND, 8)
    deliver(bank, "contacts", THIRD, 7)
    assert "business_date=2026-01-03/contacts.parquet: 1 rows" in refused(crm, THIRD).sentence


def test_a_correction_of_the_day_of_an_event_is_accepted(bank: Bank, crm: Batch) -> None:
    deliver(bank, "contacts", FIRST, 7)
    deliver(bank, "contacts", SECOND, 8)
    accept(crm, SECOND)
    deliver(bank, "contacts", FIRST, 7, result="reached")
    assert accept(crm, SECOND) == 1


def test_an_event_may_move_to_its_right_day_when_both_days_come_again(
    bank: Bank, crm: Batch
) -> None:
    deliver(bank, "contacts", FIRST, 7)
    deliver(bank, "contacts", SECOND, 8)
    accept(crm, SECOND)
    deliver(bank, "contacts", FIRST, 8)
    assert "(for instance contact_id 8, with 2026-01-02)" in refused(crm, SECOND).sentence
    deliver(bank, "contacts", SECOND, 7)
    assert accept(crm, SECOND) == 2


def test_an_id_may_come_again_in_a_new_history(bank: Bank, crm: Batch) -> None:
    deliver(bank, "contacts", FIRST, 7)
    accept(crm, FIRST)
    deliver(bank, "contacts", THIRD, 7, opening=True)
    assert accept(crm, THIRD) == 1


@pytest.mark.parametrize(("days", "is_refused"), [(DAYS, True), (DAYS + 1, False)])
def test_events_are_looked_for_in_a_bounded_time(
    days: int, is_refused: bool, bank: Bank, crm: Batch
) -> None:
    far = FIRST + timedelta(days=days)
    deliver(bank, "contacts", FIRST, 7)
    deliver(bank, "contacts", far, 7)
    if is_refused:
        assert "with 2026-01-01)" in refused(crm, far).sentence
    else:
        assert accept(crm, far) == 2


def test_a_delivery_whose_file_is_no_longer_kept_is_not_looked_into(bank: Bank, crm: Batch) -> None:
    deliver(bank, "contacts", FIRST, 7)
    accept(crm, FIRST)
    (bank.landing / "business_date=2026-01-01" / "contacts.parquet").unlink()
    deliver(bank, "contacts", SECOND, 7)
    assert accept(crm, SECOND) == 1


def test_a_day_that_an_older_version_accepted_is_compared_when_it_is_run_again(
    bank: Bank, crm: Batch
) -> None:
    deliver(bank, "contacts", FIRST, 7)
    accept(crm, FIRST)
    file = bank.landing / "business_date=2026-01-01" / "contacts.parquet"
    aside = file.rename(bank.landing / "aside")
    deliver(bank, "contacts", SECOND, 7)
    accept(crm, SECOND)
    aside.rename(file)
    # Older versions compared nothing, and so left it.
    crm.query("delete from acrm.compared_days returning 1")
    for _ in range(2):
        sentence = refused(crm, SECOND).sentence
        assert "contact_id 7, with 2026-01-01); have 2026-01-02 delivered again" in sentence
    assert refused(crm, FIRST).sentence.count("or 2026-01-02 if that is the wrong one") == 1
    # Later nights are made all the same, and the day's own delivery mends it.
    deliver(bank, "contacts", THIRD, 9)
    assert accept(crm, THIRD) == 1
    deliver(bank, "contacts", SECOND, 8)
    assert accept(crm, SECOND) == 1
    assert accept(crm, FIRST) == 0
    assert crm.query("select * from acrm.compared_days order by 1") == [
        (FIRST,), (SECOND,), (THIRD,)
    ]  # fmt: skip


def test_the_end_of_a_reminder_comes_with_its_own_day_alone(bank: Bank, crm: Batch) -> None:
    ended = {
        "reminder_id": "r", "rule_code": "D01", "customer_id": 1, "branch_id": "A",
        "manager_id": "m", "ended_at": noon(FIRST), "minutes_open": 5, "state": "done",
    }  # fmt: skip
    write_day(bank.landing, FIRST, {"reminder_outcomes": [ended]}, full=True)
    accept(crm, FIRST)
    write_day(bank.landing, SECOND, {"reminder_outcomes": [ended]})
    assert (
        "column ended_at are not of the bank's day of the folder" in refused(crm, SECOND).sentence
    )
    # One that was raised again may end again.
    write_day(bank.landing, SECOND, {"reminder_outcomes": [ended | {"ended_at": noon(SECOND)}]})
    assert accept(crm, SECOND) == 1
