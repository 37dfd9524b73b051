"""Portfolio limits and customers whom nobody maintains: proposals, and nothing but proposals."""

import csv
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from acrm_batch.catalogue import ParameterValue
from acrm_batch.cli import app
from acrm_batch.project import Project
from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import FIRST, Batch
from tests.acrm_batch.processes import environment

DAY = date(2026, 1, 10)


def limits(patch: pytest.MonkeyPatch, **values: int) -> None:
    """Other values of `coverage.…` for the union, in force on every date."""
    project = Project.load()
    tried = tuple(
        ParameterValue(f"coverage.{name}", "*", date(1900, 1, 1), value)
        for name, value in values.items()
    )
    codes = {value.code for value in tried}
    kept = tuple(value for value in project.catalogue.parameters if value.code not in codes)
    project = Project(project.models, project.catalogue.with_parameters(kept + tried))
    patch.setattr(Project, "load", classmethod(lambda cls: project))


def post(bank: Bank, employee: str, branch: str, **row: Any) -> None:
    """A relationship manager in office at a branch."""
    bank.employee(employee)
    bank.add("employee_roles", **{
        "employee_id": employee, "org_id": branch, "role": "relationship_manager",
        "effective_from": date(2020, 1, 1), **row,
    })  # fmt: skip


def given(bank: Bank, customer: int, balance: int, manager: str, on: date | None = None) -> None:
    """A depositor of branch A whom its head gave to a manager."""
    bank.customer(customer)
    bank.account(customer * 10, customer, "A", balance)
    bank.add("coverage_managers", customer_id=customer, branch_id="A", manager_id=manager,
             assigned_on=on or date(2020, 1, 1))  # fmt: skip


def proposals(crm: Batch, bank: Bank) -> list[tuple[int, str, str]]:
    """Customer, manager and proposed manager, after running the day."""
    bank.deliver(DAY)
    crm.run(DAY, selectors=("int_portfolio_proposals",))
    return crm.rows("int_portfolio_proposals", DAY, "customer_id, manager_id, to_manager_id")


