"""The reminders of a generated night are those that the simulator planted, and no others."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from acrm_batch.lint import LATER
from bank_simulator.generate import generate
from bank_simulator.plan import Plan
from crm_shared.reminder_rules import RULES
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch, batch_over
from tests.databases import PostgresDatabase

#: Tiers and stages of life are not reminded of.
RAISED = [one.code for one in RULES.values() if one.path != "stream" and one.code not in LATER]

PLAN = Plan(customers=800, first=date(2026, 3, 1), last=date(2026, 7, 1), seed=42)


@pytest.fixture(scope="module")
def planted(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Batch, Path]]:
    """The batch over a generated bank, and the folder of its answers."""
    folder = tmp_path_factory.mktemp("planted")
    generate(PLAN, folder / "bank")
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(Bank(folder / "bank", PLAN.first), module_database, folder, patch)
        crm.run(PLAN.as_of, selectors=("int_due_reminders",))
        yield crm, folder / "bank" / "answers"


@pytest.mark.parametrize("rule", RAISED)
def test_what_is_planted_is_raised_and_nothing_else(planted: tuple[Batch, Path], rule: str) -> None:
    crm, answers = planted
    columns = "rule_code, customer_id, subject, reminder_window, due_on, amount, branch_id"
    with duckdb.connect() as engine:
        told = engine.execute(
            "select "
            + columns.replace("reminder_window", '"window"')
            + f" from '{answers}/due_reminders.parquet' where rule_code = ? order by all",
            [rule],
        ).fetchall()
    found = crm.rows("int_due_reminders", PLAN.as_of, columns)
    assert [row for row in found if row[0] == rule] == told
