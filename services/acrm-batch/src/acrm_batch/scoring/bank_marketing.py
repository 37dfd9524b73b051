"""How well does the scorecard rank real campaign contacts?

`python -m acrm_batch.scoring.bank_marketing FILE`: 41,188 contacts of a Portuguese bank in the
order of their dates, ranked by the rolling-window protocol of Moro, Cortez and Rita (A data-driven
approach to predict the success of bank telemarketing, Decision Support Systems 62, 2014): learn
from the last 20,000 contacts, predict the next block, move on by a block; the AUC is that of all
predictions together. The window is the paper's; the block of 1,000 is ours, and larger than the
paper's, which would train some two thousand times (`--block`). Its time of testing, from July 2012,
is not in the published file, which ends in November 2010: here every contact after the first window
is a test. The mean within the blocks is harder: there the rate of success, which the blocks differ
in, helps nobody. The duration of the call is left out: it is known only when the call is over.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from acrm_batch.scoring.binning import Floats, Ints
from acrm_batch.scoring.fit import fit
from crm_shared.errors import CrmError, UsageError

#: Contacts to learn from, as in the paper, and to predict before learning again, which is ours.
WINDOW, BLOCK = 20_000, 1_000

_NUMBERS = ("age", "campaign", "pdays", "previous", "emp.var.rate", "cons.price.idx",
            "cons.conf.idx", "euribor3m", "nr.employed")  # fmt: skip
_WORDS = ("job", "marital", "education", "default", "housing", "loan", "contact", "month",
          "day_of_week", "poutcome")  # fmt: skip
_NEVER_CONTACTED = 999


@dataclass(frozen=True)
class Contacts:
    """Contacts in the order of their dates: numbers as they are, words as 0 and 1 per value."""

    numbers: dict[str, Floats]
    words: dict[str, NDArray[np.str_]]
    events: Ints

    def matrix(self) -> Floats:
        """One column per number and per value of a word."""
        columns = [np.nan_to_num(column, nan=-1) for column in self.numbers.values()]
        for column in self.words.values():
            columns += [(column == value).astype(float) for value in np.unique(column)]
        return np.column_stack(columns)


@dataclass(frozen=True)
class Result:
    """A way to rank: the AUC of all its predictions together, and of every block that has both
    outcomes."""

    name: str
    auc: float
    blocks: list[float]


#: Learns from the contacts of the first mask and gives the probabilities of the second.
Ranker = Callable[[Contacts, slice, slice], Floats]


def read_contacts(path: Path) -> Contacts:
    """The file as published; `UsageError` where it is missing or another."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter=";"))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); name bank-additional-full.csv of the UCI"
            " data set Bank Marketing."
        ) from None
    if missing := {*_NUMBERS, *_WORDS, "y"} - set(rows[0] if rows else ()):
        raise UsageError(
            f"{path} has no column {sorted(missing)[0]}; name bank-additional-full.csv."
        )
    numbers = {name: np.array([float(row[name]) for row in rows]) for name in _NUMBERS}
    numbers["pdays"][numbers["pdays"] == _NEVER_CONTACTED] = np.nan
    words = {name: np.array([row[name] for row in rows]) for name in _WORDS}
    return Contacts(numbers, words, np.array([int(row["y"] == "yes") for row in rows]))


def rolled(contacts: Contacts, name: str, ranker: Ranker, window: int, block: int) -> Result:
    """Predict every contact after the first window from the window before its block."""
    if len(contacts.events) < window + block:
        raise UsageError(
            f"There are {len(contacts.events):,} contacts, too few for a window of {window:,} and a"
            f" block of {block:,}; choose a smaller --window."
        )
    predicted, blocks = [], []
    for start in range(window, len(contacts.events), block):
        past, future = slice(start - window, start), slice(start, start + block)
        predicted.append(ranker(contacts, past, future))
        outcomes = contacts.events[future]
        if 0 < outcomes.sum() < len(outcomes):
            blocks.append(float(roc_auc_score(outcomes, predicted[-1])))
    auc = float(roc_auc_score(contacts.events[window:], np.concatenate(predicted)))
    return Result(name, auc, blocks)


def by_scorecard(contacts: Contacts, past: slice, future: slice) -> Floats:
    """The product's scorecard. Words enter as their rate of success in the window, so that they
    are cut into bins like numbers."""
    values = {name: column[past] for name, column in contacts.numbers.items()}
    unseen = {name: column[future] for name, column in contacts.numbers.items()}
    for name, column in contacts.words.items():
        rates = _rates(column[past], contacts.events[past])
        values[name] = np.array([rates.get(value, np.nan) for value in column[past]])
        unseen[name] = np.array([rates.get(value, np.nan) for value in column[future]])
    rows = past.stop - past.start
    fitted = fit(values, dict.fromkeys(values, "any"), contacts.events[past], np.arange(rows))
    return fitted.probability(unseen, len(contacts.events[future]))


def by_logistic_regression(contacts: Contacts, past: slice, future: slice) -> Floats:
    """A plain logistic regression on standardised numbers and 0-1 columns, scikit-learn's own."""
    matrix = contacts.matrix()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(matrix[past], contacts.events[past])
    return np.asarray(model.predict_proba(matrix[future])[:, 1])


def by_boosting(contacts: Contacts, past: slice, future: slice) -> Floats:
    """The challenger of the scores, without constraints."""
    matrix = contacts.matrix()
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=150, max_leaf_nodes=15, min_samples_leaf=40,
        l2_regularization=1.0, early_stopping=False, random_state=0,
    )  # fmt: skip
    model.fit(matrix[past], contacts.events[past])
    return np.asarray(model.predict_proba(matrix[future])[:, 1])


RANKERS: Mapping[str, Ranker] = {
    "scorecard": by_scorecard,
    "plain logistic regression": by_logistic_regression,
    "gradient boosting": by_boosting,
}


def _rates(words: NDArray[np.str_], events: Ints) -> dict[str, float]:
    """The rate of success of every value, drawn towards the average as if 20 contacts had it."""
    average = float(events.mean())
    names, places = np.unique(words, return_inverse=True)
    rows = np.bincount(places)
    hits = np.bincount(places, weights=events)
    rates = (hits + 20 * average) / (rows + 20)
    return dict(zip(map(str, names), map(float, rates), strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the AUC of every way to rank."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="bank-additional-full.csv")
    parser.add_argument("--window", type=int, default=WINDOW, help="contacts to learn from")
    parser.add_argument("--block", type=int, default=BLOCK, help="contacts to predict")
    given = parser.parse_args(arguments)
    try:
        contacts = read_contacts(given.file)
        for name, ranker in RANKERS.items():
            result = rolled(contacts, name, ranker, given.window, given.block)
            print(
                f"{name:<28}AUC {result.auc:.4f}, mean within {len(result.blocks)} blocks "
                f"{np.mean(result.blocks):.4f}"
            )
    except CrmError as error:
        print(error.sentence, file=sys.stderr)
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
