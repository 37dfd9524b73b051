"""What bookings tell of what could be offered."""

from datetime import date

from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch

PAID, LEFT = date(2026, 1, 5), date(2026, 1, 6)


def test_a_salary_of_nothing_does_not_hide_the_one_that_moves_on(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A")
    bank.account(12, 1, "A", 50)
    bank.customer(2)
    bank.account(21, 2, "A", 50)
    bank.move(11, PAID, 1000, txn_type="payroll")
    for account in (12, 21):
        bank.move(account, PAID, 0, txn_type="payroll", direction="credit")
        bank.move(account, LEFT, -50, counterparty_bank="CCB")
    bank.move(11, LEFT, -800, counterparty_bank="CCB")
    bank.deliver(LEFT)
    crm.run(LEFT, selectors=("pot_flows",))
    columns = "customer_id, pot_payroll_amt, pot_payroll_moved_amt"
    assert crm.rows("pot_flows", LEFT, columns) == [(1, 1000, 800), (2, None, None)]
