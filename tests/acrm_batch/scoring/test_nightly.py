"""A night with the cards of the package: scores beside indicators, in tags and dictionary."""

from datetime import date

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


def test_customers_get_scores_beside_their_indicators(bank: Bank, crm: Batch) -> None:
    """One has money, one nothing at all, and one an account with next to nothing."""
    bank.customer(2)
    for customer, balance in ((1, 50_000), (3, 0)):
        bank.account(10 * customer, bank.customer(customer), "A", balance)
        bank.move(10 * customer, date(2026, 1, 12), 100)
        bank.move(10 * customer, date(2026, 2, 2), -90)
    bank.deliver(DAY)
    crm.run(DAY, publishes=True)
    rich, nothing, empty = (
        row[0] for row in crm.query(
            "select indicators from acrm.customer_indicators order by customer_id"
        )
    )  # fmt: skip
    assert "SCORE_CHURN" in rich and "SCORE_CHURN" not in empty
    for indicators in (rich, empty):
        assert "SCORE_CREDIT" not in indicators
        assert 0 < float(indicators["SCORE_LOAN"]) < 1
        assert indicators["GRADE_LOAN"] in ("HIGH", "MEDIUM", "LOW")
    assert "SCORE_LOAN" not in nothing
    tags = crm.rows("tag_customers", DAY, "customer_id, score_loan", "customer_id")
    assert [row[0] for row in tags] == [1, 2, 3]
    assert float(tags[0][1]) == float(rich["SCORE_LOAN"])
    [held] = crm.query("select tags from acrm.customer_tags where customer_id = 1")
    grades = {f"MARKETING/LOAN_PROPENSITY/{rich['GRADE_LOAN']}",
              f"MARKETING/WEALTH_PROPENSITY/{rich['GRADE_WEALTH']}",
              f"MARKETING/CARD_RESEMBLANCE/{rich['GRADE_CARD']}"}  # fmt: skip
    named = ("LOAN_PROPENSITY", "WEALTH_PROPENSITY", "CARD_RESEMBLANCE")
    assert {path for path in held[0] if path.split("/")[1] in named} == grades
