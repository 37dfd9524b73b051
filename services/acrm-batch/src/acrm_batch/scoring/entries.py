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
        yield _entry(card, "SCORE", ("", ""), "ratio",
                     f"Probability of: {card.event.en}{within}. Scorecard {card.name}, version"
                     f" {card.version}; {page}.")  # fmt: skip
        grades = ", ".join(f"{one.grade} ({one.label.en})" for one in card.grades)
        yield _entry(card, "GRADE", ("等级", ", grade"), "code",
                     f"Grade by the points of scorecard {card.name}: {grades}.")  # fmt: skip
        yield _entry(card, "REASONS", ("原因", ", reasons"), "code",
                     f"The up to three features of scorecard {card.name} with the most points above"
                     " those of the average customer, as feature:points.")  # fmt: skip


def _entry(card: Card, kind: str, named: tuple[str, str], unit: str, formula: str) -> Indicator:
    code = f"{kind}_{card.name.upper()}"
    return Indicator(
        code=code,
        family=FAMILY,
        indicator_class="I06",
        name_zh=card.label.zh + named[0],
        name_en=card.label.en + named[1],
        unit=unit,
        grains=("customer",),
        formula=formula,
        owner=card.owner,
        sql=f"max({code.lower()})",
        version=card.version,
    )
