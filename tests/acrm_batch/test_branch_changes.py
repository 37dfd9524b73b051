"""Accounts that change their branch, and branches that merge: the ledger is still explained."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from acrm_batch.audits import AuditBlockedError
from tests.acrm_batch.bank import Bank, write_day
from tests.acrm_batch.conftest import Batch

JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)
MOVED, NEXT_DAY, MARCH = date(2026, 2, 10), date(2026, 2, 11), date(2026, 3, 2)

LEDGER = "branch_id, ledger_balance, deposit_balance, year_in, year_out"


@pytest.fixture
def filled(bank: Bank) -> Bank:
    """Two accounts at A and one at B, each with a booking in January."""
    bank.customer(1)
    for account, branch, balance in ((11, "A", 100), (12, "A", 20), (13, "B", 5)):
        bank.account(account, 1, branch, balance)
    bank.move(11, date(2026, 1, 15), 50)
    bank.move(12, date(2026, 1, 16), -3)
    bank.move(13, date(2026, 1, 17), 2)
    return bank


def transfer(bank: Bank, account: int, branch: str, on: date) -> None:
    """The core bank says from that day on that the account is another branch's."""
    bank.change("deposit_accounts", on, {"account_id": account}, branch_id=branch)


def ledger(crm: Batch, day: date) -> list[Any]:
    """Every branch by the ledger and by its accounts, with its year."""
    crm.run(day, selectors=("int_branch_ledger", "ind_turnover_orgs"))
    return crm.rows("int_branch_ledger", day, LEDGER)


def test_an_account_takes_its_balance_to_another_branch_and_leaves_its_year(
    filled: Bank, crm: Batch
) -> None:
    filled.move(11, date(2026, 2, 5), 7)
    transfer(filled, 11, "B", MOVED)
    filled.move(11, NEXT_DAY, -1)
    filled.deliver(MARCH)
    moved = [("A", 17, 17, 50, 3), ("B", 163, 163, 9, 1)]
    assert ledger(crm, date(2026, 2, 9)) == [("A", 174, 174, 57, 3), ("B", 7, 7, 2, 0)]
    for day in (NEXT_DAY, FEBRUARY, MARCH):
        assert ledger(crm, day) == moved


def test_an_account_may_change_its_branch_on_a_month_end(filled: Bank, crm: Batch) -> None:
    transfer(filled, 11, "C", FEBRUARY)
    filled.move(11, FEBRUARY, 4)
    filled.move(11, MARCH, 1)
    filled.deliver(MARCH)
    assert ledger(crm, FEBRUARY) == [("A", 17, 17, 50, 3), ("B", 7, 7, 2, 0), ("C", 154, 154, 4, 0)]
    assert ledger(crm, MARCH)[2] == ("C", 155, 155, 5, 0)


def test_an_account_may_change_its_branch_before_the_first_month_end(
    filled: Bank, crm: Batch
) -> None:
    transfer(filled, 11, "B", date(2026, 1, 20))
    filled.deliver(date(2026, 2, 1))
    for day in (date(2026, 1, 21), JANUARY, date(2026, 2, 1)):
        assert ledger(crm, day) == [("A", 17, 17, 0, 3), ("B", 157, 157, 52, 0)]


def test_an_account_may_change_its_branch_again_and_come_back(filled: Bank, crm: Batch) -> None:
    transfer(filled, 11, "B", date(2026, 2, 3))
    transfer(filled, 11, "C", MOVED)
    transfer(filled, 12, "B", MOVED)
    transfer(filled, 12, "A", NEXT_DAY)
    transfer(filled, 11, "A", MARCH)
    filled.deliver(MARCH)
    gone = [("A", 17, 17, 50, 3), ("B", 7, 7, 2, 0), ("C", 150, 150, 0, 0)]
    assert ledger(crm, NEXT_DAY) == gone
    assert ledger(crm, FEBRUARY) == gone
    assert ledger(crm, MARCH) == [("A", 167, 167, 50, 3), ("B", 7, 7, 2, 0), ("C", 0, 0, 0, 0)]


