"""Models and catalogue: what lint finds before anything runs."""

import json
import shutil
from copy import copy
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acrm_batch.catalogue import ParameterValue
from acrm_batch.cli import app
from acrm_batch.lint import lint
from acrm_batch.names import name_faults
from acrm_batch.project import Project
from crm_shared.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the package's models and catalogue, to spoil."""
    root = Path(str(files("acrm_batch")))
    for name in ("models", "catalogue"):
        shutil.copytree(root / name, tmp_path / name)
    return tmp_path


MATTER = "description: x\nkind: base\npartition: as_of\nkey: [customer_id]\n"


def add_model(folder: Path, sql: str, matter: str = MATTER, name: str = "int_new") -> None:
    (folder / "models" / "base" / f"{name}.sql").write_text(f"/*---\n{matter}---*/\n{sql}\n")


@pytest.mark.slow
def test_the_package_is_without_faults() -> None:
    done = CliRunner().invoke(app, ["lint"])
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        (
            "-- One row.\nselect customer_id from stg_nothing",
            "reads stg_nothing, which is no model",
        ),
        ("-- One row.\nselect customer_id from landing.loans", "only staging models read landing"),
        ("-- One row.\nselect customer_id from stg_transactions", "without a window"),
        (
            "-- One row.\nselect org_id from pub_branch_indicators",
            "reads pub_branch_indicators, which is made only while it is published",
        ),
        ("-- One row.\nselect param('no.such') as x from stg_loans", "asks for parameter no.such"),
        ("select customer_id from stg_loans", "does not begin with its grain"),
        ("-- One row.\nselect customer_id frm stg_loans,", "cannot be parsed"),
        ("-- One row.\nselect 1 from stg_loans, stg_customers", "differ on what it reads"),
    ],
)
def test_lint_finds_a_planted_fault(folder: Path, sql: str, fault: str) -> None:
    add_model(folder, sql)
    assert any(fault in sentence for sentence in lint(Project.load(folder)))


def test_lint_refuses_audits_of_what_is_kept_nowhere(folder: Path) -> None:
    matter = MATTER.replace("as_of", "published") + "audits: [{not_null: [customer_id]}]\n"
    add_model(folder, "-- One row.\nselect customer_id from stg_loans", matter)
    told = " ".join(lint(Project.load(folder)))
    assert "int_new is kept nowhere; only models of the kind publish can be so." in told
    assert "int_new has audits, but is kept nowhere; audit what it reads." in told


@pytest.mark.parametrize(
    ("parameter", "fault"),
    [
        (
            "- {code: no.reader, name: {zh: 无人读取, en: Read by nobody}, type: integer,"
            " values: [{effective_from: 1900-01-01, value: 1}]}",
            "Parameter no.reader is read by no model and no tag",
        ),
        (
            "- {code: rfm.days, type: integer,"
            " values: [{effective_from: 1900-01-01, value: 7, legal_entity: L1}]}",
            "Parameter rfm.days has a value of legal entity L1",
        ),
        (
            "- {code: coverage.hysteresis_pct, type: integer,"
            " values: [{effective_from: 1900-01-01, value: 7, legal_entity: L1}]}",
            "Parameter coverage.hysteresis_pct has a value of legal entity L1",
        ),
    ],
)
def test_lint_finds_parameters_that_would_do_nothing(
    folder: Path, parameter: str, fault: str
) -> None:
    with (folder / "catalogue" / "params" / "base.yml").open("a") as stream:
        stream.write(parameter + "\n")
    [found] = lint(Project.load(folder))
    assert fault in found


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        (
            "params/base.yml",
            ('en: "Customers that a manager may have"', "en: Coverage portfolio limit"),
            "The name of parameter coverage.portfolio_limit only repeats its code",
        ),
        (
            "params/base.yml",
            ("zh: 客户经理管户数上限", "zh: portfolio limit"),
            "Parameter coverage.portfolio_limit needs a name in both languages",
        ),
        (
            "tag_levels.yml",
            ("- {path: BASIC/AGE, name: {zh: 年龄段, en: Age}}\n", ""),
            "The level BASIC/AGE of tags has no names",
        ),
        (
            "tag_levels.yml",
            ("{zh: 年龄段, en: Age}", "{zh: Age, en: Age}"),
            "The level BASIC/AGE of tags needs a name in both languages",
        ),
        (
            "tag_levels.yml",
            ("path: BASIC/AGE,", "path: BASIC/YEARS,"),
            "No tag is below the level BASIC/YEARS",
        ),
    ],
)
def test_lint_refuses_a_name_that_says_nothing(
    folder: Path, file: str, change: tuple[str, str], fault: str
) -> None:
    path = folder / "catalogue" / file
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), encoding="utf-8")
    assert any(fault in one for one in name_faults(Project.load(folder).catalogue))


