"""A trained score as its card: the file that a night turns into SQL."""

import re
from pathlib import Path

from acrm_batch.scoring.binning import Binned
from acrm_batch.scoring.card import Bin, Card, CardFeature, Missing, load_card
from acrm_batch.scoring.definition import Definition, Reading
from acrm_batch.scoring.fit import Fit, Ints
from acrm_batch.scoring.grading import grades_of
from acrm_batch.scoring.train import Trained


def card_of(trained: Trained, folder: Path) -> Card:
    """The card of a trained score. Its version is that of the card in the folder, or the next one
    where anything that scoring depends on has changed."""
    definition, fitted = trained.definition, trained.fit
    features = _features(definition, fitted)
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
        grades=grades_of(definition.grades, fitted.unseen, fitted.unseen_events),
        features=features,
        training=trained.window,
        metrics={
            "training": trained.of_training.as_dict(),
            "test": trained.of_test.as_dict(),
            "challenger": trained.of_challenger.as_dict(),
        },
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


def _version(card: Card, path: Path) -> int:
    """The version before, or the next one where anything that scoring depends on has changed."""
    if not path.is_file():
        return 1
    before = load_card(path)
    same = card.model_copy(update={"version": before.version})
    return before.version + (same.content_checksum() != before.checksum)
