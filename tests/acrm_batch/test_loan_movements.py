"""A balance of a loan moves as its events and paid instalments say; what does not is told."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import FIRST, SECOND, THIRD, Batch


def event(bank: Bank, loan: int, change: str, amount: str | None, on: date = SECOND) -> None:
    """Something that happened to a loan."""
    bank.numbers += 1
    value = None if amount is None else Decimal(amount)
    bank.add("loan_events", on, event_no=bank.numbers, loan_id=loan, customer_id=1, branch_id="A",
             occurred_at=noon(on), change=change, amount=value, days_overdue=0)  # fmt: skip


def stands(bank: Bank, loan: int, balance: str, **row: Any) -> None:
    """How a loan stands from the second day on."""
    bank.change("loans", SECOND, {"loan_id": loan}, balance=Decimal(balance), **row)


def instalment(bank: Bank, loan: int) -> None:
    """An instalment paid on the second day: 100.00 of principal, 5.00 of interest."""
    bank.add("loan_schedules", SECOND, loan_id=loan, instalment_no=1, due_on=SECOND,
             principal=Decimal(100), interest=Decimal(5), paid_on=SECOND)  # fmt: skip


@pytest.fixture
def bank(bank: Bank) -> Bank:
    """Loan 20 is in arrears, so that it is a bank that tells of its loans; 21 has 1,000.00."""
    bank.customer(1)
    bank.loan(20, 1, "A")
    bank.loan(21, 1, "A")
    event(bank, 20, "arrears", "3.00", FIRST)
    return bank


def found(bank: Bank, crm: Batch, day: date = SECOND) -> tuple[list[int], list[str]]:
    """The loans that moved on a day, and what is told of it."""
    bank.deliver(THIRD)
    crm.run(day, selectors=("chk_loans",))
    told = crm.query("select sentence from acrm.audits where as_of = %s and failed_rows > 0", day)
    return crm.rows("chk_loans", day, "loan_id"), [sentence for [sentence] in told]


def test_what_events_and_instalments_say_is_in_order(bank: Bank, crm: Batch) -> None:
    instalment(bank, 21)
    event(bank, 21, "repaid", "105.00")
    stands(bank, 21, "900.00")
    # An early repayment beside an instalment, and a penalty: anything up to the whole is principal.
    bank.loan(22, 1, "A")
    instalment(bank, 22)
    event(bank, 22, "repaid", "405.00")
    stands(bank, 22, "610.00")
    # Interest alone; the balance is not delivered again.
    bank.loan(23, 1, "A")
    event(bank, 23, "repaid", "7.00")
    bank.loan(24, 1, "A")
    event(bank, 24, "written_off", "1000.00")
    stands(bank, 24, "1000.00", status="written_off")
    bank.loan(25, 1, "A")
    event(bank, 25, "settled", "1010.00")
    stands(bank, 25, "0.00", status="settled")
    bank.add("loans", SECOND, **bank.newest("loans", loan_id=20) | {"loan_id": 26})
    event(bank, 26, "granted", "1000.00")
    # Of these the source does not say enough.
    bank.loan(27, 1, "A", balance=None)
    stands(bank, 27, "900.00")
    bank.loan(28, 1, "A")
    event(bank, 28, "repaid", None)
    stands(bank, 28, "900.00")
    assert found(bank, crm) == ([21, 22, 23, 24, 25, 26], [])
    columns = "before, balance, repaid, principal_paid, interest_paid"
    assert crm.rows("chk_loans", SECOND, columns, "loan_id")[0] == (1000, 900, 105, 100, 5)
    assert found(bank, crm, THIRD) == ([], [])


@pytest.mark.parametrize(
    ("balance", "repaid"),
    [
        ("899.99", "105.00"),  # a cent more
        ("900.01", "105.00"),  # a cent less
        ("1000.00", "105.00"),
        ("900.00", "104.99"),
        ("900.00", None),
    ],
)
def test_a_repaid_instalment_moves_the_balance_by_its_principal(
    bank: Bank, crm: Batch, balance: str, repaid: str | None
) -> None:
    instalment(bank, 21)
    if repaid:
        event(bank, 21, "repaid", repaid)
    stands(bank, 21, balance)
    loans, [told] = found(bank, crm)
    assert loans == [21]
    assert "loan_id 21" in told


def test_a_balance_that_moves_without_an_event_is_told(bank: Bank, crm: Batch) -> None:
    stands(bank, 21, "1000.01")
    assert len(found(bank, crm)[1]) == 1


def test_a_loan_that_was_granted_without_a_word_is_told(bank: Bank, crm: Batch) -> None:
    bank.add("loans", SECOND, **bank.newest("loans", loan_id=20) | {"loan_id": 26})
    assert len(found(bank, crm)[1]) == 1


def test_a_loan_that_is_written_off_without_a_word_is_told(bank: Bank, crm: Batch) -> None:
    stands(bank, 21, "1000.00", status="written_off")
    assert len(found(bank, crm)[1]) == 1


def test_the_first_day_is_not_judged(bank: Bank, crm: Batch) -> None:
    assert found(bank, crm, FIRST) == ([], [])


def test_a_bank_that_tells_of_no_loan_is_not_judged(bank: Bank, crm: Batch) -> None:
    del bank.rows["loan_events"]
    stands(bank, 21, "900.00")
    assert found(bank, crm) == ([], [])