@pytest.mark.slow
def test_a_parameter_asked_for_by_legal_entity_may_differ(folder: Path) -> None:
    with (folder / "catalogue" / "params" / "base.yml").open("a") as stream:
        stream.write(
            "- {code: contact.cap, type: integer,"
            " values: [{effective_from: 1900-01-01, value: 7, legal_entity: L1}]}\n"
        )
    assert lint(Project.load(folder)) == []


def spoil_tag(folder: Path, condition: str) -> None:
    path = folder / "catalogue" / "tags" / "business.yml"
    path.write_text(path.read_text().replace('"fund_bal > 0"', f'"{condition}"'))


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        (
            "fund_balance > 0",
            "Tag IN_BANK/FUND names fund_balance, which neither an indicator nor another column of"
            " ind_scores, int_capped_contacts, int_initiated, mart_customers, pot_credit,"
            " pot_deposits, pot_flows, pot_services is called; correct"
            " catalogue/tags/business.yml.",
        ),
        (
            "tag_in_bank_loan and fund_bal > 0",
            "Tag IN_BANK/FUND names tag_in_bank_loan, which neither an indicator nor",
        ),
    ],
)
def test_a_tag_that_names_an_unknown_indicator_is_a_fault(
    folder: Path, condition: str, fault: str
) -> None:
    spoil_tag(folder, condition)
    [found] = lint(Project.load(folder))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("IN_BANK/FUND/HELD/TODAY", "the path IN_BANK/FUND/HELD/TODAY is to have two or three"),
        ("IN_BANK", "the path IN_BANK is to have two or three levels"),
        ("IN_BANK//FUND", "none of them empty"),
        ("HELD/FUND", "'HELD' is no family of tags; there are BASIC, ACTIVITY, VALUE,"),
    ],
)
def test_a_tag_has_at_most_three_levels_and_a_known_family(
    folder: Path, path: str, fault: str
) -> None:
    written = folder / "catalogue" / "tags" / "business.yml"
    written.write_text(written.read_text().replace("path: IN_BANK/FUND", f"path: {path}"))
    with pytest.raises(UsageError) as refused:
        Project.load(folder)
    assert f"The entry {path} of tags/business.yml is not as it should be" in str(refused.value)
    assert fault in str(refused.value)


def test_a_value_of_a_tag_that_yaml_takes_for_a_number_is_a_fault(folder: Path) -> None:
    written = folder / "catalogue" / "tags" / "basic.yml"
    written.write_text(written.read_text().replace('"18_29"', "18_29"))
    with pytest.raises(UsageError, match="value 1829 as a number; put it in quotes"):
        Project.load(folder)


def test_a_tag_whose_rule_is_no_sql_is_a_fault(folder: Path) -> None:
    spoil_tag(folder, "fund_bal >")
    faults = lint(Project.load(folder))
    assert any(one.startswith("Tag IN_BANK/FUND has a rule that is not SQL") for one in faults)


def parameter(code: str, start: date, entity: str) -> ParameterValue:
    return ParameterValue(code, entity, start, 5)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ([], "contact.cap has no value on 2026-02-03, and model int_x needs one"),
        (
            [parameter("contact.cap", date(2026, 7, 1), "*")],
            r"no value on 2026-02-03 \(its first holds from 2026-07-01 on\), and model int_x",
        ),
        (
            [parameter("contact.cap", date(2026, 1, 1), "L1")],
            "no value on 2026-02-03 but that of legal entity L1, and model int_x needs one for the"
            " whole union; add one with effective_from 2026-02-03 or before",
        ),
    ],
)
def test_a_parameter_without_a_value_names_date_entity_and_model(
    values: list[ParameterValue], fault: str
) -> None:
    catalogue = Project.load().catalogue.with_parameters(values)
    with pytest.raises(UsageError, match=fault):
        catalogue.union_wide("contact.cap", date(2026, 2, 3), "model int_x")


def test_models_that_read_each_other_are_refused(folder: Path) -> None:
    add_model(folder, "-- One row.\nselect * from int_other", name="int_new")
    add_model(folder, "-- One row.\nselect * from int_new", name="int_other")
    with pytest.raises(UsageError, match="in a circle"):
        Project.load(folder)


