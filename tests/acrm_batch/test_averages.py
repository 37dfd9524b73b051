"""Averages of assets, investments and card debt are what counting their days one by one gives."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from crm_shared.business_calendar import days
from tests.acrm_batch.bank import Bank, Row
from tests.acrm_batch.conftest import Batch

FIRST = date(2025, 11, 10)
DATES = (
    date(2025, 11, 20),  # before any month end
    date(2025, 12, 31),  # a month end, which carries itself
    date(2026, 1, 15),  # a new year, with nothing to carry over
    date(2026, 2, 10),
)


@pytest.fixture
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A fund that is worth more and then sold, insurance bought late, a card that is used, one that
    is closed, and a time deposit beside a demand account."""
    bank = Bank(tmp_path_factory.mktemp("averages") / "landing", FIRST)
    bank.customer(1)
    bank.account(11, 1, "A", "1000.01")
    bank.account(12, 1, "A", 500, product="time", matures_on=date(2027, 1, 1))
    bank.move(11, date(2025, 12, 31), -250)
    bank.move(11, date(2026, 2, 1), "0.10")
    fund: Row = {"holding_id": 1, "customer_id": 1, "branch_id": "A", "kind": "fund",
                 "product": "x", "amount": Decimal(100), "bought_on": date(2025, 1, 1)}  # fmt: skip
    bank.add("wealth_holdings", **fund)
    dearer = fund | {"amount": Decimal("130.50")}
    bank.add("wealth_holdings", date(2025, 12, 31), **dearer)
    bank.add("wealth_holdings", date(2026, 2, 5), **dearer | {"ended_on": date(2026, 2, 5)})
    bank.add("wealth_holdings", date(2026, 1, 9), **fund | {
        "holding_id": 2, "kind": "insurance", "bought_on": date(2026, 1, 10),
    })  # fmt: skip
    bank.card(31, 1, "A", balance=Decimal(70))
    used = bank.rows["credit_cards"][-1][1]
    bank.add("credit_cards", date(2025, 11, 30), **used | {"balance": Decimal("99.99")})
    bank.add("credit_cards", date(2026, 1, 1), **used | {"balance": Decimal(-5)})
    bank.card(32, 1, "A", balance=Decimal(40))
    closed = bank.rows["credit_cards"][-1][1] | {"closed_on": date(2026, 1, 3)}
    bank.add("credit_cards", date(2026, 1, 3), **closed)
    bank.deliver(DATES[-1])
    return bank


def told(bank: Bank, table: str, key: str, on: date) -> list[Row]:
    """The rows of a table as they stand on a day."""
    newest: dict[int, tuple[date, Row]] = {}
    for day, row in bank.rows[table]:
        if day <= on and day >= newest.get(row[key], (day, row))[0]:
            newest[row[key]] = (day, row)
    return [row for _, row in newest.values()]


def sums_on(bank: Bank, on: date) -> dict[str, Decimal]:
    """What stands at the end of a day."""
    balances = {
        row["account_id"]: row["balance"] for row in told(bank, "balances", "account_id", on)
    }
    invested = sum(
        (row["amount"] for row in told(bank, "wealth_holdings", "holding_id", on)
         if row["bought_on"] <= on and not (row.get("ended_on") or date.max) <= on),
        Decimal(0),
    )  # fmt: skip
    card = sum(
        (row["balance"] for row in told(bank, "credit_cards", "card_id", on)
         if not (row.get("closed_on") or date.max) <= on),
        Decimal(0),
    )  # fmt: skip
    deposits = sum(balances.values(), Decimal(0))
    return {"aum": deposits + invested, "invested": invested, "card": card,
            "dep_demand": balances[11], "dep_time": balances[12]}  # fmt: skip


def average(bank: Bank, what: str, first: date, day: date) -> Decimal:
    """Day by day, from the first one delivered on."""
    counted = [sums_on(bank, on)[what] for on in days(max(FIRST, first), day)]
    return (sum(counted, Decimal(0)) / len(counted)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_averages_are_what_counting_day_by_day_gives(bank: Bank, crm: Batch) -> None:
    for day in DATES:
        crm.run(day, selectors=("ind_averages_customers", "ind_averages_orgs", "ind_deposits_orgs"))
        spans = {"m": day.replace(day=1), "y": date(day.year, 1, 1)}
        for family, names in (("averages", ("aum", "invested", "card")),
                              ("deposits", ("dep_demand", "dep_time"))):  # fmt: skip
            expected = [average(bank, name, spans[span], day) for name in names for span in spans]
            columns = ", ".join(f"{name}_avg_{span}" for name in names for span in spans)
            rows = crm.rows(f"ind_{family}_orgs", day, f"grain, {columns}")
            assert [list(row[1:]) for row in rows] == [expected] * 4
        assert crm.rows("ind_averages_customers", day, "aum_avg_m, aum_avg_y") == [
            (average(bank, "aum", spans["m"], day), average(bank, "aum", spans["y"], day))
        ]
