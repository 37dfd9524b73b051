"""A gradient-boosted challenger beside the scorecard: what does the transparent model cost?

It sees every candidate feature under the same monotone constraints and is only reported, never
used: nobody could review its trees.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from acrm_batch.scoring.definition import Feature
from acrm_batch.scoring.samples import Sample

_CONSTRAINT = {"up": 1, "down": -1, "any": 0}


def challenge(features: Sequence[Feature], training: Sample, test: Sample) -> NDArray[np.float64]:
    """The challenger's probabilities of the test rows."""
    names = [feature.name for feature in features]
    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=15,
        min_samples_leaf=max(20, len(training) // 500),
        l2_regularization=1.0,
        monotonic_cst=[_CONSTRAINT[feature.direction] for feature in features],
        early_stopping=False,
        random_state=0,
    )
    model.fit(_matrix(training, names), training.events)
    return np.asarray(model.predict_proba(_matrix(test, names))[:, 1], dtype=np.float64)


def _matrix(sample: Sample, names: Sequence[str]) -> NDArray[np.float64]:
    return np.column_stack([sample.values[name] for name in names])
