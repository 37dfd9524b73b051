"""Stages of life and RFM of a small bank, read by hand from docs/rules/tiers.md."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch, batch_over
from tests.databases import PostgresDatabase

DAY = date(2026, 5, 5)

#: A day of this many days ago.
AGO = {days: DAY - timedelta(days=days) for days in (1, 5, 10, 89, 90)}


def spend(bank: Bank, customer: int, ago: int, amount: int, **row: Any) -> None:
    """A booking of the customer's own, some days ago."""
    bank.move(customer, AGO[ago], -amount, txn_type="cash_out", **row)


def stages(bank: Bank) -> None:
    """Customers 1 to 15, each with an account of the same number."""
    for customer in range(1, 16):
        bank.customer(customer)
    bank.account(2, 2, "A", closed_on=date(2026, 2, 1))
    bank.account(3, 3, "A", opened_on=AGO[89])
    bank.account(4, 4, "A", opened_on=AGO[90])
    bank.move(4, AGO[90], "9999.99")
    for customer, balance in ((5, 10000), (6, 5000), (7, 5010), (8, 5000), (13, 5000)):
        bank.account(customer, customer, "A", balance)
    spend(bank, 6, 90, 1)
    spend(bank, 7, 89, 10)
    bank.loan(80, 8, "A")
    for customer, balance, change in (
        (9, 20000, -2000), (10, 20000, "-1999.99"), (11, 20000, 2000), (12, 10000, "999.99")
    ):  # fmt: skip
        bank.account(customer, customer, "A", balance)
        bank.move(customer, date(2026, 3, 15), change)
    mistaken = bank.numbers + 1
    spend(bank, 13, 10, 7)
    bank.move(13, AGO[5], 7, txn_type="cash_out", reverses_txn_id=mistaken)
    bank.account(14, 14, "A", 5000)
    bank.move(14, AGO[5], -7, txn_type="cash_out", channel="system")
    bank.card(150, 15, "A", closed_on=date(2026, 4, 1))


