"""The rolling protocol on real contacts, and that it looks at nothing that comes later."""

import os
from pathlib import Path

import numpy as np
import pytest

from acrm_batch.scoring.bank_marketing import (
    Contacts,
    by_logistic_regression,
    by_scorecard,
    main,
    read_contacts,
    rolled,
)
from acrm_batch.scoring.binning import Floats
from crm_shared.errors import ExitCode, UsageError

REAL_DATA = Path(os.environ.get("CRM_REAL_DATA") or Path(__file__).parents[4] / "shared/data")
FILE = REAL_DATA / "bank_marketing" / "bank-additional-full.csv"

needs_the_file = pytest.mark.skipif(
    not FILE.is_file(), reason=f"{FILE} is not there; set CRM_REAL_DATA to the real data"
)


@needs_the_file
@pytest.mark.slow
def test_the_scorecard_gives_away_less_than_two_points_of_auc_to_a_logistic_regression() -> None:
    """Readable points cost something where a regression has every column: docs/models.md has both
    of all 22 blocks (0.728 and 0.744). Here there are three blocks of 7,000."""
    contacts = read_contacts(FILE)
    assert len(contacts.events) == 41_188
    assert contacts.events.sum() == 4_640
    assert "duration" not in contacts.numbers
    scorecard = rolled(contacts, "scorecard", by_scorecard, 20_000, 7_000)
    plain = rolled(contacts, "plain", by_logistic_regression, 20_000, 7_000)
    assert scorecard.auc > plain.auc - 0.02


def test_a_window_ends_before_the_block_that_it_predicts() -> None:
    seen = []

    def ranker(contacts: Contacts, past: slice, future: slice) -> Floats:
        seen.append((past.start, past.stop, future.start, future.stop))
        return np.zeros(len(contacts.events[future]))

    contacts = Contacts({}, {}, np.array([0, 1] * 15))
    result = rolled(contacts, "none", ranker, 10, 8)
    assert seen == [(0, 10, 10, 18), (8, 18, 18, 26), (16, 26, 26, 34)]
    assert result.auc == 0.5
    with pytest.raises(UsageError, match="30 contacts, too few for a window of 25"):
        rolled(contacts, "none", ranker, 25, 8)


def test_a_wrong_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.csv").write_text("a;b\n1;2\n")
    assert main([str(tmp_path / "other.csv")]) == ExitCode.USAGE
    assert main([str(tmp_path / "gone.csv")]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert "has no column" in told
    assert "cannot be read" in told
