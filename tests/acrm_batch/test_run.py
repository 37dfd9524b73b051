"""The runner: free when nothing changed, exact when something did, whole after a crash."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from html import escape
from importlib.resources import files
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from acrm_batch import batch
from acrm_batch.audits import AuditBlockedError
from acrm_batch.cli import app
from acrm_batch.progress import Progress
from acrm_batch.project import Project
from acrm_batch.report.files import file_of
from crm_shared import postgres
from crm_shared.errors import ExitCode, NotReadyError, UsageError
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch, Filling, Start
from tests.acrm_batch.processes import environment

JANUARY, DAY = date(2026, 1, 31), date(2026, 2, 3)


def two_customers(bank: Bank) -> Bank:
    """Two customers with movements in January and February."""
    for customer in (1, 2):
        bank.customer(customer)
        bank.account(10 + customer, customer, "A", 1000)
        bank.account(20 + customer, customer, "B", 500)
    bank.move(11, date(2026, 1, 15), 250)
    bank.move(22, date(2026, 2, 2), -100, counterparty_bank="OTHER")
    bank.deliver(DAY)
    return bank


@pytest.fixture
def delivered(bank: Bank) -> Bank:
    """The bank of one test, of which nothing is made."""
    return two_customers(bank)


@pytest.fixture(scope="module")
def filling() -> Filling:
    """The bank of `ready`, and the date that is made of it."""
    return two_customers, DAY


def checksums(crm: Batch) -> dict[str, bytes]:
    """Every partition of the warehouse."""
    root = crm.settings.warehouse_dir
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("data.parquet")}


def made(crm: Batch, day: date) -> set[tuple[str, date]]:
    """The steps that a run made."""
    return {(step.model, step.as_of) for step in crm.run(day).steps if step.outcome == "made"}


def test_a_second_run_has_nothing_to_do(delivered: Bank, crm: Batch) -> None:
    first = crm.run(DAY)
    before = checksums(crm)
    second = crm.run(DAY)
    assert Counter(step.outcome for step in first.steps).keys() == {"made"}
    assert Counter(step.outcome for step in second.steps).keys() == {"skipped"}
    assert checksums(crm) == before
    yesterday, first_day = date(2026, 2, 2), date(2026, 1, 1)
    assert {step.as_of for step in first.steps} == {first_day, JANUARY, yesterday, DAY}
    project = Project.load()
    compared = {
        name
        for model in project.models.values()
        for name, at in model.at.items()
        if "day" in at and name not in model.if_made
    }
    needed = compared | {above for name in compared for above in project.upstream(name)}
    assert {step.model for step in first.steps if step.as_of == yesterday} == {
        name for name in needed if project.models[name].partition == "as_of"
    }


def test_a_corrected_source_day_recomputes_exactly_its_dependants(ready: Start) -> None:
    bank = ready.bank
    # The general ledger is read by this one alone, and entries that cancel out leave it the same.
    on = date(2026, 2, 1)
    bank.add("gl_totals", on, gl_code="1", branch_id="A", debit=Decimal(5), credit=Decimal(5))
    bank.deliver(on, since=on)
    assert made(ready.crm, DAY) == {("int_ledger_days", DAY)}


def test_a_correction_before_the_month_end_goes_down_the_chain(ready: Start) -> None:
    bank, crm = ready.bank, ready.crm
    bank.rows["transactions"][0][1]["amount"] += 50
    bank.rows["gl_totals"][0][1]["debit"] += 50
    for on, row in bank.rows["balances"]:
        if row["account_id"] == 11 and on >= date(2026, 1, 15):
            row["balance"] += 50
    bank.deliver(JANUARY, since=date(2026, 1, 15))
    again = made(crm, DAY)
    assert {("int_deposit_leads", JANUARY), ("int_ledger_totals", JANUARY)} <= again
    assert ("pub_coverage", DAY) in again
    assert ("pub_employees", DAY) not in again
    assert crm.rows("mart_customers", DAY, "dep_bal", "customer_id")[0] == 1800


def test_an_audit_blocks_what_depends_on_it_and_is_written_down(ready: Start) -> None:
    bank, crm = ready.bank, ready.crm
    # A balance that the ledger does not explain.
    bank.rows["balances"].append((DAY, {"account_id": 11, "balance": 7}))
    bank.deliver(DAY, since=DAY)
    with pytest.raises(
        AuditBlockedError, match=r"int_branch_ledger of 2026-02-03 .* 1 rows"
    ) as caught:
        crm.run(DAY, publishes=True)
    assert caught.value.exit_code == ExitCode.BLOCKED
    assert crm.query(
        "select model, failed_rows from acrm.audits where failed_rows > 0 and severity = 'error'"
    ) == [("int_branch_ledger", 1)]
    outcomes = crm.query("select outcome from acrm.runs order by started_at")
    assert outcomes == [("ok",), ("audit_blocked",)]
    assert crm.query("select count(*) from acrm.publications") == [(0,)]


def test_a_parameter_that_starts_later_stops_the_models_that_need_it(
    delivered: Bank, crm: Batch, tmp_path: Path
) -> None:
    crm.settings.parameters_file = tmp_path / "params.yml"
    crm.settings.parameters_file.write_text(
        "- code: contact.cap\n"
        "  values: [{effective_from: 2026-07-01, value: 3},"
        " {effective_from: 2026-01-01, value: 5, legal_entity: L1}]\n"
    )
    with pytest.raises(
        UsageError,
        match=r"contact\.cap has no value on 2026-02-03 but that of legal entity L1, and model"
        r" int_capped_contacts needs one",
    ):
        crm.run(DAY, selectors=("int_over_contact",))
    crm.settings.parameters_file.write_text("- {code: contact.cap, values: [{value: 3}]}\n")
    healed = crm.run(DAY, selectors=("int_over_contact",)).steps
    assert ("int_over_contact", "made") in {(step.model, step.outcome) for step in healed}


def test_steps_that_fail_without_an_audit_and_those_they_block_are_written_down(
    delivered: Bank, crm: Batch, tmp_path: Path
) -> None:
    crm.settings.parameters_file = tmp_path / "params.yml"
    crm.settings.parameters_file.write_text(
        "- {code: contact.cap, values: [{effective_from: 2026-07-01, value: 3}]}\n"
    )
    with pytest.raises(UsageError) as caught:
        crm.run(DAY, selectors=("int_over_contact",))
    found = crm.query(
        "select model, outcome, reason from acrm.steps where as_of = %s and outcome <> 'made'", DAY
    )
    assert ("int_capped_contacts", "failed", caught.value.sentence) in found
    assert ("int_over_contact", "blocked", "int_capped_contacts failed") in found
    page = file_of(crm.settings.warehouse_dir, DAY, "en").read_text(encoding="utf-8")
    assert escape(caught.value.sentence) in page and "int_capped_contacts failed" in page


def test_audits_are_tried_again_on_the_days_that_the_partitions_were_made_of(
    ready: Start,
) -> None:
    bank, crm = ready.bank, ready.crm
    accepted = crm.query("select * from acrm.accepted_days order by 1")
    bank.add("balances", DAY, account_id=11, balance=7)
    bank.deliver(DAY, since=DAY)
    with Progress(Console(), quiet=True) as progress:
        results = batch.audit_date(crm.settings, DAY, progress)
        assert results and not [model for model, one in results if one.blocks]
        assert crm.query("select * from acrm.accepted_days order by 1") == accepted
        with pytest.raises(NotReadyError, match="Nothing of 2026-03-01 has been made"):
            batch.audit_date(crm.settings, date(2026, 3, 1), progress)


def test_a_run_names_the_tag_that_asks_for_an_unknown_indicator(
    delivered: Bank, crm: Batch, tmp_path: Path
) -> None:
    root = Path(str(files("acrm_batch")))
    for name in ("models", "catalogue"):
        shutil.copytree(root / name, tmp_path / name)
    path = tmp_path / "catalogue" / "tags" / "business.yml"
    path.write_text(path.read_text().replace("fund_bal > 0", "fund_balance > 0"))
    project = Project.load(tmp_path)
    with (
        pytest.raises(UsageError, match=r"Tag IN_BANK/FUND names fund_balance, .*business\.yml"),
        batch.opened(crm.settings, DAY, "run") as (runner, _, run_id),
    ):
        runner.project = project
        runner.accept(run_id, DAY, 1)
        runner.run(run_id, DAY, project.select(("tag_customers",)), lambda step: None)


def test_a_day_of_the_general_ledger_that_does_not_balance_blocks(
    delivered: Bank, crm: Batch
) -> None:
    delivered.rows["gl_totals"][-1][1]["credit"] += 1
    delivered.deliver(DAY, since=date(2026, 2, 2))
    with pytest.raises(AuditBlockedError, match="deposits_net"):
        crm.run(DAY, selectors=("int_ledger_days",))


def test_a_second_currency_blocks(delivered: Bank, crm: Batch) -> None:
    delivered.account(31, 1, "A", currency="USD")
    delivered.deliver(DAY)
    with pytest.raises(AuditBlockedError, match=r"chk_currencies of 2026-02-03 .* 2 rows"):
        crm.run(DAY, selectors=("chk_currencies",))


def test_a_partition_that_is_gone_is_made_again(ready: Start) -> None:
    crm = ready.crm
    before = checksums(crm)
    (crm.settings.warehouse_dir / "pub_coverage" / f"as_of={DAY}" / "data.parquet").unlink()
    assert made(crm, DAY) == {("pub_coverage", DAY)}
    assert checksums(crm) == before


def test_one_run_of_a_date_at_a_time(delivered: Bank, crm: Batch) -> None:
    with (
        postgres.connect(crm.database.acrm_owner, application_name="other") as other,
        postgres.advisory_lock(other, f"acrm {DAY}"),
        pytest.raises(postgres.AlreadyRunningError),
    ):
        crm.run(DAY)


def command(crm: Batch, *arguments: str) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from acrm_batch.cli import app; app()", *arguments],
        env=os.environ | environment(crm),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_commands_answer_with_sentences_and_exit_codes(
    ready: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = ready.crm
    for name, value in environment(crm).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    planned = run("plan", "--date", "2026-02-01", "--json")
    assert {row["does"] for row in json.loads(planned.stdout)} == {"run", "follow", "skip"}
    done = run("run", "--date", str(DAY), "--no-events", "--json")
    assert (done.exit_code, json.loads(done.stdout)["published"]) == (0, True)
    late = run("run", "--date", "2026-02-04", "--no-events")
    assert (late.exit_code, late.stderr.count("\n")) == (75, 1)
    assert run("run", "--date", "tomorrow").exit_code == 2
    unknown = run("run", "--date", str(DAY), "--no-events", "--select", "nonsense")
    assert (unknown.exit_code, "No model is called 'nonsense'" in unknown.stderr) == (2, True)
    assert run("wait-inputs", "--date", str(DAY)).exit_code == 0
    assert run("wait-inputs", "--date", "2026-02-09").exit_code == 75
    audited = json.loads(run("audit", "--date", str(DAY), "--json").stdout)
    assert {row["failed_rows"] for row in audited} == {0}
    some = run("audit", "--date", str(DAY), "--select", "indicator:LOAN_CNT", "--json")
    read = batch.project_of(crm.settings).select(("indicator:LOAN_CNT",))
    wanted = [row for row in audited if row["model"] in read]
    assert wanted and json.loads(some.stdout) == wanted != audited
    status = json.loads(run("status", "--json").stdout)
    assert {one["published"] for one in status["runs"]} == {True, False}
    steps = json.loads(run("status", "--date", str(DAY), "--json").stdout)["steps"]
    assert {step["outcome"] for step in steps} == {"audited"}
    assert run("status").stdout.splitlines()[0].startswith("business_date\tcommand")
    assert run("bizdate").stdout == f"{DAY}\n"
    assert run("dictionary").exit_code == 0
    assert run("lineage", "DEP_BAL").exit_code == 0


def test_a_server_that_is_not_there_is_not_ready(delivered: Bank, crm: Batch) -> None:
    crm.database = type(crm.database)(
        **{**vars(crm.database), "acrm_owner": "postgresql://nobody@127.0.0.1:1/none"}
    )
    process = command(crm, "run", "--date", str(DAY), "--no-events")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.count("\n")) == (75, 1)
    assert "127.0.0.1:1" in errors


def test_models_are_found_in_the_installed_package() -> None:
    assert len(Project.load().models) > 60
