"""Who would move and why, and that nothing does by asking."""

import csv
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from acrm_batch import coverage
from acrm_batch.batch import looking
from acrm_batch.cli import app
from acrm_batch.progress import Progress
from acrm_batch.project import Project
from acrm_batch.rehearsal import Rehearsal, rehearsing, tried
from crm_shared.errors import CrmError, NotReadyError, UsageError
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch, Filling, Start

JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)


@contextmanager
def on_stage(crm: Batch, day: date) -> Iterator[Rehearsal]:
    with Progress(Console(), quiet=True) as progress, rehearsing(crm.settings, day, progress) as on:
        yield on


def dry_run(crm: Batch, day: date, *given: str, **options: Any) -> coverage.DryRun:
    with on_stage(crm, day) as stage:
        catalogue = tried(stage.runner.project, coverage.LEADS, given=given)
        return coverage.dry_run(stage, day, catalogue, **options)


def why(crm: Batch, day: date, customer: int, *given: str) -> dict[str, Any]:
    with on_stage(crm, day) as stage:
        catalogue = tried(stage.runner.project, coverage.LEADS, given=given)
        return coverage.why(stage, day, customer, catalogue)


def kept(crm: Batch) -> tuple[Any, ...]:
    """Everything that a rehearsal must leave alone."""
    counts = [
        crm.query(f"select count(*) from acrm.{table}")
        for table in ("runs", "steps", "partitions", "accepted_days", "publications")
    ]
    files = {
        path: (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in crm.settings.warehouse_dir.rglob("*.parquet")
    }
    return counts, files


def challenged(bank: Bank) -> Bank:
    """A customer of A whose average at B is 15 % above on the month ends from January on."""
    bank.customer(1)
    bank.account(11, 1, "A", 1000)
    bank.account(12, 1, "B", 0)
    bank.loan(13, 1, "A", balance=Decimal(0), status="settled", settled_on=date(2025, 1, 1))
    bank.move(12, date(2026, 1, 30), 1150)
    bank.customer(2, home="C")
    bank.manager(1, "B", "E1")
    bank.deliver(MARCH)
    return bank


@pytest.fixture(scope="module")
def filling() -> Filling:
    """The bank of `ready`, and the date that is made of it."""
    return challenged, FEBRUARY


def test_a_tried_parameter_shows_who_would_move_and_leaves_everything_as_it_was(
    ready: Start,
) -> None:
    crm = ready.crm
    for day in (FEBRUARY, MARCH):
        crm.run(day, publishes=True)
    before = kept(crm)
    assert dry_run(crm, MARCH).customers == []
    found = dry_run(crm, MARCH, "coverage.hysteresis_pct=20")
    assert kept(crm) == before
    assert found.compared_with == "2026-03-31, as published"
    assert found.parameters["coverage.hysteresis_pct"] == 20
    [move] = found.customers
    rules = {rule["rule"]: rule for rule in move.pop("why")}
    assert move == {
        "customer_id": 1, "change": "branch",
        "old_branch_id": "B", "old_manager_id": "E1", "old_rule": "deposit",
        "new_branch_id": "A", "new_manager_id": "V:A", "new_rule": "deposit",
        "manager_from": "virtual",
        "deposit_balance": Decimal("2150.00"), "loan_balance": Decimal("0.00"),
    }  # fmt: skip
    assert [name for name, rule in rules.items() if rule["matched"]] == ["deposit"]
    assert rules["deposit"]["values"]["month_end"] == [
        {"branch_id": "B", "average": Decimal("1150.00"), "sum": Decimal("34500.00"),
         "month_ends_above": 0, "leads": False},
        {"branch_id": "A", "average": Decimal("1000.00"), "sum": Decimal("30000.00"),
         "month_ends_above": 0, "leads": True},
    ]  # fmt: skip
    assert [(row["branch_id"], row["customers_gained"], row["customers_lost"],
             row["deposits_gained"]) for row in found.branches] == [
        ("A", 1, 0, Decimal("2150.00")), ("B", 0, 1, Decimal("0.00"))
    ]  # fmt: skip
    assert [row["manager_id"] for row in found.managers] == ["V:A", "E1"]


def test_a_date_is_compared_with_the_newest_published_one_or_with_any_other(
    ready: Start,
) -> None:
    crm = ready.crm
    crm.run(FEBRUARY, publishes=True)
    crm.run(MARCH, selectors=(coverage.LEADS,))
    tonight = dry_run(crm, MARCH)
    assert tonight.compared_with == "2026-02-28, as published"
    assert [(m["customer_id"], m["new_branch_id"]) for m in tonight.customers] == [(1, "B")]
    assert dry_run(crm, MARCH, branch="C", against=JANUARY).customers == []
    unpublished = dry_run(crm, MARCH, against=JANUARY, branch="A")
    assert unpublished.compared_with == "2026-01-31, not published"
    assert [m["old_branch_id"] for m in unpublished.customers] == ["A"]
    with pytest.raises(UsageError, match="Branch X leads nobody"):
        dry_run(crm, MARCH, branch="X")
    with pytest.raises(NotReadyError, match="neither published nor delivered"):
        dry_run(crm, MARCH, against=date(2025, 1, 1))


def test_who_comes_and_who_goes_is_told_apart_from_who_changes_hands(
    bank: Bank, crm: Batch
) -> None:
    bank.customer(1)
    bank.customer(2)
    bank.customer(3)
    bank.manager(3, "A", "E1")
    second = date(2026, 1, 2)
    bank.add("customers", second, **bank.rows["customers"][1][1] | {"status": "invalid"})
    bank.add("customers", second, **bank.rows["customers"][0][1] | {"customer_id": 4})
    bank.add("coverage_managers", second, customer_id=3, branch_id="A", manager_id="E2",
             assigned_on=second)  # fmt: skip
    bank.deliver(second)
    crm.run(bank.first, publishes=True)
    found = dry_run(crm, second)
    assert [(m["customer_id"], m["change"], m["new_manager_id"]) for m in found.customers] == [
        (2, "gone", None), (3, "manager", "E2"), (4, "new", "V:A"),
    ]  # fmt: skip
    [branch] = found.branches
    assert (branch["customers_gained"], branch["customers_lost"]) == (1, 1)


def test_why_names_every_rule_in_order_and_which_decides(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 10)
    bank.card(31, 1, "B", manager_id="E4")
    bank.loan(22, 1, "C", status="settled", settled_on=date(2025, 12, 1), manager_id="E3")
    bank.employee("E3", left_on=date(2025, 12, 31))
    bank.deliver(date(2026, 1, 3))
    found = why(crm, date(2026, 1, 3), 1)
    assert [(r["rule"], r["matched"], r["decides"]) for r in found["rules"]] == [
        ("locked", False, False),
        ("loan", False, False),
        ("loan_settled", True, True),
        ("card", True, False),
        ("deposit", True, False),
        ("registered", False, False),
    ]
    assert found["rules"][2]["values"] == {
        "loan_id": 22, "branch_id": "C", "manager_id": "E3",
        "settled_on": date(2025, 12, 1), "leads_until": date(2026, 3, 1),
    }  # fmt: skip
    assert (found["manager_of_the_rule"], found["lead_manager_id"]) == ("E3", "V:C")
    assert found["rules"][4]["values"]["decided_on"] == date(2026, 1, 3)
    shorter = why(crm, date(2026, 1, 3), 1, "coverage.settled_loan_days=10")
    assert (shorter["rule"], shorter["lead_manager_id"]) == ("card", "E4")
    with pytest.raises(UsageError, match="Customer 5 is no active customer"):
        why(crm, date(2026, 1, 3), 5)


def test_the_command_answers_as_text_json_and_csv(
    bank: Bank, crm: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 10)
    bank.account(12, 1, "B", 10)
    bank.loan(22, 1, "C", status="settled", settled_on=date(2025, 12, 1), manager_id="E3")
    second = date(2026, 1, 2)
    bank.deliver(second)
    crm.run(bank.first, selectors=(coverage.LEADS,))
    monkeypatch.setenv("ACRM_DATABASE_URL", crm.database.acrm_owner)
    monkeypatch.setenv("CRM_LANDING_DIR", str(crm.settings.landing_dir))
    monkeypatch.setenv("CRM_WAREHOUSE_DIR", str(crm.settings.warehouse_dir))

    def ask(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["coverage", "--date", str(second), *arguments])

    tried = ("--dry-run", "--set", "coverage.settled_loan_days=10")
    text = ask(*tried)
    assert (text.exit_code, "compared with 2026-01-01, not published" in text.stdout) == (0, True)
    assert ": 1 changes (1 to another branch)." in text.stdout
    assert "decided_on 2026-01-02" in text.stdout
    document = json.loads(ask(*tried, "--json").stdout)
    assert document["changes"] == {"branch": 1, "manager": 0, "new": 0, "gone": 0}
    assert document["customers"][0]["deposit_balance"] == "20.00"
    [line] = csv.DictReader(ask(*tried, "--csv").stdout.splitlines())
    assert (line["old_branch_id"], line["new_branch_id"]) == ("C", "A")
    assert json.loads(line["why"])["averages"][0]["sum"] == "20.00"
    asked = ask("--customer", "1")
    assert "led by branch C through E3" in asked.stdout
    assert "loan_settled\tdecides\tloan_id 22" in asked.stdout
    assert json.loads(ask("--customer", "1", "--json").stdout)["rule"] == "loan_settled"
    for arguments, sentence in (
        ((), "Say either --dry-run"),
        (("--dry-run", "--customer", "1"), "Say either --dry-run"),
        (("--dry-run", "--json", "--csv"), "Say either --json or --csv"),
        (("--customer", "1", "--branch", "A"), "go with --dry-run"),
        (("--portfolios", "--against", "2026-01-01"), "--against goes with --dry-run"),
        (("--dry-run", "--since", "2026-01-01"), "--since dates the values of --set"),
    ):
        refused = ask(*arguments)
        assert (refused.exit_code, sentence in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("coverage.hysteresis_pct", "sets nothing; write CODE=VALUE"),
        ("coverage.hysteresis_pct=ten", "give a whole number of 0 or more"),
        ("coverage.hysteresis_pct=1.5", "give a whole number of 0 or more"),
        ("coverage.averaging_days=0", "give a whole number of 1 or more"),
        ("coverage.settled_loan_days=-1", "give a whole number of 0 or more"),
        ("coverage.settled_loan_days=NaN", "give a whole number of 0 or more"),
        ("tier.private=1", "tier.private decides nothing here; try one of coverage.averaging"),
    ],
)
def test_a_value_that_cannot_be_tried_is_refused(given: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        tried(Project.load(), coverage.LEADS, given=[given])


def test_a_file_gives_dated_values_and_set_a_value_from_a_date_on(tmp_path: Path) -> None:
    file = tmp_path / "params.yml"
    file.write_text(
        "- code: coverage.hysteresis_pct\n"
        "  values: [{value: 5}, {effective_from: 2026-03-01, value: 50}]\n"
    )
    catalogue = tried(Project.load(), coverage.LEADS, file=file,
                      given=["coverage.hysteresis_month_ends=3"], since=MARCH)  # fmt: skip
    for day, values in ((FEBRUARY, (5, 2)), (MARCH, (50, 3))):
        codes = ("coverage.hysteresis_pct", "coverage.hysteresis_month_ends")
        assert tuple(catalogue.union_wide(code, day, "the test") for code in codes) == values


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "cannot be read as YAML"),
        ("coverage.hysteresis_pct: 20", "must be a list of entries like"),
        ("- {code: coverage.hysteresis_pct, values: [20]}", "must be a list of entries like"),
        ("- {code: coverage.hysteresis_pct, values: [{value: 1, effective_from: soon}]}",
         "is not a date"),
        ("- {code: coverage.hysteresis_pct, values: [{value: 1, legal_entity: L1}]}",
         "holds for the whole union; take legal entity L1 out"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_tried_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "params.yml"
    file.write_text(text)
    with pytest.raises(UsageError, match=fault):
        tried(Project.load(), coverage.LEADS, file=file)


def test_what_only_looks_spills_beside_the_warehouse(crm: Batch) -> None:
    crm.settings.warehouse_dir.mkdir()
    with looking(crm.settings) as (runner, _):
        assert runner.engine.aside.is_relative_to(crm.settings.warehouse_dir)
    assert not list((crm.settings.warehouse_dir / ".aside").iterdir())


def test_what_only_looks_names_the_folder_that_has_no_room_for_it(
    crm: Batch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the warehouse may not be written, temporary files are elsewhere."""
    spilled = "create table big as select range as n from range(9000000) order by hash(n)"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    # The warehouse is not there, so it cannot be written.
    with (
        pytest.raises(CrmError, match=f"disk of {elsewhere}, where it spills"),
        looking(crm.settings) as (runner, _),
    ):
        runner.engine.connection.execute("set memory_limit = '40MB'")
        runner.engine.connection.execute("set max_temp_directory_size = '1MB'")
        runner.engine.connection.execute(spilled).fetchall()
