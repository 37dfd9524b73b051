"""Channels, structure, relations and marketing of a small bank, computed by hand."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import FIRST, Batch, batch_over
from tests.databases import PostgresDatabase

DAY = date(2026, 2, 3)
LONG_AGO = date(2025, 1, 1)


def people(bank: Bank) -> None:
    """1 holds much; 2 is new and just 18; 3 closed his account this month; 4 is a company with a
    card that it does not pay."""
    bank.customer(1, birth_date=date(1966, 2, 4), region="X县Y镇", education="college",
                  marital_status="married", risk_profile="R3",
                  risk_profile_expires_on=date(2026, 2, 3))  # fmt: skip
    bank.customer(2, birth_date=date(2008, 2, 3), customer_since=date(2026, 2, 1),
                  risk_profile="R1")  # fmt: skip
    bank.customer(3, birth_date=date(1966, 2, 3))
    bank.customer(4, home="C", customer_type="business", customer_since=date(2026, 1, 4),
                  industry="tea", founded_on=date(2019, 5, 6), risk_profile="R2",
                  risk_profile_expires_on=date(2026, 2, 4))  # fmt: skip
    # M1 has the loan of 1; the head of A gave him 2 as well; 3 is locked for M2, 4 for nobody.
    bank.manager(1, "A", "M3")
    bank.manager(2, "A", "M1")
    bank.manager(2, "C", "M4")
    bank.lock(3, "A", date(2027, 1, 1), manager_id="M2", locked_on=date(2025, 7, 8))
    bank.lock(4, "C", date(2027, 1, 1))
    bank.account(11, 1, "A", 1000)
    bank.account(12, 1, "C", 10, product="time", matures_on=date(2027, 1, 1))
    bank.loan(21, 1, "A", manager_id="M1")
    bank.add("wealth_holdings", holding_id=1, customer_id=1, branch_id="A", kind="wealth",
             product="x", amount=Decimal(5), bought_on=LONG_AGO)  # fmt: skip
    bank.card(51, 4, "C", overdue_periods=1)
    bank.account(31, 3, "A")
    closed = dict(bank.rows["deposit_accounts"][-1][1], closed_on=date(2026, 2, 2))
    bank.add("deposit_accounts", date(2026, 2, 2), **closed)
    for one, other, relation, until in (
        (1, 2, "household_member", None), (1, 3, "guarantor", None),
        (1, 3, "household_member", DAY), (2, 3, "guarantor", None), (3, 2, "guarantor", None),
        (4, 1, "legal_representative", None), (4, 3, "subsidiary", DAY),
    ):  # fmt: skip
        bank.add("customer_relations", customer_id=one, related_customer_id=other,
                 relation=relation, effective_from=LONG_AGO, effective_until=until)  # fmt: skip


def channels(bank: Bank) -> None:
    """1 uses the mobile bank; 2 signed it and did not; the web bank of 1 was ended."""
    for customer_id, channel, signed_on, ended_on, used_on in (
        (1, "mobile", LONG_AGO, None, date(2026, 1, 5)),
        (1, "web", LONG_AGO, date(2026, 1, 20), date(2026, 1, 19)),
        (2, "mobile", date(2026, 2, 1), None, None),
        (2, "sms", date(2026, 2, 1), None, None),
    ):
        bank.add("digital_channels", customer_id=customer_id, channel=channel, signed_on=signed_on,
                 ended_on=ended_on, last_used_on=used_on)  # fmt: skip


def contacts(bank: Bank) -> None:
    """1 was called twice and interested once, and visited; 2 did not answer and was held back; 3
    came to the counter; 4 opted out."""
    for number, (customer_id, day, channel, kind, result) in enumerate((
        (1, date(2026, 1, 2), "call", "marketing", "interested"),
        (1, date(2026, 1, 9), "call", "marketing", "not_reached"),
        (1, date(2026, 1, 10), "sms", "marketing", "reached"),
        (1, date(2026, 1, 11), "visit", "service", "reached"),
        (2, date(2026, 1, 12), "app", "marketing", "not_reached"),
        (2, date(2026, 1, 12), "mail", "care", None),
        (4, date(2026, 1, 13), "sms", "marketing", "opted_out"),
        (4, date(2026, 1, 14), "sms", "service", "opted_out"),
        (3, date(2026, 1, 15), "counter", "service", "reached"),
    )):  # fmt: skip
        bank.add("contacts", day, contact_id=number, customer_id=customer_id, channel=channel,
                 contact_class=kind, contacted_at=noon(day) + timedelta(minutes=number),
                 result=result)  # fmt: skip
    for customer_id, is_control in ((1, False), (2, True)):
        bank.add("campaign_targets", date(2026, 1, 2), campaign_id=1, customer_id=customer_id,
                 branch_id="A", is_control=is_control, listed_on=date(2026, 1, 2))  # fmt: skip


@pytest.fixture(scope="module")
def run(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    """Four customers, led by A and, the company, by C."""
    folder = tmp_path_factory.mktemp("relationships")
    bank = Bank(folder / "landing", FIRST)
    for part in (people, channels, contacts):
        part(bank)
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        crm.run(DAY, selectors=("mart_customers", "mart_organisations", "pub_customer_tags"))
        yield crm


def of_unit(run: Batch, unit: str, columns: str) -> object:
    """The values of one organisation unit."""
    found = run.rows("mart_organisations", DAY, f"org_id, {columns}")
    return next(row[1:] for row in found if row[0] == unit)


def test_channels_are_signed_active_or_ended(run: Batch) -> None:
    columns = (
        "ch_mobile_signed, ch_mobile_active_30d, ch_mobile_last_on, ch_web_signed, ch_signed_cnt,"
        " ch_signed_m, ch_last_on"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id")[:3] == [
        (1, 1, date(2026, 1, 5), 0, 1, 0, date(2026, 1, 5)),
        (1, 0, None, 0, 2, 2, None),
        (0, 0, None, 0, 0, 0, None),
    ]


def test_units_have_active_account_rates(run: Batch) -> None:
    columns = (
        "ch_mobile_signed, ch_mobile_active_30d, ch_mobile_active_rate, ch_cust_cnt, ch_active_rate"
    )
    half = Decimal("0.5000")
    assert of_unit(run, "A", columns) == of_unit(run, "U", columns) == (2, 1, half, 2, half)
    assert of_unit(run, "C", columns) == (0, 0, None, 0, None)


def test_product_lines_are_counted_once_each(run: Batch) -> None:
    assert run.rows("mart_customers", DAY, "product_cnt", "customer_id") == [5, 1, 0, 1]
    columns = "product_per_cust, cust_cross_cnt, cust_cross_rate"
    assert of_unit(run, "U", columns) == (Decimal("1.7500"), 1, Decimal("0.2500"))


def test_customers_come_stay_and_leave(run: Batch) -> None:
    columns = (
        "cust_valid_cnt, cust_holder_cnt, cust_new_m, cust_new_y, cust_lost_m, cust_lost_y,"
        " cust_net_m, cust_net_y, cust_assigned_cnt, cust_coverage_rate, cust_key_cnt"
    )
    assert of_unit(run, "A", columns) == (3, 1, 1, 1, 1, 1, 0, 0, 3, 1, 0)
    assert of_unit(run, "C", columns) == (1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0)


def test_types_and_ages(run: Batch) -> None:
    columns = (
        "cust_individual_cnt, cust_business_cnt, cust_age_under_18_cnt, cust_age_from_18_cnt,"
        " cust_age_from_45_cnt, cust_age_from_60_cnt"
    )
    assert of_unit(run, "U", columns) == (3, 1, 0, 1, 1, 1)


def test_a_household_holds_both_ways(run: Batch) -> None:
    columns = "rel_household_member_cnt"
    assert run.rows("mart_customers", DAY, columns, "customer_id") == [1, 1, 0, 0]
    assert of_unit(run, "U", "cust_household_cnt") == (2,)


def test_any_other_relation_has_another_name_from_the_other_side(run: Batch) -> None:
    columns = (
        "rel_guarantor_cnt, rel_guaranteed_cnt, rel_legal_representative_cnt, rel_represented_cnt,"
        " rel_subsidiary_cnt + rel_parent_cnt + rel_group_cnt + rel_group_member_cnt"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id") == [
        (1, 0, 0, 1, 0), (1, 1, 0, 0, 0), (1, 2, 0, 0, 0), (0, 0, 1, 0, 0),
    ]  # fmt: skip


def test_contacts_by_class_channel_and_result(run: Batch) -> None:
    columns = (
        "mkt_contacts_30d, mkt_contacts_90d, mkt_call_90d, mkt_reached_90d, mkt_connected_90d,"
        " mkt_interested_90d, visits_30d, service_contacts_30d, care_contacts_90d, campaigns_365d"
    )
    assert run.rows("mart_customers", DAY, columns, "customer_id")[:2] == [
        (2, 3, 2, 2, 1, 1, 1, 1, 0, 1),
        (1, 1, 0, 0, 0, 0, 0, 0, 1, 0),
    ]
    assert of_unit(run, "A", "mkt_cust_cnt_90d, mkt_reach_rate_90d, mkt_conversion_90d") == (
        2, Decimal("0.5000"), 1,
    )  # fmt: skip


def test_marketing_tags_say_how_often_how_and_with_what_answer(run: Batch) -> None:
    tags = run.rows("pub_customer_tags", DAY, "tags", "customer_id")
    named = ("CONTACT", "RESPONSE", "CHANNEL")
    found = [[path for path in of if path.split("/")[1] in named] for of in tags]
    assert found[:3] == [
        ["MARKETING/RESPONSE/INTERESTED", "MARKETING/CHANNEL/VISIT"],
        ["MARKETING/RESPONSE/UNREACHABLE", "MARKETING/CHANNEL/MAIL"],
        ["MARKETING/CONTACT/NONE_90D", "MARKETING/CHANNEL/COUNTER"],
    ]


def test_the_last_contact(run: Batch) -> None:
    columns = "mkt_last_on, contact_last_on, contact_last_channel, contact_last_result"
    assert run.rows("mart_customers", DAY, columns, "customer_id")[:2] == [
        (date(2026, 1, 10), date(2026, 1, 11), "visit", "reached"),
        (date(2026, 1, 12), date(2026, 1, 12), "mail", None),
    ]


def test_what_the_core_bank_says_of_a_customer(run: Batch) -> None:
    columns = "region, founded_on, risk_level, risk_expires_on"
    assert run.rows("mart_customers", DAY, columns, "customer_id") == [
        ("X县Y镇", None, "R3", date(2026, 2, 3)),
        (None, None, "R1", None),
        (None, None, None, None),
        (None, date(2019, 5, 6), "R2", date(2026, 2, 4)),
    ]


def test_a_customer_is_assigned_by_the_head_or_by_a_lock(run: Batch) -> None:
    assert run.rows("mart_customers", DAY, "assigned_on", "customer_id") == [
        None, date(2020, 1, 1), date(2025, 7, 8), None,
    ]  # fmt: skip


def test_basic_tags_say_education_family_trade_and_birthday(run: Batch) -> None:
    tags = run.rows("pub_customer_tags", DAY, "tags", "customer_id")
    named = ("EDUCATION", "MARITAL", "INDUSTRY", "BIRTHDAY_MONTH")
    found = [
        [path.removeprefix("BASIC/") for path in of if path.split("/")[1] in named] for of in tags
    ]
    assert found == [
        ["EDUCATION/COLLEGE", "MARITAL/MARRIED", "BIRTHDAY_MONTH/FEBRUARY"],
        ["BIRTHDAY_MONTH/FEBRUARY"],
        ["BIRTHDAY_MONTH/FEBRUARY"],
        ["INDUSTRY/TEA"],
    ]


def test_a_risk_profile_is_valid_until_the_day_before_it_expires_or_nobody_knows(
    run: Batch,
) -> None:
    columns = "tag_risk_profile_valid, tag_risk_profile_expired"
    assert run.rows("tag_customers", DAY, columns, "customer_id") == [
        (False, True), (False, False), (False, False), (True, False),
    ]  # fmt: skip


def test_wealth_and_overdue_cards_have_their_tags(run: Batch) -> None:
    columns = "tag_in_bank_wealth, tag_in_bank_fund, tag_risk_card_overdue"
    assert run.rows("tag_customers", DAY, columns, "customer_id") == [
        (True, False, False), (False, False, False), (False, False, False), (False, False, True),
    ]  # fmt: skip


def test_an_opt_out_is_dated(run: Batch) -> None:
    found = run.rows("mart_customers", DAY, "opted_out_on", "customer_id")
    assert found == [None, None, None, date(2026, 1, 13)]
