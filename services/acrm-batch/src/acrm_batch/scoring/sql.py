"""Scorecards as one set-based query: CASE, whole points, arithmetic and `exp`, nothing else.

Both engines give the same totals, grades and reasons, because points are whole numbers and reasons
are found by comparing whole numbers: each feature above its neutral points has a number of its own,
`(points - neutral) * 100 + rank`, and the three largest are the reasons.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from acrm_batch.engines.sql import literal
from acrm_batch.scoring.card import Card, CardFeature
from acrm_batch.scoring.definition import Reading, same_readings

#: How many reasons a score gives.
REASONS = 3

_READ: dict[Reading, str] = {
    "number": "cast({column} as double)",
    "flag": "cast(case when {column} then 1 when not {column} then 0 end as double)",
    "days_since": "cast(date_diff('day', {column}, $bd) as double)",
    "days_until": "cast(date_diff('day', $bd, {column}) as double)",
    "text": "{column}",
}


def score_sql(cards: Sequence[Card], sql: str) -> str:
    """One row per row of `sql` (which has `customer_id` and the columns the cards read), with
    `score_…`, `grade_…` and `reasons_…` per card, empty outside its population.

    `UsageError` where two cards read a column differently.
    """
    readings = same_readings({card.name: card.columns for card in cards})
    new = [text for card in cards for text in _features(card)]
    layer = _select(["customer_id", *new], read_sql(readings, sql))
    steps: list[Callable[[Card], Iterator[str]]] = [_points, _totals]
    steps += [partial(_largest, place) for place in range(REASONS)]
    for columns in steps:
        new = [text for card in cards for text in columns(card)]
        layer = _select(["*", *new], layer)
    published = [text for card in cards for text in _published(card)]
    return "-- One row per active customer.\n" + _select(["customer_id", *published], layer)


def read_sql(readings: dict[str, Reading], sql: str) -> str:
    """The columns of a query as features read them: numbers as DOUBLE, dates as days."""
    return _select(
        ["customer_id"]
        + [f"{_READ[reading].format(column=column)} as {column}"
           for column, reading in readings.items()],
        sql,
    )  # fmt: skip


def features_sql(
    population: str, expressions: Iterable[tuple[str, str]], readings: dict[str, Reading], sql: str
) -> str:
    """The features of the customers of a population: what training sees is what scoring sees."""
    read = read_sql(readings, sql)
    named = [f"cast({expression} as double) as {name}" for name, expression in expressions]
    return _select(["customer_id", *named], read) + f"\nwhere {population}"


def _select(columns: Iterable[str], source: str) -> str:
    return "select " + ",\n    ".join(columns) + f"\nfrom (\n{source}\n) as below"


def _features(card: Card) -> Iterator[str]:
    yield f"coalesce({card.population}, false) as {card.name}__in"
    for place, feature in enumerate(card.features):
        yield f"cast({feature.expression} as double) as {card.name}__f{place}"


def _points(card: Card) -> Iterator[str]:
    for place, feature in enumerate(card.features):
        yield f"{_points_of(feature, f'{card.name}__f{place}')} as {card.name}__p{place}"


def _points_of(feature: CardFeature, value: str) -> str:
    """The points of a value; the bins are in order, so the first whose edge lies above is it."""
    cases = [f"when {value} is null then {feature.missing.points}"]
    cases += [
        f"when {value} < {_double(one.below)} then {one.points}"
        for one in feature.bins
        if one.below is not None
    ]
    return f"case {' '.join(cases)} else {feature.bins[-1].points} end"


def _totals(card: Card) -> Iterator[str]:
    total = " + ".join(f"{card.name}__p{place}" for place in range(len(card.features)))
    yield f"{total or 0} as {card.name}__points"
    for place, feature in enumerate(card.features):
        above = f"({card.name}__p{place} - {feature.neutral})"
        yield (
            f"case when {above} > 0 then {above} * 100 + {99 - place} end as {card.name}__r{place}"
        )


def _largest(place: int, card: Card) -> Iterator[str]:
    """The number of the reason at a place: the largest below that of the reason before it."""
    numbers = [f"{card.name}__r{other}" for other in range(len(card.features))]
    if place:
        numbers = [
            f"case when {number} < {card.name}__top{place - 1} then {number} end"
            for number in numbers
        ]
    largest = f"greatest({', '.join(numbers)})" if numbers[1:] else (numbers or ["null"])[0]
    yield f"{largest} as {card.name}__top{place}"


def _published(card: Card) -> Iterator[str]:
    name = card.name
    inside = f"case when {name}__in then"
    logit = (
        f"{_double(card.calibration.intercept)} + {_double(card.calibration.slope)}"
        f" * cast({name}__points as double)"
    )
    yield (
        f"{inside} cast(round(cast(1 as double) / (cast(1 as double) + exp(-({logit}))), 4)"
        f" as decimal(9,4)) end as score_{name}"
    )
    grades = " ".join(
        f"when {name}__points >= {one.from_points} then {literal(one.grade)}"
        for one in card.grades[:-1]
    )
    last = literal(card.grades[-1].grade)
    yield f"{inside} {f'case {grades} else {last} end' if grades else last} end as grade_{name}"
    yield f"{inside} {_reasons_text(card)} end as reasons_{name}"


def _reasons_text(card: Card) -> str:
    """`feature:points` of the reasons, separated by commas; empty where nothing speaks for it."""
    if not card.features:
        return "''"
    return " || ".join(_one_reason(card, place) for place in range(REASONS))


def _one_reason(card: Card, place: int) -> str:
    comma = "," if place else ""
    cases = " ".join(
        f"when {card.name}__r{other} then {literal(f'{comma}{feature.name}:')}"
        f" || cast({card.name}__p{other} - {feature.neutral} as varchar)"
        for other, feature in enumerate(card.features)
    )
    return f"coalesce(case {card.name}__top{place} {cases} end, '')"


def _double(number: float | None) -> str:
    return f"cast({number!r} as double)"
