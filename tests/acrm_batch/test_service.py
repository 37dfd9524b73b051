"""The service standard of a tier: what is due after so many days, and who gets it."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from acrm_batch.catalogue_files import TIERS
from acrm_batch.engines.duckdb import Engine, variables_of
from acrm_batch.project import Project
from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import Batch

DAY = date(2026, 2, 3)

PROJECT = Project.load()

#: Visits and calls a year, as docs/rules/tiers.md has them.
STANDARDS = {"gold": (12, 12), "profit": (4, 6), "general_grow": (1, 4),
             "general_standardise": (0, 1), "general_exit": (0, 0)}  # fmt: skip

#: Somebody's tier, the day since which he is a customer, and his contacts.
Case = tuple[str, date | None, list[tuple[str, date, str | None]]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    engine = Engine(folder, folder / "aside", "200MB", 1)
    engine.set_parameters(PROJECT.catalogue.in_force(DAY))
    yield engine
    engine.close()


def cases(first_day: date) -> list[Case]:
    """Customers of every tier, contacted now and then, about the edges of the year too."""
    chance = random.Random(5)
    edges = [DAY, DAY + timedelta(1), DAY - timedelta(364), DAY - timedelta(365), first_day]

    def contact() -> tuple[str, date, str | None]:
        on = chance.choice([*edges, DAY - timedelta(chance.randrange(400))])
        result = chance.choice(["reached", "refused", None, "not_reached"])
        return chance.choice(["visit", "call", "call", "sms"]), on, result

    since = [None, date(2020, 1, 1), DAY, DAY + timedelta(1), DAY - timedelta(100)]
    return [
        (tier, chance.choice(since), [contact() for _ in range(chance.randrange(30))])
        for tier in TIERS
        for _ in range(60)
    ]


def read_aloud(first_day: date, case: Case) -> tuple[int, ...]:
    """Visits and calls due, made, and missing, counting day by day."""
    tier, since, contacts = case
    year = [DAY - timedelta(back) for back in range(365)]
    days = sum(1 for day in year if day >= first_day and day >= (since or first_day))
    made = {"visit": 0, "call": 0}
    for channel, on, result in contacts:
        if channel in made and on in year and result != "not_reached":
            made[channel] += 1
    due = [int(Decimal(standard * days) / 365) for standard in STANDARDS[tier]]
    gaps = [max(0, due[0] - made["visit"]), max(0, due[1] - made["call"])]
    return *due, made["visit"], made["call"], sum(gaps)


@pytest.mark.parametrize("first_day", [date(2024, 1, 1), date(2025, 9, 1), DAY])
def test_what_is_due_and_missing_is_what_the_rules_say(engine: Engine, first_day: date) -> None:
    given = cases(first_day)
    fill(engine, "given", ("customer_id", "tier", "customer_since"),
         [(one, tier, since) for one, (tier, since, _) in enumerate(given)])  # fmt: skip
    fill(engine, "stg_contacts", ("customer_id", "channel", "contacted_on", "result"),
         [(one, *contact) for one, case in enumerate(given) for contact in case[2]])  # fmt: skip
    engine.view("int_customer_tiers", "select customer_id, tier from given")
    engine.view("int_customers", "select customer_id, 'L1' as legal_entity_id from given")
    engine.view("stg_customers", "select customer_id, customer_since from given")
    text = PROJECT.models["int_service"].bound_sql
    found = engine.connection.execute(
        f"select visits_due, calls_due, visits, calls, missing from ({text}) order by customer_id",
        variables_of(text, {"bd": DAY, "first_day": first_day}),
    ).fetchall()
    assert found == [read_aloud(first_day, case) for case in given]


def fill(engine: Engine, name: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """A table with these rows."""
    given = pa.table({column: [row[at] for row in rows] for at, column in enumerate(columns)})
    engine.connection.register("filled", given)
    engine.connection.execute(f"create or replace table {name} as select * from filled")
    engine.connection.unregister("filled")


def rich(bank: Bank, customer: int, branch: str, **row: Any) -> None:
    """Somebody who is gold, with one contact after the other."""
    bank.customer(customer, home=branch, **row)
    bank.account(customer * 10, customer, branch, 500_000)


def contact(bank: Bank, customer: int, channel: str, result: str | None = "reached") -> None:
    """A contact of January 10."""
    bank.numbers += 1
    on = date(2026, 1, 10)
    bank.add("contacts", on, contact_id=bank.numbers, customer_id=customer, channel=channel,
             contact_class="care", contacted_at=noon(on), result=result)  # fmt: skip


def test_branches_see_who_of_their_tiers_is_served(bank: Bank, crm: Batch) -> None:
    """34 days after the first delivery a gold customer is owed a visit and a call."""
    rich(bank, 1, "A")
    for channel in ("visit", "visit", "call"):
        contact(bank, 1, channel)
    rich(bank, 2, "A")
    contact(bank, 2, "visit")
    contact(bank, 2, "call", "not_reached")
    rich(bank, 3, "C", customer_since=date(2026, 1, 20))
    bank.customer(4)
    bank.account(40, 4, "A", 60_000)
    for number, five_tier in ((1, "normal"), (2, "loss")):
        bank.loan(number, number, "A", manager_id=f"M{number}", five_tier=five_tier)
    bank.deliver(DAY)
    rankings = ("pub_branch_rankings", "pub_manager_rankings")
    crm.run(DAY, selectors=(*rankings, "pub_customer_indicators"))
    columns = (
        "org_id, service_due_cnt, service_met_cnt, service_met_rate, service_missing_cnt,"
        " service_visits_due, service_visits_made, service_calls_due, service_calls_made,"
        " service_gold_due_cnt, service_gold_met_rate, service_profit_due_cnt"
    )
    half = Decimal("0.5")
    served = (2, 1, half, 1, 2, 2, 2, 1, 2, half, 0)
    assert [
        row for row in crm.rows("mart_organisations", DAY, columns, "org_id") if row[0] in "AC"
    ] == [("A", *served), ("C", 0, 0, None, 0, 0, 0, 0, 0, 0, None, 0)]
    assert crm.rows("mart_customers", DAY, "customer_id, service_missing_cnt", "customer_id") == [
        (1, 0), (2, 1), (3, 0), (4, 0),
    ]  # fmt: skip
    columns = "code, branch_id, value, entity_rank, entity_branches, union_rank, union_branches"
    ranked = crm.rows("pub_branch_rankings", DAY, columns, "code, branch_id")
    assert [row for row in ranked if row[0] in ("DEP_BAL", "SERVICE_MET_RATE")] == [
        ("DEP_BAL", "A", 1_060_000, 1, 2, 1, 3),
        ("DEP_BAL", "B", 0, 2, 2, 3, 3),
        ("DEP_BAL", "C", 500_000, 1, 1, 2, 3),
        ("SERVICE_MET_RATE", "A", half, 1, 1, 1, 1),
    ]
    columns = "code, manager_id, value, branch_rank, branch_managers, entity_rank, entity_managers"
    ranked = crm.rows("pub_manager_rankings", DAY, columns, "code, branch_rank")
    assert [row for row in ranked if row[0] in ("LOAN_NPL_RATIO", "SERVICE_MET_RATE")] == [
        ("LOAN_NPL_RATIO", "M1", 0, 1, 2, 1, 2),
        ("LOAN_NPL_RATIO", "M2", 1, 2, 2, 2, 2),
        ("SERVICE_MET_RATE", "M1", 1, 1, 2, 1, 2),
        ("SERVICE_MET_RATE", "M2", 0, 2, 2, 2, 2),
    ]
    of_branches = set(crm.rows("pub_branch_rankings", DAY, "code"))
    assert {row[0] for row in ranked} == of_branches | {"VISIT_QUOTA_MET_CNT"}
