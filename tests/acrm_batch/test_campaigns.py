"""The evaluation of a campaign by hand: who counts as contacted, reached, responded, converted."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from acrm_batch.audits import AuditBlockedError
from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import FIRST, Batch

DAY = date(2026, 1, 5)
SECOND = FIRST + timedelta(days=1)


def listed(bank: Bank, customer: int, branch: str, manager: str | None, control: bool) -> None:
    """A customer on the list of campaign 1."""
    bank.customer(customer, home=branch)
    bank.add("campaign_targets", campaign_id=1, customer_id=customer, branch_id=branch,
             manager_id=manager, is_control=control, listed_on=FIRST)  # fmt: skip


def contact(bank: Bank, customer: int, on: date, channel: str, result: str | None) -> None:
    """A marketing contact of campaign 1."""
    bank.numbers += 1
    bank.add("contacts", on, contact_id=bank.numbers, customer_id=customer, campaign_id=1,
             channel=channel, contact_class="marketing", contacted_at=noon(on),
             result=result)  # fmt: skip


def deposit(bank: Bank, customer: int, on: date, balance: int) -> None:
    """A time deposit with its whole balance from the day it was opened on."""
    bank.account(customer * 10, customer, "A", balance, opened_on=on, product="time",
                 matures_on=date(2027, 1, 1))  # fmt: skip


def evaluated(crm: Batch, bank: Bank, columns: str) -> list[tuple[Any, ...]]:
    """Columns of the results, after running the day."""
    bank.deliver(DAY)
    crm.run(DAY, selectors=("int_campaign_results",))
    return crm.rows("int_campaign_results", DAY, columns)


def campaign(bank: Bank) -> None:
    """Four customers of branch A, of whom two have a manager, and two of B held back."""
    bank.add("campaigns", campaign_id=1, org_id="L1", name="C", product="deposit", starts_on=FIRST,
             ends_on=SECOND)  # fmt: skip
    for customer, manager in ((1, "E1"), (2, "E1"), (3, None), (4, None)):
        listed(bank, customer, "A", manager, control=False)
    for customer in (5, 6):
        listed(bank, customer, "B", None, control=True)
    contact(bank, 1, FIRST, "sms", "sold")
    deposit(bank, 1, SECOND, 1000)
    # Converted, but not by the contact of the day after.
    contact(bank, 2, SECOND, "call", "not_reached")
    deposit(bank, 2, FIRST, 500)
    contact(bank, 3, FIRST, "sms", None)
    contact(bank, 3, SECOND, "visit", "not_reached")
    # After the end of the campaign: no contact of it.
    contact(bank, 4, SECOND + timedelta(days=1), "visit", "sold")
    deposit(bank, 5, SECOND, 700)


def test_campaigns_in_sum_by_branch_and_union(bank: Bank, crm: Batch) -> None:
    campaign(bank)
    bank.deliver(DAY)
    crm.run(DAY, selectors=("ind_campaigns_orgs",))
    counts = "listed_cnt, control_cnt, contacted_cnt, reached_cnt, interested_cnt, sold_cnt"
    rates = "sold_amt, cost, unit_cost, reach_rate, response_rate, conversion"
    columns = ", ".join(f"campaign_{name.strip()}" for name in f"{counts}, {rates}".split(","))
    rows = crm.rows("ind_campaigns_orgs", DAY, f"grain, org_id, {columns}", "grain, org_id")
    of_listed = (Decimal("0.25"), Decimal("0.3333"), Decimal("0.5"))
    paid = (1500, Decimal("32.10"), Decimal("16.05"))
    assert [row for row in rows if row[0] != "manager"] == [
        ("branch", "A", 4, 0, 3, 1, 1, 2, *paid, *of_listed),
        ("branch", "B", 0, 2, 0, 0, 0, 0, 0, 0, None, None, None, None),
        ("legal_entity", "L1", 4, 2, 3, 1, 1, 2, *paid, *of_listed),
        ("union", "", 4, 2, 3, 1, 1, 2, *paid, *of_listed),
    ]


def test_the_cost_of_no_sales_is_as_unknown_in_the_mart(bank: Bank, crm: Batch) -> None:
    bank.add("campaigns", campaign_id=1, org_id="L1", name="C", product="deposit", starts_on=FIRST,
             ends_on=SECOND)  # fmt: skip
    listed(bank, 1, "A", None, control=False)
    contact(bank, 1, FIRST, "visit", "refused")
    bank.deliver(DAY)
    crm.run(DAY, selectors=("mart_organisations",))
    found = crm.rows("mart_organisations", DAY, "org_id, campaign_cost, campaign_unit_cost")
    assert ("A", 30, None) in found
    assert ("B", 0, None) in found


def test_a_list_older_than_its_campaign_stays_as_long_as_that(
    bank: Bank, crm: Batch, tmp_path: Path
) -> None:
    """The campaign begins a day after the list was made, and is looked at for three days."""
    bank.add("campaigns", campaign_id=1, org_id="L1", name="C", product="deposit",
             starts_on=SECOND, ends_on=SECOND)  # fmt: skip
    listed(bank, 1, "A", None, control=False)
    bank.deliver(DAY)
    crm.settings.parameters_file = tmp_path / "params.yml"
    codes = ("campaign.days_back: 3", "campaign.list_days: 4")
    crm.settings.parameters_file.write_text("".join(
        f"- {{code: {one.split(': ')[0]}, values: [{{value: {one.split(': ')[1]}}}]}}\n"
        for one in codes
    ))  # fmt: skip
    crm.run(SECOND + timedelta(days=2), selectors=("int_campaign_lists",))
    found = crm.rows("int_campaign_lists", SECOND + timedelta(days=2), "customer_id")
    assert found == [1]
    crm.run(SECOND + timedelta(days=3), selectors=("int_campaign_lists",))
    assert crm.rows("int_campaign_lists", SECOND + timedelta(days=3), "customer_id") == []


def delivered_again(bank: Bank, **changes: Any) -> None:
    """Customer 3 on the list of campaign 1 for a second day."""
    [row] = [row for _, row in bank.rows["campaign_targets"] if row["customer_id"] == 3]
    bank.add("campaign_targets", SECOND, **row | {"listed_on": SECOND} | changes)


def test_who_is_delivered_twice_alike_is_listed_once(bank: Bank, crm: Batch) -> None:
    campaign(bank)
    delivered_again(bank)
    bank.deliver(DAY)
    crm.run(DAY, selectors=("ind_campaigns_orgs", "ind_marketing"))
    assert ("union", 4) in crm.rows("ind_campaigns_orgs", DAY, "grain, campaign_listed_cnt")
    assert (3, 1) in crm.rows("ind_marketing", DAY, "customer_id, campaigns_30d")


def test_who_is_delivered_twice_and_not_alike_blocks(bank: Bank, crm: Batch) -> None:
    campaign(bank)
    delivered_again(bank, branch_id="B")
    bank.deliver(DAY)
    with pytest.raises(
        AuditBlockedError,
        match=r"1 rows repeat the key campaign_id, customer_id \(for instance campaign_id 1,"
        r" customer_id 3\); .* Correct the source",
    ):
        crm.run(DAY, selectors=("int_campaign_lists",))


def test_response_and_conversion_are_told_apart(bank: Bank, crm: Batch) -> None:
    campaign(bank)
    counts = "listed, control, contacted, reached, interested, responded, converted"
    found = evaluated(
        crm, bank,
        f"grain, branch_id, manager_id, channel, {counts}, control_converted, amount, contacts,"
        " cost, unit_cost",
    )  # fmt: skip
    assert found == [
        ("all", "", "", "", 4, 2, 3, 1, 1, 1, 2, 1, 1500, 4, Decimal("32.10"), Decimal("16.05")),
        ("branch", "A", "", "", 4, 0, 3, 1, 1, 1, 2, 0, 1500, 4, Decimal("32.10"),
         Decimal("16.05")),
        ("branch", "B", "", "", 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, None),
        ("channel", "", "", "call", 1, 0, 1, 0, 0, 0, 1, 0, 500, 1, 2, 2),
        ("channel", "", "", "sms", 2, 0, 2, 1, 1, 1, 1, 0, 1000, 2, Decimal("0.10"),
         Decimal("0.10")),
        # Nobody's first contact was a visit, and one was paid for.
        ("channel", "", "", "visit", 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 30, None),
        ("manager", "A", "E1", "", 2, 0, 2, 1, 1, 1, 2, 0, 1500, 2, Decimal("2.05"),
         Decimal("1.03")),
        ("manager", "A", "V:A", "", 2, 0, 1, 0, 0, 0, 0, 0, 0, 2, Decimal("30.05"), None),
        ("manager", "B", "V:B", "", 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, None),
    ]  # fmt: skip


def test_rates_have_wilsons_and_newcombes_intervals(bank: Bank, crm: Batch) -> None:
    # 56 of 70 against 48 of 80: example (a) of Newcombe (1998), 0.0524 to 0.3339 by method 10.
    bank.add("campaigns", campaign_id=1, org_id="L1", name="C", product="deposit", starts_on=FIRST,
             ends_on=SECOND)  # fmt: skip
    for customer in range(1, 151):
        listed(bank, customer, "A", "E1", control=customer > 70)
        if customer <= 56 or 70 < customer <= 118:
            deposit(bank, customer, SECOND, 100)
    rates = "conversion, conversion_low, conversion_high, control_conversion, uplift"
    found = evaluated(crm, bank, f"response_rate, {rates}, uplift_low, uplift_high")
    told = ("0.8", "0.691834", "0.876953", "0.6", "0.2", "0.052431", "0.333873")
    assert found == [(None, *map(Decimal, told))] * 3


def test_sms_are_delivered_and_customers_maintained(bank: Bank, crm: Batch) -> None:
    """Three messages, of which one arrived and one has no report; a call that nobody answered."""
    for customer in (1, 2, 3):
        bank.customer(customer)
    contact(bank, 1, FIRST, "sms", "reached")
    contact(bank, 2, FIRST, "sms", "not_reached")
    contact(bank, 3, FIRST, "sms", None)
    contact(bank, 1, FIRST, "call", "refused")
    contact(bank, 1, SECOND, "call", "not_reached")
    contact(bank, 2, SECOND, "visit", None)
    bank.deliver(DAY)
    crm.run(DAY, selectors=("ind_marketing_orgs",))
    columns = "sms_sent_cnt_90d, sms_delivery_rate_90d"
    union = [r[1:] for r in crm.rows("ind_marketing_orgs", DAY, f"grain, {columns}")
             if r[0] == "union"]  # fmt: skip
    assert union == [(3, Decimal("0.5"))]
    assert crm.rows("ind_marketing", DAY, "customer_id, maintained_last_on") == [
        (1, FIRST), (2, SECOND), (3, None),
    ]  # fmt: skip
