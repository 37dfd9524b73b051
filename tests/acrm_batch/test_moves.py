"""Customers without a legal entity and between two; a branch that moves while a day is mended."""

from datetime import date
from decimal import Decimal

import pytest

from acrm_batch.audits import AuditBlockedError
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch

DAY, NEXT = date(2026, 1, 20), date(2026, 1, 21)

#: A level of assets that the two legal entities set differently.
LEVELS = """
- code: tier.affluent
  values:
    - {value: "50000.00"}
    - {value: "90.00", legal_entity: L1}
    - {value: "500.00", legal_entity: L2}
"""


def affluent(crm: Batch, day: date) -> list[tuple[int, str, bool]]:
    """Whose rule every customer is judged by, and what it says."""
    file = crm.settings.warehouse_dir / "params.yml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(LEVELS)
    crm.settings.parameters_file = file
    crm.run(day, selectors=("tag_customers",))
    return crm.rows(
        "tag_customers", day, "customer_id, legal_entity_id, tag_value_aum_affluent", "customer_id"
    )


def test_a_customer_who_moves_is_judged_by_the_rules_of_his_new_legal_entity(
    bank: Bank, crm: Batch
) -> None:
    for customer in (1, 2):
        bank.account(10 + customer, bank.customer(customer), "A", 100)
    bank.change("customers", NEXT, {"customer_id": 1}, home_branch_id="C")
    bank.change("deposit_accounts", NEXT, {"account_id": 11}, branch_id="C")
    bank.deliver(NEXT)
    assert affluent(crm, DAY) == [(1, "L1", True), (2, "L1", True)]
    assert affluent(crm, NEXT) == [(1, "L2", False), (2, "L1", True)]
    assert affluent(crm, DAY) == [(1, "L1", True), (2, "L1", True)]


def test_a_customer_without_a_legal_entity_is_judged_by_the_values_of_all(
    bank: Bank, crm: Batch
) -> None:
    # He is kept at the union itself, which belongs to nobody.
    for customer, home in ((1, "U"), (2, "A")):
        bank.account(10 + customer, bank.customer(customer, home=home), "A", 100)
    bank.deliver(DAY)
    assert affluent(crm, DAY) == [(1, "", False), (2, "L1", True)]
    assert crm.rows("pot_deposits", DAY, "customer_id", "customer_id") == [1, 2]


def test_a_customer_whose_branch_belongs_to_no_legal_entity_blocks(bank: Bank, crm: Batch) -> None:
    bank.add("org_units", org_id="D", parent_id="U", org_type="branch", name_zh="D", name_en="D")
    bank.account(11, bank.customer(1, home="D"), "D", 100)
    bank.deliver(DAY)
    with pytest.raises(AuditBlockedError, match="Model int_org_units of 2026-01-20 is blocked"):
        crm.run(DAY, selectors=("int_org_units",))


def test_a_late_correction_of_a_day_before_a_branch_moved_leaves_each_day_its_legal_entity(
    bank: Bank, crm: Batch
) -> None:
    bank.account(11, bank.customer(1), "A", 100)
    bank.account(12, bank.customer(2, home="B"), "B", 30)
    bank.change("org_units", NEXT, {"org_id": "B"}, parent_id="L2")
    bank.deliver(NEXT)
    wanted = ("chk_balances", "tag_customers")

    def deposits(day: date) -> dict[str, Decimal]:
        crm.run(day, selectors=wanted)
        return dict(crm.rows("chk_balances", day, "org_id, dep_bal"))

    def units(a: int, b: int, first: int, second: int) -> dict[str, int]:
        return {"A": a, "B": b, "C": 0, "L1": first, "L2": second, "U": a + b}

    assert deposits(DAY) == units(100, 30, 130, 0)
    assert deposits(NEXT) == units(100, 30, 100, 30)
    # The core bank delivers the earlier day again, with a booking that it had left out.
    bank.move(12, DAY, 5)
    bank.deliver(NEXT, since=DAY)
    assert deposits(DAY) == units(100, 35, 135, 0)
    assert deposits(NEXT) == units(100, 35, 100, 35)
    assert crm.rows("tag_customers", NEXT, "customer_id, legal_entity_id", "customer_id") == [
        (1, "L1"), (2, "L2"),
    ]  # fmt: skip
    assert crm.rows("tag_customers", DAY, "customer_id, legal_entity_id", "customer_id") == [
        (1, "L1"), (2, "L1"),
    ]  # fmt: skip
