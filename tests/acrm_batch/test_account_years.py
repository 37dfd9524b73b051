"""The year of an account, carried from month end to month end, is what counting its days gives."""

from datetime import date
from decimal import Decimal

import pytest

from crm_shared.business_calendar import days
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch

FIRST = date(2025, 11, 10)
DATES = (
    date(2025, 11, 20),  # before any month end
    date(2025, 12, 31),  # a month end, which carries itself
    date(2026, 1, 15),  # a new year, with nothing to carry over
    date(2026, 1, 31),
    date(2026, 2, 10),
    date(2026, 3, 5),
)


@pytest.fixture
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Accounts that move before, on and after the turns of month and year, one of them opened
    late, one closed."""
    bank = Bank(tmp_path_factory.mktemp("years") / "landing", FIRST)
    bank.customer(1)
    bank.account(11, 1, "A", "1000.01")
    bank.account(12, 1, "B", 500, closed_on=date(2026, 2, 3))
    bank.account(13, 1, "A", opened_on=date(2026, 1, 20))
    for account, on, amount in (
        (11, date(2025, 11, 18), "0.10"),
        (12, date(2025, 11, 30), -100),
        (11, date(2025, 12, 31), -250),
        (12, date(2026, 1, 1), 37),
        (13, date(2026, 1, 20), 900),
        (11, date(2026, 1, 31), 11),
        (13, date(2026, 2, 1), -150),
        (12, date(2026, 2, 3), -437),
        (11, date(2026, 3, 5), "7.77"),
    ):
        bank.move(account, on, amount)
    bank.deliver(DATES[-1])
    return bank


def counted(bank: Bank, account: int, day: date) -> Decimal:
    """Day by day: the sum of the year's balances so far."""
    told = {on: row["balance"] for on, row in bank.rows["balances"] if row["account_id"] == account}

    def balance(on: date) -> Decimal:
        return next((told[d] for d in reversed(list(days(FIRST, on))) if d in told), Decimal(0))

    start = max(FIRST, date(day.year, 1, 1))
    return sum((balance(on) for on in days(start, day)), Decimal(0))


def test_what_is_carried_is_what_is_counted_day_by_day(bank: Bank, crm: Batch) -> None:
    for day in DATES:
        crm.run(day, selectors=("int_account_balances",))
        accounts = [11, 12] + [13] * (day >= date(2026, 1, 20))
        found = crm.rows("int_account_balances", day, "year_balance_days", "account_id")
        assert found == [counted(bank, account, day) for account in accounts]


def test_dates_may_be_run_in_any_order(bank: Bank, crm: Batch) -> None:
    for day in reversed(DATES[2:]):
        crm.run(day, selectors=("int_account_balances",))
        found = crm.rows("int_account_balances", day, "year_balance_days", "account_id")
        assert found[:2] == [counted(bank, account, day) for account in (11, 12)]
