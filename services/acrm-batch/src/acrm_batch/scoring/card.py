"""A scorecard as a file: `catalogue/scores/<name>.yml`, written by training, reviewed by people.

Points are whole numbers, so that every engine adds them up to the same total (Siddiqi, Credit Risk
Scorecards, 2006, chapter 6: `points = ln(odds) * points_to_double / ln 2`). More points mean a
higher probability: `1 / (1 + exp(-(intercept + slope * points)))`.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from acrm_batch.scoring.definition import Names, Reading, Strict, parse
from crm_shared.errors import UsageError

#: Points by which the odds double (Siddiqi 2006, section 6.2).
POINTS_TO_DOUBLE = 20


class Bin(Strict):
    """Values from the bin before up to, not including, `below`; the last bin has none.

    `rows` and `events` are those of the training data.
    """

    below: float | None
    points: int
    rows: int
    events: int


class Missing(Strict):
    """What an empty value gets."""

    points: int
    rows: int
    events: int


class CardFeature(Strict):
    """A feature with its points. `neutral` is the average of the training population, below which
    a feature is no reason."""

    name: str
    label: Names
    expression: str
    direction: str
    information_value: float
    neutral: int
    missing: Missing
    bins: tuple[Bin, ...]


class Calibration(Strict):
    """From points to a probability."""

    intercept: float
    slope: float = Field(ge=0)

    def probability(self, points: float) -> float:
        """The probability of a total of points."""
        return 1.0 / (1.0 + math.exp(-(self.intercept + self.slope * points)))

    def points_at(self, probability: float) -> int:
        """The lowest total with at least that probability; without a slope, all or none have it."""
        if probability <= 0:
            return -(10**6)
        if self.slope == 0:
            return -(10**6) if self.probability(0) >= probability else 10**6
        return math.ceil(
            (math.log(probability / (1 - probability)) - self.intercept) / self.slope - 1e-9
        )


class CardGrade(Strict):
    """A grade and the points from which it holds; the file lists the highest first. `rows` and
    `events` are those of the month end that calibrated the score."""

    grade: str
    label: Names
    from_points: int
    rows: int = 0
    events: int = 0


class Card(Strict):
    """A trained score."""

    name: str
    label: Names
    owner: str
    purpose: Names
    event: Names
    version: int
    horizon_months: int
    population: str
    columns: dict[str, Reading]
    calibration: Calibration
    grades: tuple[CardGrade, ...]
    features: tuple[CardFeature, ...]
    training: dict[str, Any]
    metrics: dict[str, Any]
    checksum: str = ""

    @property
    def code(self) -> str:
        """Its code in the dictionary."""
        return f"SCORE_{self.name.upper()}"

    def content_checksum(self) -> str:
        """The checksum of what scoring depends on."""
        parts = self.model_dump(mode="json", include={
            "name", "version", "population", "columns", "calibration", "grades", "features",
        })  # fmt: skip
        for grade in parts["grades"]:
            del grade["rows"], grade["events"]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Write the file, with its checksum."""
        document = self.model_dump(mode="json") | {"checksum": self.content_checksum()}
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Written by acrm train {self.name}; train again to change it.\n{text}",
                        encoding="utf-8")  # fmt: skip


def load_card(path: Path) -> Card:
    """A card; `UsageError` where it is not right or was changed by hand."""
    card = parse(Card, path)
    if card.checksum != card.content_checksum():
        raise UsageError(
            f"{path.name} of the catalogue was changed by hand: its checksum does not fit its "
            f"points; restore it, or train it again with `acrm train {card.name}`."
        )
    return card


def load_cards(folder: Path) -> tuple[Card, ...]:
    """Every card of a folder, by name."""
    return tuple(load_card(path) for path in sorted(folder.glob("*.yml")))