@pytest.fixture(scope="module")
def run(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    """The customers of `stages`, and 20 and 21, who do more themselves."""
    folder = tmp_path_factory.mktemp("lifecycle")
    bank = Bank(folder / "landing", FIRST)
    stages(bank)
    for customer in (20, 21):
        bank.account(bank.customer(customer), customer, "A", 20000)
    for amount in (10, 15, 5):
        spend(bank, 20, 1, amount)
    spend(bank, 21, 1, 500)
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        crm.run(DAY, selectors=("ind_value",))
        yield crm


def test_every_stage(run: Batch) -> None:
    found = dict(run.rows("ind_value", DAY, "customer_id, lifecycle"))
    assert found == {
        1: "prospect",
        2: "lost",
        3: "new",
        4: "dormant",  # opened 90 days ago, a cent below the threshold
        5: "stable",  # as much as the threshold
        6: "dormant",  # last seen 90 days ago
        7: "stable",  # last seen 89 days ago
        8: "stable",  # has a loan
        9: "declining",  # by a tenth, and by enough
        10: "stable",
        11: "growing",
        12: "stable",  # by a tenth nearly
        13: "dormant",  # took back what he did
        14: "dormant",  # did nothing himself
        15: "lost",
        20: "stable",
        21: "stable",
    }


def test_the_first_business_may_be_over(run: Batch) -> None:
    found = dict(run.rows("ind_value", DAY, "customer_id, first_on"))
    assert found[1] is None
    assert found[3] == AGO[89]
    assert found[15] == date(2021, 1, 1)


def test_quintiles_of_whoever_did_anything_himself(run: Batch) -> None:
    columns = "customer_id, rfm, rfm_last_on, rfm_cnt, rfm_amt"
    found = [row for row in run.rows("ind_value", DAY, columns) if row[1]]
    assert found == [
        (7, "R2F4M2", AGO[89], 1, 10),
        (20, "R5F5M4", AGO[1], 3, 30),
        (21, "R5F4M5", AGO[1], 1, Decimal("500.00")),
    ]


def test_nobody_is_dormant_before_enough_days_are_known(run: Batch) -> None:
    early = date(2026, 3, 30)
    run.run(early, selectors=("int_lifecycle",))
    assert "dormant" not in run.rows("int_lifecycle", early, "lifecycle")
    run.run(early + timedelta(days=1), selectors=("int_lifecycle",))
    assert "dormant" in run.rows("int_lifecycle", early + timedelta(days=1), "lifecycle")


ACTIVITY = ("active", "quiet", "dormant")


def activities(crm: Batch, day: date) -> dict[object, list[str]]:
    """What the tag says of every customer."""
    columns = ", ".join(f"tag_activity_transactions_{one}" for one in ACTIVITY)
    rows = crm.rows("tag_customers", day, f"customer_id, {columns}, tag_potential_t06_no_txn")
    named = (*ACTIVITY, "no_txn")
    return {
        who: [one for one, holds in zip(named, said, strict=True) if holds] for who, *said in rows
    }


def sleepers(bank: Bank) -> None:
    """Two who did something themselves 90 and 89 days ago, and get interest since."""
    for customer, ago in ((1, 90), (2, 89)):
        bank.account(bank.customer(customer), customer, "A", 100)
        spend(bank, customer, ago, 1)
        bank.move(customer, AGO[10], 3, txn_type="interest", channel="system")
    bank.deliver(DAY)


def test_interest_wakes_nobody(bank: Bank, crm: Batch) -> None:
    sleepers(bank)
    crm.run(DAY, selectors=("tag_customers",))
    assert activities(crm, DAY) == {1: ["dormant", "no_txn"], 2: ["quiet"]}


def test_more_days_than_90_are_looked_at(bank: Bank, crm: Batch, tmp_path: Path) -> None:
    sleepers(bank)
    crm.settings.parameters_file = tmp_path / "params.yml"
    crm.settings.parameters_file.write_text(
        "- {code: activity.dormant_days, values: [{value: 91}]}\n"
    )
    crm.run(DAY, selectors=("tag_customers",))
    assert activities(crm, DAY)[1] == ["quiet", "no_txn"]


def test_of_a_short_history_nobody_is_said_to_sleep(bank: Bank, crm: Batch) -> None:
    bank.account(bank.customer(1), 1, "A", 100)
    day = FIRST + timedelta(days=88)
    bank.deliver(day + timedelta(days=1))
    crm.run(day, selectors=("tag_customers",))
    crm.run(day + timedelta(days=1), selectors=("tag_customers",))
    assert activities(crm, day) == {1: []}
    assert activities(crm, day + timedelta(days=1)) == {1: ["dormant", "no_txn"]}


def became_dormant(crm: Batch, on: date) -> list[tuple[Any, ...]]:
    """Who is said to have become dormant."""
    columns = "customer_id, rule_code, reminder_window"
    found = crm.rows("int_reminders_changes", on, columns)
    return [(who, window) for who, code, window in found if code == "R04.DORMANT"]


def test_a_shorter_time_makes_dormant_on_the_day_it_begins(
    bank: Bank, crm: Batch, tmp_path: Path
) -> None:
    """From DAY on, 60 days instead of 90: 70 days ago becomes dormant, 5 does not, 95 was."""
    yesterday = DAY - timedelta(days=1)
    for customer, ago in ((1, 70), (2, 5), (3, 95)):
        bank.account(bank.customer(customer), customer, "A", 100)
        bank.move(customer, DAY - timedelta(days=ago), -1, txn_type="cash_out")
    bank.deliver(DAY)
    crm.settings.parameters_file = tmp_path / "params.yml"
    crm.settings.parameters_file.write_text(
        "- {code: lifecycle.dormant_days, values: [{value: 90},"
        f" {{value: 60, effective_from: {DAY}}}]}}\n"
    )
    for on in (yesterday, DAY):
        crm.run(on, selectors=("int_reminders_changes",))
    assert became_dormant(crm, yesterday) == []
    assert became_dormant(crm, DAY) == [(1, f"since:{DAY - timedelta(days=70)}")]


def test_who_moves_to_another_legal_entity_becomes_dormant_by_its_days(
    bank: Bank, crm: Batch, tmp_path: Path
) -> None:
    bank.account(bank.customer(1), 1, "A", 100)
    bank.move(1, DAY - timedelta(days=70), -1, txn_type="cash_out")
    [(_, told)] = bank.rows["customers"]
    bank.add("customers", DAY, **told | {"home_branch_id": "C"})
    bank.deliver(DAY)
    crm.settings.parameters_file = tmp_path / "params.yml"
    crm.settings.parameters_file.write_text(
        "- {code: lifecycle.dormant_days, values: [{value: 90}, {value: 60, legal_entity: L2}]}\n"
    )
    crm.run(DAY, selectors=("int_reminders_changes",))
    assert became_dormant(crm, DAY) == [(1, f"since:{DAY - timedelta(days=70)}")]