def test_front_matter_that_nobody_reads_is_refused(folder: Path) -> None:
    add_model(folder, "select 1", MATTER + "colour: red\n")
    with pytest.raises(UsageError, match=r"int_new\.sql says colour"):
        Project.load(folder)


def test_selectors_bring_what_they_read_along() -> None:
    project = Project.load()
    assert "int_branch_averages" in project.select(("int_deposit_leads",))
    assert "pub_coverage" not in project.select(("int_coverage",))
    assert "pub_coverage" in project.select(("int_coverage+",))


def test_a_tag_and_an_indicator_bring_what_they_need() -> None:
    project = Project.load()
    tags = project.select(("tag:VALUE/AUM/WEALTH",))
    assert {"tag_customers", "mart_customers"} <= tags and "pub_coverage" not in tags
    assert project.select(("tag:VALUE/AUM",)) == tags
    family = project.select(("indicator:LOAN_CNT",))
    assert "ind_loans" in family or "ind_balances" in family
    assert "mart_customers" not in family
    assert "mart_customers" in project.select(("indicator:LOAN_CNT+",))


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        (
            "tag:VALUE/AUM/WELTH",
            "No tag is called 'VALUE/AUM/WELTH'; the nearest: VALUE/AUM/WEALTH",
        ),
        ("indicator:LOAN_CNTS", "No indicator is called 'LOAN_CNTS'; the nearest: LOAN_CNT"),
        ("kind:tagz", "No kind is called 'tagz'; the nearest: tags"),
        ("int_coverag", "No model is called 'int_coverag'; the nearest: int_coverage"),
        ("qqqqqq", "No model is called 'qqqqqq'. `acrm plan` lists what there is"),
    ],
)
def test_an_unknown_selector_is_told_with_the_nearest_names(selector: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        Project.load().select((selector,))
    assert refused.value.sentence.startswith(told)


def test_every_model_changes_its_fingerprint_with_its_text(folder: Path) -> None:
    before = Project.load(folder).models["int_coverage"].text_hash
    path = folder / "models" / "base" / "int_coverage.sql"
    path.write_text(path.read_text() + "\n-- said again\n")
    assert Project.load(folder).models["int_coverage"].text_hash != before


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("visits: 12", "visits: many"), "visits is 'many'; give the number a year"),
        (("tier: gold", "tier: silver"), "'silver' is no tier; there are gold, profit"),
        (("tier: gold", "tier: profit"), "Tier gold has 0 entries"),
        (("  calls: 12\n", ""), "The entry gold of catalogue/tiers.yml .* lacks 'calls'"),
    ],
)
def test_every_tier_has_one_service_standard(
    folder: Path, change: tuple[str, str], fault: str
) -> None:
    path = folder / "catalogue" / "tiers.yml"
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(UsageError, match=fault):
        Project.load(folder)


def test_the_dictionary_shows_the_service_of_a_tier() -> None:
    shown = CliRunner().invoke(app, ["dictionary", "--json"])
    [gold] = [row for row in json.loads(shown.stdout) if row["code"] == "TIER/gold"]
    assert (gold["visits"], gold["calls"], gold["served_by_zh"]) == (12, 12, "私人客户经理")


def test_an_average_over_nobody_is_empty_and_not_0() -> None:
    project = Project.load()
    by_code = {one.code: one for one in project.catalogue.indicators}
    for code in ("AUM_PER_CUST", "CONTRIB_PER_CUST", "DEP_PER_ACCT", "CAMPAIGN_UNIT_COST"):
        assert not by_code[code].has_zero
        assert f"coalesce(value.{code.lower()}, 0)" not in project.models["mart_organisations"].sql
    catalogue = copy(project.catalogue)
    filled = replace(by_code["AUM_PER_CUST"], sql="average(sum(aum), sum(customers))")
    assert filled.has_zero
    catalogue.indicators = (filled,)
    told = "AUM_PER_CUST divides by what may be 0; write average(…, nullif(…, 0))."
    assert told in lint(Project(project.models, catalogue))


def test_an_indicator_that_the_snapshot_would_leave_out_is_refused() -> None:
    project = Project.load()
    catalogue = copy(project.catalogue)
    hidden = replace(catalogue.indicators[0], code="POT_WEALTH")
    catalogue.indicators = (*catalogue.indicators, hidden)
    told = "POT_WEALTH would be left out of the snapshot by its name; call it otherwise."
    assert told in lint(Project(project.models, catalogue))
