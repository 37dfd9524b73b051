"""A legal entity's own value of a parameter changes its customers, and nobody else."""

from copy import copy
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from acrm_batch.catalogue import ParameterValue
from acrm_batch.lint import lint
from acrm_batch.parameter_files import replaced
from acrm_batch.project import Project
from crm_shared.errors import UsageError
from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import Batch, Filling, Start

DAY = date(2026, 1, 20)

#: The day on which everybody does everything: within 15 days of the date, not within 5.
BEFORE = DAY - timedelta(days=10)

#: Models that ask for days of a legal entity.
MODELS = (
    "int_capped_contacts", "int_initiated", "int_lifecycle", "int_reclaim_proposals",
    "int_reminders_changes", "int_reminders_work", "pot_deposits", "pot_flows",
)  # fmt: skip


def contact(bank: Bank, customer: int, contact_class: str, **row: object) -> None:
    bank.numbers += 1
    bank.add("contacts", BEFORE, **{
        "contact_id": bank.numbers, "customer_id": customer, "channel": "visit",
        "contact_class": contact_class, "contacted_at": noon(BEFORE), "employee_id": "E1", **row,
    })  # fmt: skip


def twins(bank: Bank) -> Bank:
    """Depositors 1 (of L1) and 2 (of L2) who do the same, and borrowers 3 and 4 likewise."""
    bank.employee("E1")
    for customer, branch in ((1, "A"), (2, "C")):
        bank.customer(customer, home=branch)
        bank.account(customer * 10, customer, branch, 1)
        bank.manager(customer, branch, "E1")
        contact(bank, customer, "marketing")
        bank.move(customer * 10, BEFORE, 20, txn_type="cash_in")
        bank.move(customer * 10, BEFORE, 30, txn_type="acquiring", channel="pos")
        bank.move(customer * 10, BEFORE, -10, txn_type="other", channel="mobile",
                  counterparty_bank="X")  # fmt: skip
    for customer, branch in ((3, "A"), (4, "C")):
        bank.customer(customer, home=branch)
        bank.loan(customer * 10, customer, branch, balance=Decimal(2_000_000))
        contact(bank, customer, "service")
    bank.deliver(DAY)
    return bank


@pytest.fixture(scope="module")
def filling() -> Filling:
    """The twins on their day."""
    return twins, DAY


def rows(crm: Batch, values: str) -> set[tuple[str, int, str]]:
    """What the models say of every customer under these values of a parameter."""
    file = crm.settings.warehouse_dir / "params.yml"
    file.write_text(values)
    crm.settings.parameters_file = file
    crm.run(DAY, selectors=MODELS)
    return {
        (model, row[0], str(row))
        for model in MODELS
        for row in crm.rows(model, DAY, "customer_id, *")
    }


@pytest.mark.parametrize(
    ("code", "days", "who"),
    [
        ("contact.cap_days", 5, {1, 2}),
        ("coverage.reclaim_days", 5, {1, 2}),
        ("lifecycle.dormant_days", 10, {1, 2}),
        ("maintenance.days", 5, {3, 4}),
        ("potential.counter_days", 5, {1, 2}),
        ("potential.flow_days", 5, {1, 2}),
        ("potential.idle_days", 5, {1, 2}),
        ("potential.no_txn_days", 5, {1, 2}),
        ("potential.turnover_days", 5, {1, 2}),
    ],
)
def test_days_of_one_legal_entity_change_its_customers_alone(
    ready: Start, code: str, days: int, who: set[int]
) -> None:
    entry = f"- code: {code}\n  values:\n    - value: "
    everybody = rows(ready.crm, f"{entry}{days}")
    own = rows(ready.crm, f"{entry}{days}\n    - {{legal_entity: L2, value: 15}}")
    longer = rows(ready.crm, f"{entry}15")
    assert {customer for _, customer, _ in everybody ^ own} == who & {2, 4}
    assert {customer for _, customer, _ in everybody ^ longer} == who
    assert {row for row in own if row[1] in {2, 4}} == {r for r in longer if r[1] in {2, 4}}


@pytest.mark.slow
def test_an_entity_may_not_have_its_own_value_of_what_holds_for_the_union() -> None:
    project = Project.load()
    own = ParameterValue("rfm.days", "L1", date(2026, 1, 1), 30)
    values = (*project.catalogue.parameters, own)
    faults = lint(Project(project.models, project.catalogue.with_parameters(values)))
    [fault] = [one for one in faults if "rfm.days" in one]
    assert "Parameter rfm.days has a value of legal entity L1, but one value holds" in fault


def test_a_reason_is_said_where_one_value_holds_and_nowhere_else() -> None:
    project = Project.load()
    why = dict(project.catalogue.why_union_wide)
    del why["rfm.days"]
    catalogue = copy(project.catalogue)
    catalogue.why_union_wide = why | {"contact.cap": "Because."}
    faults = [one for one in lint(Project(project.models, catalogue)) if "whole union" in one]
    assert [one.split(":")[0].split(",")[0] for one in faults] == [
        "Parameter rfm.days has one value for the whole union in int_initiated",
        "Parameter contact.cap says why one value holds for the whole union",
    ]


def test_a_file_of_values_is_told_why_it_may_not_set_one(tmp_path: Path) -> None:
    file = tmp_path / "params.yml"
    file.write_text("- {code: rfm.days, values: [{legal_entity: L1, value: 30}]}\n")
    with pytest.raises(UsageError, match=r"take legal entity L1 out\. Quintiles rank all"):
        replaced(Project.load(), file)


@pytest.mark.parametrize(
    ("code", "value", "places"),
    [("contribution.ftp_loan_pct", "0.00005", 4), ("contribution.lgd_pct", "45.125", 2)],
)
def test_more_decimal_places_than_are_kept_are_refused(
    tmp_path: Path, code: str, value: str, places: int
) -> None:
    file = tmp_path / "params.yml"
    file.write_text(f"- {{code: {code}, values: [{{value: {value}}}]}}\n")
    with pytest.raises(UsageError, match=rf"places for {code}, of which {places} are kept"):
        replaced(Project.load(), file)
    file.write_text(f"- {{code: {code}, values: [{{value: '0.50000'}}]}}\n")
    assert Decimal("0.5") in [one.value for one in replaced(Project.load(), file)]


def test_two_codes_at_once_change_what_each_changes_alone(ready: Start) -> None:
    def entries(own_cap: int, own_idle: int) -> str:
        return "".join(
            f"- code: {code}\n  values: [{{value: 5}}, {{legal_entity: L2, value: {own}}}]\n"
            for code, own in (("contact.cap_days", own_cap), ("potential.idle_days", own_idle))
        )

    neither, both = rows(ready.crm, entries(5, 5)), rows(ready.crm, entries(15, 15))
    cap, idle = rows(ready.crm, entries(15, 5)), rows(ready.crm, entries(5, 15))
    assert cap - neither and idle - neither
    assert not (cap - neither) & (idle - neither)
    assert {customer for _, customer, _ in both ^ neither} == {2}
