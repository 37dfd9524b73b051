"""Tiers from month end to month end against a plain reading of docs/rules/tiers.md."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from acrm_batch.catalogue import ParameterValue
from acrm_batch.catalogue_files import TIERS
from acrm_batch.engines.duckdb import Engine
from acrm_batch.engines.sql import empty_relation
from acrm_batch.project import Project

PROJECT = Project.load()
MODEL = PROJECT.models["int_tiers"]
DAY = date(2026, 1, 31)

#: Of a month end: AUM and contribution; None where the customer is not active.
MonthEnd = tuple[Decimal, Decimal] | None

AUMS = ("500000", "499999.99", "450000", "449999.99", "50000", "45000", "44999.99", "10000",
        "9999.99", "100", "99.99")  # fmt: skip
CONTRIBUTIONS = ("2000", "1799.99", "200", "180", "179.99", "0.01", "0", "-1")

#: A customer's values at six month ends; now and then he is not active.
History = list[MonthEnd]


def histories(count: int) -> list[History]:
    """Values about the thresholds, mostly too low for a tier by contribution."""
    chance = random.Random(7)

    def value() -> MonthEnd:
        if chance.random() < 0.05:
            return None
        earned = chance.choice(CONTRIBUTIONS) if chance.random() < 0.3 else "0"
        return Decimal(chance.choice(AUMS)), Decimal(earned)

    return [[value() for _ in range(6)] for _ in range(count)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    engine = Engine(folder, folder / "aside", "200MB", 1)
    engine.set_parameters(PROJECT.catalogue.in_force(DAY))
    yield engine
    engine.close()


def provide(engine: Engine, values: list[MonthEnd]) -> None:
    """The tables that the models read, of customers of legal entity L1."""
    there = [(one, *value) for one, value in enumerate(values) if value is not None]
    rows = ", ".join(f"({one}, {aum}, {contribution})" for one, aum, contribution in there)
    engine.connection.execute(
        "create or replace table given as select * from (values (-1, 0.00, 0.00)"
        f"{', ' * bool(rows)}{rows}) as t(customer_id, aum_bal, contrib) where customer_id >= 0"
    )
    engine.view("int_customers", "select customer_id, 'L1' as legal_entity_id from given")
    engine.view("ind_balances", "select customer_id, aum_bal from given")
    engine.view("ind_contribution", "select customer_id, contrib from given")
    engine.view("int_natural_tiers", PROJECT.models["int_natural_tiers"].bound_sql)


def by_sql(engine: Engine, histories: list[History]) -> list[list[str | None]]:
    """The tiers of every customer at every month end, by the models."""
    engine.view("int_tiers_before", empty_relation(MODEL.before))
    tiers: list[list[str | None]] = [[] for _ in histories]
    for values in zip(*histories, strict=True):
        provide(engine, list(values))
        engine.connection.execute(f"create or replace table tiers as {MODEL.bound_sql}")
        # Kept as a table: the next month end reads it under the name of the one before.
        engine.connection.execute("create or replace table kept as from tiers")
        engine.view("int_tiers_before", "select * from kept")
        found = dict(engine.connection.execute("select customer_id, tier from kept").fetchall())
        for one, told in enumerate(tiers):
            told.append(found.get(one))
    return tiers


@dataclass
class Reader:
    """The rules, read aloud, one month end after the other, with the default parameters."""

    tier: str | None = None
    streak: int = 0

    ranks = ("general", "profit", "gold")
    aum = {"profit": 50_000, "gold": 500_000}  # noqa: RUF012
    contribution = {"profit": 200, "gold": 2000}  # noqa: RUF012

    def month_end(self, value: MonthEnd) -> str | None:
        """Decide."""
        if value is None:
            self.tier, self.streak = None, 0
            return None
        aum, earned = value
        reached = [tier for tier in ("profit", "gold")
                   if aum >= self.aum[tier] or earned >= self.contribution[tier]]  # fmt: skip
        natural = reached[-1] if reached else "general"
        below = (
            self.tier in self.aum
            and 100 * aum < 90 * self.aum[self.tier]
            and 100 * earned < 90 * self.contribution[self.tier]
        )
        if self.tier is None or self.ranks.index(natural) > self.ranks.index(self.tier):
            self.tier, self.streak = natural, 0
        elif below:
            self.streak += 1
            if self.streak == 2:
                self.tier, self.streak = natural, 0
        else:
            self.streak = 0
        if self.tier != "general":
            return self.tier
        if aum >= 10_000:
            return "general_grow"
        return "general_exit" if aum < 100 and earned <= 0 else "general_standardise"


def test_the_chain_follows_the_rules(engine: Engine) -> None:
    given = histories(3000)
    expected = []
    for history in given:
        reader = Reader()
        expected.append([reader.month_end(value) for value in history])
    assert by_sql(engine, given) == expected
    assert {tier for told in expected for tier in told} == {*TIERS, None}


def test_gold_is_lost_after_two_month_ends_and_may_fall_by_two(engine: Engine) -> None:
    gold, low = (Decimal(500_000), Decimal(0)), (Decimal(50), Decimal(0))
    [found] = by_sql(engine, [[gold, low, gold, low, low, low]])
    assert found == ["gold", "gold", "gold", "gold", "general_exit", "general_exit"]


def test_a_legal_entity_may_have_its_own_thresholds(engine: Engine) -> None:
    own = ParameterValue("tier.gold_aum", "L1", date(2026, 1, 1), Decimal(60_000))
    try:
        engine.set_parameters([*PROJECT.catalogue.in_force(DAY), own])
        assert by_sql(engine, [[(Decimal(60_000), Decimal(0))]]) == [["gold"]]
    finally:
        engine.set_parameters(PROJECT.catalogue.in_force(DAY))