def test_a_branch_that_merged_into_another_leaves_its_year_in_the_totals(
    filled: Bank, crm: Batch
) -> None:
    for account in (11, 12):
        transfer(filled, account, "C", MOVED)
    filled.change("org_units", MOVED, {"org_id": "A"}, closed_on=MOVED)
    filled.change("customers", MOVED, {"customer_id": 1}, home_branch_id="C")
    filled.deliver(MARCH)
    for day in (NEXT_DAY, FEBRUARY, MARCH):
        assert ledger(crm, day) == [
            ("A", 0, 0, 50, 3), ("B", 7, 7, 2, 0), ("C", 167, 167, 0, 0)
        ]  # fmt: skip
        assert crm.rows("ind_turnover_orgs", day, "org_id, flow_in_amt_y") == [
            ("", 52), ("A", 50), ("B", 2), ("C", 0), ("L1", 52), ("L2", 0)
        ]  # fmt: skip


def test_a_night_after_a_merger_has_nothing_that_blocks(filled: Bank, crm: Batch) -> None:
    transfer(filled, 11, "B", MOVED)
    transfer(filled, 12, "B", MOVED)
    filled.change("org_units", MOVED, {"org_id": "A"}, closed_on=MOVED)
    filled.change("customers", MOVED, {"customer_id": 1}, home_branch_id="B")
    filled.deliver(NEXT_DAY)
    crm.run(NEXT_DAY)
    columns = "org_id, dep_bal, flow_in_amt_y"
    assert crm.rows("mart_organisations", NEXT_DAY, columns) == [
        ("B", 174, 2), ("C", 0, 0), ("L1", 174, 52), ("L2", 0, 0), ("U", 174, 52)
    ]  # fmt: skip


def test_the_year_of_a_merged_branch_that_nobody_delivers_any_more_stays_in_the_unions(
    filled: Bank, crm: Batch
) -> None:
    for account in (11, 12):
        transfer(filled, account, "B", MOVED)
    filled.deliver(MOVED)
    filled.rows["org_units"] = [
        (on, row) for on, row in filled.rows["org_units"] if row["org_id"] != "A"
    ]
    filled.deliver(FEBRUARY, since=NEXT_DAY)
    assert ledger(crm, FEBRUARY)[0] == ("A", 0, 0, 50, 3)
    found = crm.rows("ind_turnover_orgs", FEBRUARY, "org_id, flow_in_amt_y")
    assert {("", 52), ("L1", 2)} <= set(found)


def test_what_a_branch_without_accounts_still_holds_blocks(filled: Bank, crm: Batch) -> None:
    filled.deliver(MOVED)
    tables = dict(filled.tables(NEXT_DAY, full=True))
    for name in ("deposit_accounts", "balances"):
        tables[name] = [row for row in tables[name] if row["account_id"] == 13]
    write_day(filled.landing, NEXT_DAY, tables, full=True)
    with pytest.raises(AuditBlockedError, match=r"int_branch_ledger of 2026-02-11 .* 1 rows"):
        crm.run(NEXT_DAY, selectors=("int_branch_ledger",))


def test_a_branch_may_change_its_legal_entity(filled: Bank, crm: Batch) -> None:
    filled.change("org_units", MOVED, {"org_id": "A"}, parent_id="L2")
    filled.move(11, NEXT_DAY, "0.50")
    filled.deliver(MARCH)
    half = Decimal("50.50")
    for day in (NEXT_DAY, FEBRUARY, MARCH):
        assert ledger(crm, day)[0] == ("A", Decimal("167.50"), Decimal("167.50"), half, 3)
        assert crm.rows("ind_turnover_orgs", day, "org_id, flow_in_amt_y") == [
            ("", half + 2), ("A", half), ("B", 2), ("L1", 2), ("L2", half)
        ]  # fmt: skip
