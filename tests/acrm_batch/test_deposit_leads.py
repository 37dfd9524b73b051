"""The chain of month ends against a plain reading of docs/rules.md, on random averages."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acrm_batch.engines.duckdb import Engine
from acrm_batch.engines.sql import empty_relation
from acrm_batch.project import Project

MODEL = Project.load().models["int_deposit_leads"]
BOUND = {"p_coverage_hysteresis_pct": 10, "p_coverage_hysteresis_month_ends": 2}

#: Of a month end: the sum of balance times days per branch with an open account.
MonthEnd = dict[str, int]

OPENED = {"A": date(2020, 1, 2), "B": date(2020, 1, 1), "C": date(2020, 1, 1)}

averages = st.dictionaries(
    st.sampled_from(sorted(OPENED)), st.sampled_from([0, 99, 100, 109, 110, 111, 121, 122, 134])
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    engine = Engine(folder, folder / "aside", "200MB", 1)
    yield engine
    engine.close()


def by_sql(engine: Engine, history: list[MonthEnd]) -> list[str | None]:
    """The lead after every month end, by the model."""
    engine.view("int_deposit_leads_before", empty_relation(MODEL.before))
    leads = []
    for month_end in history:
        rows = ", ".join(
            f"(1, '{branch}', {days}, date '{OPENED[branch]}')"
            for branch, days in month_end.items()
        )
        engine.view(
            "int_branch_averages",
            "select customer_id, branch_id, cast(balance_days as decimal(38,2)) as balance_days,"
            " first_opened_on from"
            f" (values {rows or '(0, null, 0, null)'})"
            " as t(customer_id, branch_id, balance_days, first_opened_on) where customer_id > 0",
        )
        # Kept as a table: the next month end reads it under the name of the one before.
        engine.connection.execute(f"create or replace table leads as {MODEL.bound_sql}", BOUND)
        engine.connection.execute("create or replace table kept as from leads")
        engine.view("int_deposit_leads_before", "select * from kept")
        found = engine.connection.execute("select branch_id from kept where is_lead").fetchall()
        assert len(found) == (1 if month_end else 0)
        leads.append(found[0][0] if found else None)
    return leads


@dataclass
class Reader:
    """The rules, read aloud, one month end after the other."""

    lead: str | None = None
    incumbent_before: str | None = None
    above_before: set[str] = field(default_factory=set)

    def month_end(self, averages: MonthEnd) -> str | None:
        """Decide."""

        def largest(branches: set[str]) -> str:
            return min(branches, key=lambda branch: (-averages[branch], OPENED[branch], branch))

        incumbent = self.lead if self.lead in averages else None
        above = {
            branch
            for branch, average in averages.items()
            if incumbent and branch != incumbent and average > 0
            and average * 100 >= averages[incumbent] * 110
        }  # fmt: skip
        twice = above & self.above_before if self.incumbent_before == incumbent else set()
        if not averages:
            self.lead = None
        elif incumbent is None:
            self.lead = largest(set(averages))
        elif twice:
            self.lead = largest(twice)
        self.incumbent_before, self.above_before = incumbent, above
        return self.lead


@given(history=st.lists(averages, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_chain_follows_the_rules(engine: Engine, history: list[MonthEnd]) -> None:
    reader = Reader()
    assert by_sql(engine, history) == [reader.month_end(averages) for averages in history]


def test_a_challenger_of_the_former_lead_starts_again_after_a_move(engine: Engine) -> None:
    history = [
        {"A": 100, "B": 0, "C": 0},
        {"A": 100, "B": 110, "C": 0},
        {"A": 100, "B": 111, "C": 130},
        {"A": 100, "B": 111, "C": 130},
        {"A": 100, "B": 111, "C": 130},
    ]
    assert by_sql(engine, history) == ["A", "A", "B", "B", "C"]
