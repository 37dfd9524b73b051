"""A figure is traced to delivered rows, and comes out the same of them alone."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from acrm_batch import batch
from acrm_batch.cli import app
from acrm_batch.explain_indicator import explain_indicator, indicator_of
from acrm_batch.runner import Runner
from crm_shared.errors import NotReadyError, UsageError
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch, batch_over
from tests.acrm_batch.processes import environment
from tests.databases import PostgresDatabase

DAY = date(2026, 2, 3)


@pytest.fixture(scope="module")
def made(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    """Two customers with business at two branches and movements over a month end."""
    folder = tmp_path_factory.mktemp("explained")
    bank = Bank(folder / "landing", FIRST)
    for customer in (1, 2):
        bank.customer(customer, phone="13800000000")
        bank.account(10 + customer, customer, "A", 1000 * customer)
        bank.account(20 + customer, customer, "B", "500.55")
    bank.loan(31, 1, "B", balance=Decimal("700.10"), days_overdue=3)
    for number, account in enumerate((11, 21, 12, 11, 11), 1):
        bank.move(account, FIRST + timedelta(days=7 * number - 3), number * 100,
                  counterparty_bank="OTHER")  # fmt: skip
    bank.move(11, DAY - timedelta(days=1), -50, counterparty_bank="OTHER", counterparty_account="9")
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        crm.run(DAY)
        yield crm


@pytest.fixture
def runner(made: Batch) -> Iterator[Runner]:
    """A runner that looks at the date."""
    with batch.looking(made.settings) as (found, _):
        found.accept(None, DAY, 1)
        yield found


def test_every_indicator_comes_out_the_same_of_its_rows_alone(runner: Runner) -> None:
    found = runner.project.catalogue.at_grain("customer")
    # One of each family and kind of aggregate, and all that have parts that must add up.
    tried = {(one.family, one.unit, one.sql.partition("(")[0]): one for one in found}
    wrong = []
    for one in tried.values():
        told = explain_indicator(runner, DAY, 1, one)
        if not told.agrees or told.parts_add_up is False:
            wrong.append((told.code, told.value, told.recomputed, told.parts_add_up))
    assert wrong == []


def test_the_rows_behind_a_figure_are_told_without_what_is_personal(runner: Runner) -> None:
    one = indicator_of(runner.project.catalogue, "FLOW_OTHER_AMT_30D")
    assert one
    told = explain_indicator(runner, DAY, 1, one)
    assert told.value == Decimal("50.00")
    bookings = told.sources["transactions"]
    assert {row["account_id"] for row in bookings} == {11, 21}
    assert all("counterparty_account" not in row for row in bookings)
    assert sum(part["flow_other_amt_30d"] for part in told.parts) == told.value


def test_a_change_names_the_day_that_it_is_compared_with(runner: Runner) -> None:
    one = indicator_of(runner.project.catalogue, "DEP_CHG_D")
    assert one
    told = explain_indicator(runner, DAY, 1, one)
    assert told.agrees
    assert f"ind_balances of {DAY - timedelta(days=1)}" in told.carried


def test_what_cannot_be_explained_is_a_sentence(runner: Runner) -> None:
    catalogue = runner.project.catalogue
    one = indicator_of(catalogue, "DEP_BAL")
    assert one and indicator_of(catalogue, "NO_SUCH_CODE") is None
    with pytest.raises(UsageError, match="is no indicator of a customer"):
        indicator_of(catalogue, "COV_LEAD_CNT")
    with pytest.raises(UsageError, match="Customer 9 is no active customer"):
        explain_indicator(runner, DAY, 9, one)
    with pytest.raises(NotReadyError, match="has not been made"):
        explain_indicator(runner, FIRST, 1, one)


def test_the_command_traces_a_figure(made: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(made).items():
        monkeypatch.setenv(name, value)
    arguments = ["explain", "1", "LOAN_BAL", "--date", str(DAY)]
    told = CliRunner().invoke(app, arguments).stdout
    assert "of customer 1 on 2026-02-03: 700.10" in told
    assert "The parts add up to it." in told and "it is the same: 700.10" in told
    found = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert found["sources"]["loans"][0]["loan_id"] == 31
