"""The batch over the real Berka bank, against SQL on the source's own files (berka_facts.sql)."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from bank_simulator.sources.berka import import_berka
from crm_shared.business_calendar import month_ends
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch, batch_over
from tests.databases import fresh_database

ROOT = Path(__file__).resolve().parents[2]
BERKA = Path(os.environ.get("CRM_REAL_DATA") or ROOT.parent / "shared" / "data") / "berka"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not BERKA.is_dir(), reason=f"the real Berka files are not in {BERKA}; set CRM_REAL_DATA"
    ),
]

FIRST = date(1993, 1, 1)

#: A night without tier decisions, on the last whole days of the ledger.
NIGHT = date(1994, 3, 29)

#: Every loan of the source, and no ledger.
STATE_DAY = date(1998, 12, 31)

MONTH_ENDS = month_ends(FIRST, date(1994, 2, 28))

#: What makes a key customer, in CZK of that time: less in Prague from the middle of 1993 on.
KEY = {
    "code": "key_customer.min_deposit_average",
    "values": [
        {"value": "60000.00"},
        {"value": "50000.00", "legal_entity": "BERKA-R1", "effective_from": date(1993, 7, 1)},
    ],
}

REMINDERS = "{}, customer_id, subject, reminder_window, due_on, amount, {}"


@dataclass
class Berka:
    """The bank as the batch published it, and as its own files tell it."""

    crm: Batch
    source: duckdb.DuckDBPyConnection

    def told(self, query: str, *values: Any) -> list[Any]:
        """Ask the files."""
        return self.source.execute(query, values).fetchall()


@pytest.fixture(scope="module")
def berka(
    environment: dict[str, str], postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Berka]:
    """The month ends made, and the night and the state day published."""
    folder = tmp_path_factory.mktemp("berka")
    import_berka(BERKA, folder / "landing")
    (folder / "parameters.yml").write_text(yaml.safe_dump([KEY]))
    script = Path(__file__).with_name("berka_facts.sql").read_text(encoding="utf-8")
    with (
        fresh_database(environment, postgres_template) as database,
        pytest.MonkeyPatch.context() as patch,
        duckdb.connect() as source,
    ):
        source.execute(script.replace("$folder", f"'{BERKA}'"))
        crm = batch_over(Bank(folder / "landing", FIRST), database, folder, patch)
        crm.settings.parameters_file = folder / "parameters.yml"
        for day in MONTH_ENDS:
            crm.run(day, selectors=("ind_balances_orgs", "int_key_customers"))
        for day in (NIGHT, STATE_DAY):
            crm.run(day, publishes=True)
        yield Berka(crm, source)


@pytest.mark.parametrize("day", [*MONTH_ENDS, NIGHT], ids=str)
def test_deposits_by_branch_region_and_bank_are_the_sum_of_the_bookings(
    berka: Berka, day: date
) -> None:
    found = berka.crm.rows(
        "ind_balances_orgs", day, "grain, org_id, dep_bal, aum_bal, dep_acct_cnt"
    )
    told = berka.told("select grain, place, deposits, deposits, accounts from deposits_on(?)", day)
    assert {row for row in found if row[0] != "manager"} == set(told)
    assert len(told) > 30


def test_published_aum_is_that_of_the_ledger(berka: Berka) -> None:
    found = berka.crm.query(
        "select case org_type when 'union' then '' else org_id end,"
        " coalesce((indicators ->> 'AUM_BAL')::numeric, 0)"
        " from acrm.branch_indicators join acrm.org_units using (business_date, org_id)"
        " where business_date = %s", NIGHT
    )  # fmt: skip
    told = dict(berka.told("select place, deposits from deposits_on(?)", NIGHT))
    assert {org: amount for org, amount in found if amount} == told


def test_loans_by_class_and_region_are_those_of_the_source(berka: Berka) -> None:
    found = berka.crm.query(
        "select details ->> 'five_tier', parent_id, status = 'running', count(*),"
        " sum((details ->> 'amount')::numeric)"
        " from acrm.holdings join acrm.org_units using (business_date)"
        " where business_date = %s and kind = 'loan' and org_id = branch_id group by 1, 2, 3",
        STATE_DAY,
    )
    told = berka.told(
        "select five_tier, region, is_running, count(*), sum(amount) from loan group by all"
    )
    assert set(found) == set(told)
    assert sum(row[-2] for row in told) == 682
    assert len({(five_tier, region) for five_tier, region, *_ in told}) == 16


def test_running_loans_by_region_and_branch_are_published_as_indicators(berka: Berka) -> None:
    found = berka.crm.query(
        "select org_id, indicators -> 'LOAN_CNT', (indicators ->> 'LOAN_LINE')::numeric"
        " from acrm.branch_indicators"
        " where business_date = %s and indicators -> 'LOAN_CNT' is not null",
        STATE_DAY,
    )
    told = berka.told(
        "select coalesce(branch, region, 'BERKA'), count(*), sum(amount) from loan"
        " where is_running group by grouping sets ((branch), (region), ())"
    )
    assert set(found) == set(told)


def test_the_worst_class_of_a_borrower_is_that_of_his_loans(berka: Berka) -> None:
    found = berka.crm.query(
        "select customer_id, indicators ->> 'LOAN_FIVE_TIER' from acrm.customer_indicators"
        " where business_date = %s and indicators -> 'LOAN_FIVE_TIER' is not null", STATE_DAY
    )  # fmt: skip
    told = berka.told("select customer_id, max(five_tier) from loan where is_running group by 1")
    assert set(found) == set(told)


@pytest.mark.parametrize("day", [*MONTH_ENDS, NIGHT, STATE_DAY], ids=str)
def test_key_customers_are_those_of_the_rule(berka: Berka, day: date) -> None:
    found = berka.crm.rows("int_key_customers", day, "customer_id")
    assert sorted(found) == [one for (one,) in berka.told("from key_on(?) order by 1", day)]


def test_there_are_key_customers_in_and_outside_prague(berka: Berka) -> None:
    regions = berka.told(
        "select region, count(*) from key_on(?) join account using (customer_id) group by 1", NIGHT
    )
    assert dict(regions)["BERKA-R1"] > 10
    assert len(regions) > 5


def test_key_customers_are_published(berka: Berka) -> None:
    found = berka.crm.query(
        "select customer_id from acrm.coverage where business_date = %s and is_key_customer", NIGHT
    )
    assert set(found) == set(berka.told("from key_on(?)", NIGHT))


@pytest.mark.parametrize(
    ("night", "rules"),
    [
        (NIGHT, {"R04.BECAME_KEY", "R04.BIRTHDAY", "R04.DORMANT", "R05.NOT_MAINTAINED"}),
        (STATE_DAY, {"R02.LOAN_MATURES", "R04.BIRTHDAY"}),
    ],
    ids=["a night", "the day of the loans"],
)
def test_reminders_are_those_of_the_rules_and_no_others(
    berka: Berka, night: date, rules: set[str]
) -> None:
    found = berka.crm.query(
        f"select {REMINDERS.format('rule_code', 'branch_id')} from acrm.due_reminders"
        " where business_date = %s", night
    )  # fmt: skip
    told = berka.told(f"select {REMINDERS.format('rule', 'branch')} from reminders_on(?)", night)
    assert set(found) == set(told)
    assert len(found) == len(told)
    assert {row[0] for row in told} == rules
