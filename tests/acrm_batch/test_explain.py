"""Explanations: the conditions of a tag with values and thresholds, and who covers whom."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner, Result

from acrm_batch import batch
from acrm_batch.cli import app
from acrm_batch.explain_tag import Condition, explain_tag, tag_of
from acrm_batch.runner import Runner
from crm_shared.errors import NotReadyError, UsageError
from tests.acrm_batch.conftest import SECOND, THIRD, Batch
from tests.acrm_batch.processes import environment

BORROWER = "IN_BANK/LOAN"
POOR = "VALUE/AUM/WEALTH"


@pytest.fixture
def runner(published: Batch) -> Iterator[Runner]:
    """A runner that looks at the published date."""
    with batch.looking(published.settings) as (found, _):
        yield found


def leaves(one: Condition) -> Iterator[Condition]:
    """The comparisons of a condition."""
    for part in one.parts:
        yield from leaves(part)
    if not one.parts:
        yield one


def test_every_tag_of_everybody_is_explained_as_it_is_published(runner: Runner) -> None:
    for tag in runner.project.catalogue.tags:
        for customer in (1, 2):
            told = explain_tag(runner, SECOND, customer, tag)
            assert told.is_published_so, (tag.path, customer)
            assert bool(told.condition.holds) == told.holds, (tag.path, customer)


def test_a_tag_is_explained_by_its_values_and_thresholds(runner: Runner) -> None:
    tag = tag_of(runner.project.catalogue, POOR)
    assert tag
    told = explain_tag(runner, SECOND, 1, tag)
    assert not told.holds
    [first, *_] = leaves(told.condition)
    assert [name for name, _ in first.values] == ["aum_bal"]
    [threshold] = first.thresholds
    assert (threshold.code, threshold.legal_entity_id) == ("tier.wealth", "*")
    assert threshold.name_zh == "财富级资产下限" and "财富级" in told.name_zh
    assert first.words == (
        "管理资产余额不低于“财富级资产下限”（参数 tier.wealth）",
        "“Assets under management” at least “AUM of the wealth level” (parameter tier.wealth)",
    )
    assert threshold.value == runner.project.catalogue.union_wide("tier.wealth", SECOND, "the test")


def test_a_tag_of_potential_customers_has_its_strength_and_last_day(runner: Runner) -> None:
    """Reference amount 100,000 and validity 30 days; whom it does not hold for has neither."""
    tag = tag_of(runner.project.catalogue, BORROWER)
    assert tag
    amount = "cast(40000 as decimal(18,2))"
    strong = replace(tag, strength=f"strength_amount({amount},"
                     " param('potential.reference_amount', legal_entity_id))")  # fmt: skip
    told = explain_tag(runner, SECOND, 2, strong)
    assert (told.strength, told.valid_until) == (70, SECOND + timedelta(days=30))
    for found in (explain_tag(runner, SECOND, 1, strong), explain_tag(runner, SECOND, 2, tag)):
        assert (found.strength, found.valid_until) == (None, None)


def test_a_comparison_of_a_tag_has_words_or_the_rule_has(runner: Runner) -> None:
    for tag in runner.project.catalogue.tags:
        told = explain_tag(runner, SECOND, 1, tag)
        assert told.formula_zh and told.formula_en
        for one in leaves(told.condition):
            assert one.words is None or all(one.words), (tag.path, one.text)


def test_nobody_and_no_date_are_sentences(runner: Runner) -> None:
    tag = tag_of(runner.project.catalogue, BORROWER)
    assert tag
    with pytest.raises(UsageError, match="Customer 3 is no active customer"):
        explain_tag(runner, SECOND, 3, tag)
    with pytest.raises(NotReadyError, match="has not been made"):
        explain_tag(runner, THIRD + timedelta(days=1), 1, tag)


def test_the_command_explains(published: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(published).items():
        monkeypatch.setenv(name, value)

    def explain(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["explain", *arguments])

    assert f"{BORROWER} (贷款客户, Borrower) of customer 2" in explain("2", BORROWER).stdout
    told = explain("2", BORROWER).stdout
    assert "是 yes: 贷款笔数大于0 / “Running loans” above 0" in told
    assert "贷款笔数 Running loans (loan_cnt) = 1" in told
    data = json.loads(explain("2", BORROWER, "--json").stdout)
    assert data["holds"] is True and data["condition"]["words_zh"] == "贷款笔数大于0"
    assert data.keys() >= {"formula_zh", "formula_en", "strength", "valid_until"}
    assert "led by branch C" in explain("2", "coverage").stdout
    unknown = explain("2", "NO_SUCH_CODE")
    assert (unknown.exit_code, "acrm dictionary" in unknown.stderr) == (2, True)
