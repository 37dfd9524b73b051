"""The codes of the scores in the dictionary: SCORE_…, GRADE_… and REASONS_… of every card."""

from collections.abc import Iterable, Iterator

from acrm_batch.catalogue import Indicator
from acrm_batch.scoring.card import Card

#: The family that has them: `ind_scores`.
FAMILY = "scores"


def score_indicators(cards: Iterable[Card]) -> Iterator[Indicator]:
    """What `ind_scores` has of every card, as indicators of a customer."""
    for card in cards:
        page = f"docs/models/{card.name}.md"
        within = f" within {card.horizon_months} months" if card.horizon_months else ""
        ahead = f"{card.horizon_months}个月内" if card.horizon_months else ""
        yield _entry(card, "SCORE", ("", ""), "ratio",
                     zh=f"{ahead}发生下列情形的概率：{card.event.zh}。评分卡 {card.name}，版本"
                     f" {card.version}；{page}。",
                     en=f"Probability of: {card.event.en}{within}. Scorecard {card.name}, version"
                     f" {card.version}; {page}.")  # fmt: skip
        grades = ", ".join(f"{one.grade} ({one.label.en})" for one in card.grades)
        named = "、".join(f"{one.grade}（{one.label.zh}）" for one in card.grades)
        yield _entry(card, "GRADE", ("等级", ", grade"), "code",
                     zh=f"按评分卡 {card.name} 的分数评定的等级：{named}。",
                     en=f"Grade by the points of scorecard {card.name}: {grades}.")  # fmt: skip
        yield _entry(card, "REASONS", ("原因", ", reasons"), "code",
                     zh=f"评分卡 {card.name} 中得分高出平均客户最多的特征，至多三个，写作"
                     "“特征:分数”。",
                     en=f"The up to three features of scorecard {card.name} with the most points"
                     " above those of the average customer, as feature:points.")  # fmt: skip


def _entry(
    card: Card, kind: str, named: tuple[str, str], unit: str, *, zh: str, en: str
) -> Indicator:
    code = f"{kind}_{card.name.upper()}"
    return Indicator(
        code=code,
        family=FAMILY,
        indicator_class="I06",
        name_zh=card.label.zh + named[0],
        name_en=card.label.en + named[1],
        unit=unit,
        grains=("customer",),
        formula_zh=zh,
        formula_en=en,
        owner=card.owner,
        sql=f"max({code.lower()})",
        version=card.version,
    )
