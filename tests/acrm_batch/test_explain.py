"""Explanations: the conditions of a tag with values and thresholds, and who covers whom."""

import json
from collections.abc import Iterator
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
    assert threshold.value == runner.project.catalogue.union_wide("tier.wealth", SECOND, "the test")


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
    assert json.loads(explain("2", BORROWER, "--json").stdout)["holds"] is True
    assert "led by branch C" in explain("2", "coverage").stdout
    unknown = explain("2", "NO_SUCH_CODE")
    assert (unknown.exit_code, "acrm dictionary" in unknown.stderr) == (2, True)
