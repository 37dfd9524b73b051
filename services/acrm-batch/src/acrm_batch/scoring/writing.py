"""A trained score as its card: the file that a night turns into SQL."""

import re
from pathlib import Path

import numpy as np

from acrm_batch.scoring.binning import Binned
from acrm_batch.scoring.card import Bin, Card, CardFeature, CardGrade, Missing, load_card
from acrm_batch.scoring.definition import Definition, Reading
from acrm_batch.scoring.fit import Fit, Ints
from acrm_batch.scoring.train import Trained


def card_of(trained: Trained, folder: Path) -> Card:
    """The card of a trained score. Its version is that of the card in the folder, or the next one
    where anything that scoring depends on has changed."""
    definition, fitted, training = trained.definition, trained.fit, trained.training
    features, without = _features(definition, fitted), trained.overlap.without
    card = Card(
        name=definition.name,
        label=definition.label,
        owner=definition.owner,
        purpose=definition.purpose,
        event=definition.event.text,
        version=1,
        horizon_months=0 if definition.event.resemblance else trained.window["horizon_months"],
        population=definition.population,
        columns=_used_columns(definition, features),
        calibration=fitted.calibration,
        grades=_grades(definition, fitted, fitted.total(training.values, len(training))),
        features=features,
        training=trained.window,
        metrics={
            "training": trained.of_training.as_dict(),
            "test": trained.of_test.as_dict(),
            "challenger": trained.of_challenger.as_dict(),
        }
        | ({"test_without_overlap": without.as_dict()} if without else {}),
    )
    return card.model_copy(update={"version": _version(card, folder / f"{card.name}.yml")})


def _features(definition: Definition, fitted: Fit) -> tuple[CardFeature, ...]:
    by_name = {feature.name: feature for feature in definition.features}
    return tuple(
        CardFeature(
            name=name,
            label=by_name[name].label,
            expression=by_name[name].expression,
            direction=by_name[name].direction,
            information_value=round(binned.information_value, 4),
            neutral=_neutral(binned, fitted.points[name]),
            missing=Missing(
                points=int(fitted.points[name][-1]),
                rows=int(binned.rows[-1]),
                events=int(binned.events[-1]),
            ),
            bins=_bins(binned, fitted.points[name]),
        )
        for name, binned in fitted.binned.items()
    )


def _used_columns(definition: Definition, features: tuple[CardFeature, ...]) -> dict[str, Reading]:
    texts = " ".join([definition.population, *(feature.expression for feature in features)])
    words = set(re.findall(r"[a-z_][a-z0-9_]*", texts))
    return {name: how for name, how in definition.columns.items() if name in words}


def _neutral(binned: Binned, points: Ints) -> int:
    return round(float((points * binned.rows).sum() / binned.rows.sum()))


def _bins(binned: Binned, points: Ints) -> tuple[Bin, ...]:
    edges = [*map(float, binned.edges), None]
    return tuple(
        Bin(below=edge, points=int(points[i]), rows=int(binned.rows[i]),
            events=int(binned.events[i]))
        for i, edge in enumerate(edges)
    )  # fmt: skip


def _grades(definition: Definition, fitted: Fit, points: Ints) -> tuple[CardGrade, ...]:
    """The points from which each grade holds: of a probability, or of a share of the training
    population, whose last points stand outside where many share them."""
    ordered = np.sort(points)[::-1]
    found = []
    for grade in definition.grades:
        if grade.from_probability is not None:
            start = fitted.calibration.points_at(grade.from_probability)
        else:
            count = round((grade.top_share or 0) * len(ordered))
            start = int(ordered[count]) + 1 if count < len(ordered) else -(10**6)
        found.append(CardGrade(grade=grade.grade, label=grade.label, from_points=start))
    return tuple(found)


def _version(card: Card, path: Path) -> int:
    """The version before, or the next one where anything that scoring depends on has changed."""
    if not path.is_file():
        return 1
    before = load_card(path)
    same = card.model_copy(update={"version": before.version})
    return before.version + (same.content_checksum() != before.checksum)