def test_a_portfolio_adds_up_what_a_manager_leads_and_says_how_far_it_is_above(
    bank: Bank, crm: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(monkeypatch, portfolio_limit=1)
    post(bank, "E1", "A")
    post(bank, "E2", "A")
    post(bank, "E3", "A", effective_until=DAY)
    given(bank, 1, 100, "E1")
    given(bank, 2, 200, "E1")
    bank.loan(21, 2, "A", manager_id="E1", balance=Decimal(50))
    bank.customer(3, home="B")
    bank.deliver(DAY)
    crm.run(DAY, selectors=("int_portfolios",))
    assert crm.rows(
        "int_portfolios", DAY,
        "branch_id, manager_id, customers, customer_limit, over_by, deposit_balance, loan_balance",
    ) == [
        ("A", "E1", 2, 1, 1, Decimal("300.00"), Decimal("50.00")),
        ("A", "E2", 0, 1, 0, Decimal("0.00"), Decimal("0.00")),
        ("B", "V:B", 1, None, 0, Decimal("0.00"), Decimal("0.00")),
    ]  # fmt: skip


def test_the_smallest_then_the_latest_go_to_the_least_loaded_and_the_rest_to_nobody(
    bank: Bank, crm: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(monkeypatch, portfolio_limit=2)
    for employee in ("E1", "E2", "E3"):
        post(bank, employee, "A")
    for customer, balance in ((1, 900), (2, 800), (3, 300), (4, 200), (5, 100)):
        given(bank, customer, balance, "E1")
    given(bank, 6, 100, "E1", on=date(2025, 1, 1))
    given(bank, 7, 1000, "E2")
    assert proposals(crm, bank) == [
        (3, "E1", "E3"),
        (4, "E1", "E2"),
        (5, "E1", "E3"),
        (6, "E1", "V:A"),
    ]
    # Nobody has been moved.
    assert crm.rows("int_lead_decisions", DAY, "distinct lead_manager_id") == ["E1", "E2"]


def test_of_equal_customers_the_one_assigned_last_goes(
    bank: Bank, crm: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(monkeypatch, portfolio_limit=2)
    given(bank, 1, 100, "E1", on=date(2025, 1, 1))
    given(bank, 2, 100, "E1", on=date(2025, 1, 2))
    given(bank, 3, 100, "E1", on=date(2025, 1, 1))
    assert proposals(crm, bank) == [(2, "E1", "V:A")]


def test_what_a_lock_a_loan_or_a_card_decides_is_never_proposed(
    bank: Bank, crm: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(monkeypatch, portfolio_limit=0)
    given(bank, 1, 1, "E1")
    bank.lock(1, "A", until=date(2027, 1, 1), manager_id="E1")
    given(bank, 2, 1, "E1")
    bank.loan(21, 2, "A", manager_id="E1")
    given(bank, 3, 1, "E1")
    bank.card(31, 3, "A", manager_id="E1")
    given(bank, 4, 1, "E1")
    assert proposals(crm, bank) == [(4, "E1", "V:A")]


def contact(bank: Bank, customer: int, on: date, **row: Any) -> None:
    """A visit by E1."""
    bank.numbers += 1
    bank.add("contacts", on, **{
        "contact_id": bank.numbers, "customer_id": customer, "channel": "visit",
        "contact_class": "service", "contacted_at": noon(on), "employee_id": "E1", **row,
    })  # fmt: skip


def reclaimed(crm: Batch, bank: Bank, day: date) -> list[int]:
    """The customers proposed to be taken back, after running the day."""
    bank.deliver(day)
    crm.run(day, selectors=("int_reclaim_proposals",))
    return crm.rows("int_reclaim_proposals", day, "customer_id")


def test_a_customer_without_a_visit_or_call_of_the_manager_is_proposed(
    bank: Bank, crm: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(monkeypatch, reclaim_days=10)
    known = FIRST + timedelta(days=9)
    for customer in range(1, 9):
        given(bank, customer, 100, "E1")
    contact(bank, 1, FIRST)
    contact(bank, 2, FIRST, channel="call", employee_id=None)
    contact(bank, 3, FIRST, employee_id="E2")
    contact(bank, 4, FIRST, channel="sms")
    contact(bank, 5, FIRST, result="not_reached")
    bank.lock(6, "A", until=date(2027, 1, 1), manager_id="E1")
    bank.customer(9)
    given(bank, 10, 100, "E1", on=FIRST)
    assert reclaimed(crm, bank, known) == [3, 4, 5, 7, 8]


def test_the_last_day_that_counts_and_the_first_on_which_all_days_are_known(
    bank: Bank, crm: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(monkeypatch, reclaim_days=10)
    given(bank, 1, 100, "E1")
    given(bank, 2, 100, "E1")
    contact(bank, 1, FIRST)
    assert reclaimed(crm, bank, FIRST + timedelta(days=8)) == []
    bank.deliver(FIRST + timedelta(days=10), since=FIRST + timedelta(days=9))
    for age, found in ((9, [2]), (10, [1, 2])):
        day = FIRST + timedelta(days=age)
        crm.run(day, selectors=("int_reclaim_proposals",))
        assert crm.rows("int_reclaim_proposals", day, "customer_id") == found


def test_proposals_are_listed_counted_and_told_by_the_command(
    bank: Bank, crm: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(monkeypatch, portfolio_limit=2, reclaim_days=10)
    post(bank, "E1", "A")
    post(bank, "E2", "A")
    for customer, balance in ((1, 900), (2, 800), (3, 100)):
        given(bank, customer, balance, "E1")
    contact(bank, 1, DAY)
    contact(bank, 2, DAY)
    bank.deliver(DAY)
    crm.run(DAY, selectors=("pub_coverage_proposals", "ind_portfolios_orgs"))
    assert crm.rows(
        "pub_coverage_proposals", DAY,
        "customer_id, reason, branch_id, manager_id, to_manager_id, deposit_balance, assigned_on",
    ) == [
        (3, "not_maintained", "A", "E1", "V:A", Decimal("100.00"), date(2020, 1, 1)),
        (3, "over_limit", "A", "E1", "E2", Decimal("100.00"), date(2020, 1, 1)),
    ]  # fmt: skip
    counts = "portfolio_over_cnt, portfolio_hand_on_cnt, portfolio_take_back_cnt"
    assert crm.rows("ind_portfolios_orgs", DAY, f"grain, org_id, manager_id, {counts}") == [
        ("branch", "A", "", 1, 1, 1),
        ("legal_entity", "L1", "", 1, 1, 1),
        ("manager", "A", "E1", 1, 1, 1),
        ("union", "", "", 1, 1, 1),
    ]

    for name, value in environment(crm).items():
        monkeypatch.setenv(name, value)

    def ask(*arguments: str) -> Result:
        asked = ["coverage", "--portfolios", "--date", str(DAY), *arguments]
        return CliRunner().invoke(app, asked)

    text = ask("--branch", "A").stdout
    assert "2 portfolios, 1 above their limit by 1 customers; 1 customers proposed to be" in text
    assert "3\tover_limit\tA\tE1\tE2\t100.00" in text
    document = json.loads(ask("--json").stdout)
    [first, *_] = document["portfolios"]
    assert [first[name] for name in ("manager_id", "customers", "customer_limit", "over_by",
                                     "hand_on", "take_back")] == ["E1", 3, 2, 1, 1, 1]  # fmt: skip
    wider = ("--set", "coverage.portfolio_limit=3")
    [line] = csv.DictReader(ask(*wider, "--csv").stdout.splitlines())
    assert (line["reason"], line["to_manager_id"]) == ("not_maintained", "V:A")
    assert "; 0 customers proposed to be handed on, 1 to" in ask(*wider, "--limit", "0").stdout
    refused = ask("--branch", "X")
    assert (refused.exit_code, "Branch X leads nobody" in refused.stderr) == (2, True)
