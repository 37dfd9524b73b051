"""Rules of tags in words: made of the SQL that is run, or written beside it."""

import pytest

from acrm_batch.rule_words import Vocabulary

WORDS = Vocabulary({
    "aum_bal": ("管理资产余额", "AUM"),
    "job": ("职业", "Occupation"),
    "job=farmer": ("农民", "farmer"),
    "job=self_made": ("个体户", "has a shop"),
    "has_card": ("有贷记卡", "there is a credit card"),
    "tier.high": ("高端下限", "High tier"),
})  # fmt: skip


def said(when: str, *earlier: str, strength: str = "") -> tuple[str, str]:
    return WORDS.of_rule({"when": when}, earlier, strength)


@pytest.mark.parametrize(
    ("sql", "zh", "en"),
    [
        ("aum_bal > 0", "管理资产余额大于0。", "“AUM” above 0."),
        ("aum_bal <= -12.5", "管理资产余额不高于-12.5。", "“AUM” at most -12.5."),
        (
            "aum_bal >= param('tier.high', legal_entity_id)",
            "管理资产余额不低于“高端下限”（参数 tier.high）。",
            "“AUM” at least “High tier” (parameter tier.high).",
        ),
        (
            "aum_bal < -param('tier.high')",
            "管理资产余额小于负的“高端下限”（参数 tier.high）。",
            "“AUM” below minus “High tier” (parameter tier.high).",
        ),
        (
            "has_card and job = 'self_made'",
            "有贷记卡，且职业为个体户（self_made）。",
            "There is a credit card, and “Occupation” is has a shop (self_made).",
        ),
        (
            "job in ('farmer', 'self_made') or job is not null",
            "职业为农民（farmer）、个体户（self_made）之一，或职业已知。",
            "“Occupation” is one of farmer, has a shop (self_made), or “Occupation” is known.",
        ),
    ],
)
def test_a_rule_of_comparisons_says_itself(sql: str, zh: str, en: str) -> None:
    assert said(sql) == (zh, en)


@pytest.mark.parametrize(
    "sql",
    [
        "aum_bal + aum_bal > 0",
        "aum_bal > 0 and has_card or has_card",
        "(aum_bal > 0 or has_card) and has_card",
        "coalesce(aum_bal, 0) = 0",
        "not has_card",
        "aum_bal >= aum_bal",
        "unknown_bal > 0",
        "job = 'unknown'",
        "aum_bal > param('unknown')",
    ],
)
def test_any_other_rule_has_to_have_its_words_written(sql: str) -> None:
    assert said(sql) == ("", "")
    words = {"zh": "有余额", "en": "there is money"}
    told = WORDS.of_rule({"when": sql, "words": words}, [], "")
    assert told == ("有余额。", "There is money.")


def test_a_rule_below_another_says_so_unless_both_ask_one_column_for_codes() -> None:
    zh, en = said("aum_bal > 0", "(aum_bal > 9)")
    assert zh == "管理资产余额大于0，且本组前面各项均不成立。"
    assert en == "“AUM” above 0, and nothing above it in the group holds."
    assert said("job = 'farmer'", "(job in ('driver', 'worker'))")[0] == "职业为农民（farmer）。"


@pytest.mark.parametrize(
    ("sql", "earlier", "is_said"),
    [
        ("job in ('farmer')", ["(job in ('driver', 'worker'))", "(job in ('worker'))"], False),
        ("job = 'farmer'", ["(job in ('driver', 'farmer'))"], True),
        ("job in ('farmer', 'self_made')", ["(job = 'driver')", "(job = 'self_made')"], True),
        ("job = 'farmer'", ["(job = 'driver')", "(has_card)"], True),
        ("job = 'farmer'", ["(has_card)"], True),
        ("aum_bal = 1", ["(aum_bal = 2)", "(aum_bal in (-1, 0))"], False),
        ("aum_bal = 1", ["(aum_bal = param('tier.high'))"], True),
        ("aum_bal = 1", ["(aum_bal = 1.0)"], True),
    ],
)
def test_only_of_different_codes_the_order_does_not_matter(
    sql: str, earlier: list[str], *, is_said: bool
) -> None:
    assert ("nothing above it in the group holds" in said(sql, *earlier)[1]) is is_said


def test_the_strength_is_said_after_the_rule() -> None:
    zh, en = said("aum_bal > 0", strength="strength_ratio(aum_bal, 5)")
    assert zh == "管理资产余额大于0。强度：恰达下限为50，达下限两倍及以上为100。"
    assert en.endswith(
        "above 0. Strength: 50 at the threshold, 100 at twice the threshold and above."
    )


@pytest.mark.parametrize(
    ("strength", "is_said"),
    [
        ("50", True),
        ("50 + aum_bal", False),
        ("strength_ratio(100 * aum_bal, param('tier.high', legal_entity_id) * 3)", True),
        ("strength_ratio(aum_bal, 5) + strength_ratio(aum_bal, 6)", False),
        ("strength_amount(aum_bal, param('potential.reference_amount', legal_entity_id))", True),
        ("strength_amount(aum_bal, param('tier.high', legal_entity_id))", False),
    ],
)
def test_any_other_strength_has_to_be_in_the_words_that_are_written(
    strength: str, *, is_said: bool
) -> None:
    assert all(said("aum_bal > 0", strength=strength)) is is_said
    own = {"when": "aum_bal > 0", "words": {"zh": "有余额", "en": "there is money"}}
    zh, en = WORDS.of_rule(own, [], strength)
    assert ("强度" in zh) is ("Strength" in en) is is_said
