"""A night with the cards of the package: scores beside indicators, in tags and dictionary."""

from datetime import date

import pytest

from acrm_batch.lineage import origins_of
from acrm_batch.project import Project
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch

DAY = date(2026, 2, 3)


def test_every_score_is_in_the_dictionary_with_both_names_and_its_inputs() -> None:
    project = Project.load()
    rows = project.catalogue.dictionary(origins_of(project).inputs())
    by_code = {row["code"]: row for row in rows}
    for card in project.catalogue.cards:
        for code in (card.code, f"GRADE_{card.name.upper()}", f"REASONS_{card.name.upper()}"):
            assert by_code[code]["class"] == "I06"
            assert by_code[code]["name_zh"].startswith(card.label.zh)
            assert "deposit_accounts.closed_on" in by_code[code]["inputs"]
            assert by_code[code]["version"] == card.version
    assert {"CLV_12M", "CLV_ALIVE"} <= set(by_code)


@pytest.mark.parametrize("empty", [False, True])
def test_customers_get_scores_beside_their_indicators(bank: Bank, crm: Batch, empty: bool) -> None:
    bank.customer(1)
    bank.customer(2)
    bank.account(11, 1, "A", 0 if empty else 50_000)
    bank.move(11, date(2026, 1, 12), 100)
    bank.move(11, date(2026, 2, 2), -90)
    bank.deliver(DAY)
    crm.run(DAY, publishes=True)
    first, second = crm.query(
        "select indicators from acrm.customer_indicators order by customer_id"
    )
    [indicators] = first
    assert ("SCORE_CHURN" in indicators) is not empty
    assert "SCORE_CREDIT" not in indicators
    assert 0 < float(indicators["SCORE_LOAN"]) < 1
    assert indicators["GRADE_LOAN"] in ("HIGH", "MEDIUM", "LOW")
    assert "SCORE_LOAN" not in second[0]
    tags = crm.rows("tag_customers", DAY, "customer_id, score_loan")
    assert [row[0] for row in tags] == [1, 2]
    assert float(tags[0][1]) == float(indicators["SCORE_LOAN"])
